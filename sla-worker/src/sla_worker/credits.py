"""What customers are owed for a month, by the tiers of each SLA; of a frozen one it is proposed.

A tier reaches from the next one's border, which is in it, up to its own, which is not: with tiers below 99.9
and below 99 a month of exactly 99.9 % is owed nothing, and one of exactly 99 % the first. Counts and borders
are compared as fractions: as binary numbers neither 0.999 nor 99.9 is what it says.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sla_worker.conventions import MINIMUM_COVERAGE
from sla_worker.database import SLADatabase
from sla_worker.errors import SLAWorkerError
from sla_worker.model import FrozenMonth, Policy, Tier, title
from sla_worker.model.credit import Proposed
from sla_worker.render.credits import estimate_lines, proposal_lines
from sla_worker.spans import calendar_month, month_start

_DIGITS = 12  # of a score, which is no ratio of counts
NO_EVENTS, TOO_LITTLE = "no events", "too little was measured"


class OfMonth(Protocol):
    """What a credit depends on: of the ledger a status, of a frozen month a line of its document."""

    @property
    def key(self) -> str: ...
    @property
    def component(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def good(self) -> float: ...
    @property
    def total(self) -> float: ...
    @property
    def compliance_ratio(self) -> float | None: ...
    @property
    def coverage_ratio(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a frozen month."""

    key: str
    component: str
    title: str
    good: float
    total: float
    compliance_ratio: float | None
    coverage_ratio: float


@dataclass(frozen=True, slots=True)
class Credit:
    """What is owed for one SLA and component over a month, in percent; None: it cannot be said, and why.

    `tier` is None where nothing is owed. `cap_leaves`: what the yearly cap
    leaves as of now; None: there is none.
    """

    status: OfMonth
    tiers: Sequence[Tier]
    percent: Decimal | None
    tier: Tier | None = None
    reason: str | None = None
    cap_leaves: Decimal | None = None

    def values(self) -> dict[str, Any]:
        """As JSON has it; percentages as texts with the digits of the file."""
        return {
            "sla": self.status.key,
            "component": self.status.component,
            "title": self.status.title,
            "good": self.status.good,
            "total": self.status.total,
            "compliance_ratio": self.status.compliance_ratio,
            "coverage_ratio": self.status.coverage_ratio,
            "credit_percent": None if self.percent is None else str(self.percent),
            "below_percent": None if self.tier is None else str(self.tier.below),
            "reason": self.reason,
            "yearly_cap_leaves_percent": None if self.cap_leaves is None else f"{self.cap_leaves:f}",
            "tiers": [{"below": str(each.below), "credit": str(each.credit)} for each in self.tiers],
        }


@dataclass(frozen=True, slots=True)
class MonthlyCredits:
    """All SLAs that have credits, over the slots of a month in (start, end]; `estimate`: it is not over."""

    month: str
    start: int
    end: int
    estimate: bool
    credits: tuple[Credit, ...]

    def values(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "month": self.month,
            "start": self.start,
            "end": self.end,
            "estimate": self.estimate,
            "credits": [each.values() for each in self.credits],
        }


def owed(status: OfMonth, tiers: Sequence[Tier]) -> Credit:
    """What is owed for a month whose figures are these; the tiers go from the mildest to the worst."""
    if status.compliance_ratio is None:
        return Credit(status, tiers, None, reason=NO_EVENTS)
    if status.coverage_ratio < MINIMUM_COVERAGE:
        return Credit(status, tiers, None, reason=TOO_LITTLE)
    percent = _ratio(status, status.compliance_ratio) * 100
    below = [each for each in tiers if percent < Fraction(each.below)]
    return Credit(status, tiers, below[-1].credit, below[-1]) if below else Credit(status, tiers, Decimal())


def monthly_credits(database: SLADatabase, month: str | None, zone: ZoneInfo, now: float) -> MonthlyCredits:
    """The credits of a month like 2026-03 (None: the running one), by the version in force at its end.

    Raises SLAWorkerError for what is no month, or one that has not begun.
    """
    last = database.period_end(now)
    if month is None:
        begun = dt.datetime.fromtimestamp(month_start(last, zone), zone)
        month = f"{begun:%Y-%m}"
    try:
        start, until = calendar_month(month, zone)
    except (ValueError, OverflowError):
        raise SLAWorkerError(f"invalid month: {month[:40]!r}; give a month like 2026-03") from None
    if start >= last:
        raise SLAWorkerError(f"the month {month} has not begun; give one that has")
    end = min(until, last)
    statuses = database.status_of_period(start, end)  # as a frozen month: what was removed since is owed too
    policies = {key: database.version_at(key, end).policy for key in {each.key for each in statuses}}
    found = tuple(
        replace(
            owed(each, policies[each.key].credits),
            cap_leaves=database.credits.left_beside(
                (month, each.key, each.component), policies[each.key].credit_terms
            ),
        )
        for each in statuses
        if policies[each.key].credits
    )
    return MonthlyCredits(month, start, end, until > last, found)


def frozen_credits(document: Mapping[str, Any], policy: Callable[[str], Policy]) -> list[Credit]:
    """The credits of a frozen month; `policy` gives that of an SLA at the end of the month."""
    found = []
    for each in document["slas"]:
        tiers = policy(each["sla"]).credits
        if not tiers:
            continue
        line = Line(
            key=each["sla"],
            component=each["component"],
            title=title(each["name"], each["component"]),
            good=each["good"],
            total=each["total"],
            compliance_ratio=each["compliance_ratio"],
            coverage_ratio=each["coverage_ratio"],
        )
        found.append(owed(line, tiers))
    return found


def propose(database: SLADatabase, month: FrozenMonth, now: int) -> list[int]:
    """Propose what a revision of a month owes, as far as that changed. Returns the new proposals' numbers."""
    policies: dict[str, Policy] = {}

    def policy(key: str) -> Policy:
        if key not in policies:
            policies[key] = database.version_at(key, month.end).policy
        return policies[key]

    document = json.loads(database.months.document(month))
    found = [
        Proposed(
            sla=each.status.key,
            component=each.status.component,
            title=each.status.title,
            percent=each.percent,
            below=None if each.tier is None else each.tier.below,
            why=each.reason,
            compliance_ratio=each.status.compliance_ratio,
            coverage_ratio=each.status.coverage_ratio,
            terms=policy(each.status.key).credit_terms,
        )
        for each in frozen_credits(document, policy)
    ]
    return database.credits.propose(month, found, now)


def credit_lines(database: SLADatabase, month: str, zone: ZoneInfo, now: int) -> tuple[str, ...]:
    """What a report of a month like 2026-03 says of credits; nothing where no SLA has any."""
    frozen = database.months.get(month)
    if frozen is None or any((each.month, each.revision) == (month, frozen.revision)
                             for each in database.months.unproposed()):  # fmt: skip
        found = monthly_credits(database, month, zone, now)
        return estimate_lines(
            [(each.status.title, each.percent, each.reason, each.cap_leaves) for each in found.credits]
        )
    if proposals := database.credits.all(month):
        return proposal_lines([(each, database.credits.left_of_cap(each)) for each in proposals])
    document = json.loads(database.months.document(frozen))
    has_any = frozen_credits(document, lambda key: database.version_at(key, frozen.end).policy)
    return ("Nothing is owed.",) if has_any else ()


def claim_until(end: int, days: int | None, zone: ZoneInfo) -> dt.date | None:
    """The last day on which a credit of a month that ends at `end` can be claimed; None: no such day."""
    if days is None:
        return None
    return dt.datetime.fromtimestamp(end, zone).date() + dt.timedelta(days=days - 1)


def _ratio(status: OfMonth, ratio: float) -> Fraction:
    """The exact ratio of the counts; of a score, which is none of its own slots, its decimals."""
    if status.total > 0 and status.good / status.total == ratio:
        return Fraction(status.good) / Fraction(status.total)
    return Fraction(repr(round(ratio, _DIGITS)))
