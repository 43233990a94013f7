"""From the ledger to the values of a report: figures only, no words and no HTML."""

from __future__ import annotations

from sla_worker.as_measured import breaches_as_measured, statuses_as_measured
from sla_worker.database import SLADatabase
from sla_worker.model import Report

_AHEAD_SECONDS = 7 * 86_400  # so far ahead planned maintenance is shown


def period_report(
    database: SLADatabase,
    *,
    title: str,
    hours: float,
    now: int,
    end: int | None = None,
    exclusions: bool = True,
) -> Report:
    """All SLAs over the `hours` before `end` (default: `Grid.period_end`), as known at `now`.

    An end between two slots is cut down to the slot before it. Without `exclusions` SLAs are shown as they
    were measured.
    """
    end = database.period_end(now) if end is None else database.grid.slot_before(end)
    start = end - int(hours * 3600)
    return report_between(database, title=title, start=start, end=end, now=now, exclusions=exclusions)


def report_between(
    database: SLADatabase,
    *,
    title: str,
    start: int,
    end: int,
    now: int,
    exclusions: bool = True,
    of_then: bool = False,
) -> Report:
    """All SLAs over the slots in (start, end], as known at `now`.

    `of_then`: those that were promised in the period, removed since or not, instead of those of today.
    """
    statuses = database.status_of_period if of_then else database.status_between
    found = list(statuses(start, end, exclusions=exclusions))
    breaches, active = database.breaches_between(start, end), database.get_active_breaches()
    if not exclusions:
        last = database.period_end(now)
        found = statuses_as_measured(database, found, last)
        breaches = breaches_as_measured(database, start, end)
        active = [each for each in breaches_as_measured(database, last - 1, last) if each.ended_at is None]
    return Report(
        title=title,
        start=start,
        end=end,
        generated_at=now,
        statuses=tuple(found),
        active_breaches=tuple(active),
        period_breaches=len(breaches),
        maintenance=tuple(
            each
            for each in database.maintenance.all()
            if each.revoked_at is None
            and any(begin < now + _AHEAD_SECONDS and until > start for begin, until in each.spans)
        ),
        corrections=tuple(database.corrections.between(start, end)) if exclusions else (),
        lingering=database.maintenance.lingering.since(active) if exclusions else {},
    )
