"""Every SLA over one window: the figures of the page, the API, the terminal and `sla_explain`.

    burn rate = bad share ÷ allowed share
    budget left = 1 - burn rate, below 0 when more was used than is allowed

How long the rest lasts is said at the rate r of the last hour; the rest is b of a window of W seconds. A
window that moves on, like 30 days, allows as much at any time: b · W ÷ r, as if nothing fell out of it. One
of the calendar allows more with each second: b · W ÷ (r - 1), and it never ends at a rate up to 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sla_worker.conventions import BURN_EVEN
from sla_worker.database import SLADatabase
from sla_worker.model import Budget, Report, SLAStatus
from sla_worker.reports import report_between
from sla_worker.spans import Span, read_span

_HOUR = 3600
Budgets = Mapping[tuple[str, str], Budget]


@dataclass(frozen=True, slots=True)
class Compliance:
    """The report over a window, and the error budgets by key and component."""

    window: str
    report: Report
    budgets: Budgets


def compliance(
    database: SLADatabase,
    window: str,
    zone: ZoneInfo,
    now: float,
    *,
    title: str,
    exclusions: bool = True,
    only: Collection[str] | None = None,
) -> Compliance:
    """Every SLA over a window, or those with the keys `only`; see spans.py for the names of windows.

    Raises SLAWorkerError for one that is none.
    """
    span = read_span(window, database.period_end(now), database.slot_seconds, zone)
    report = report_between(
        database,
        title=title,
        start=span.start,
        end=span.end,
        now=int(now),
        exclusions=exclusions,
        of_then=span.moves is None,  # what is over has the SLAs of then, as its frozen month has
        only=only,
    )
    return Compliance(window, report, budgets(database, span, report.statuses, exclusions=exclusions))


def budgets(
    database: SLADatabase, span: Span, statuses: Iterable[SLAStatus], *, exclusions: bool = True
) -> Budgets:
    """The error budgets of statuses over a span."""
    hours: dict[tuple[str, str], float | None] = {}
    if span.moves is not None:
        last = database.get_current_sla_status(1, end=span.end, exclusions=exclusions)
        hours = {(each.key, each.component): each.burn_rate for each in last}
    return {
        (each.key, each.component): _budget(each, hours.get((each.key, each.component)), span)
        for each in statuses
    }


def _budget(status: SLAStatus, rate: float | None, span: Span) -> Budget:
    left = status.budget_left_ratio
    return Budget(left, status.burn_rate, rate, None if left is None else _lasts(left, rate, span))


def _lasts(left: float, rate: float | None, span: Span) -> float | None:
    """See the top of this module; None: it does not end at this rate, or the rate is not known."""
    if span.moves is None:
        return None
    if left <= 0:
        return 0.0
    if rate is None:
        return None
    used = rate if span.moves else rate - BURN_EVEN
    return left * (span.end - span.start) / used if used > 0 else None
