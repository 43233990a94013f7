"""What customers are owed for a month, by the tiers of each SLA.

A tier reaches from the next one's border, which is in it, up to its own, which is not: with tiers below 99.9
and below 99 a month of exactly 99.9 % is owed nothing, and one of exactly 99 % the first. Counts and borders
are compared as fractions: as binary numbers neither 0.999 nor 99.9 is what it says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.conventions import MINIMUM_COVERAGE
from sla_worker.database import SLADatabase
from sla_worker.errors import SLAWorkerError
from sla_worker.model import SLAStatus, Tier
from sla_worker.spans import calendar_month, month_start

_DIGITS = 12  # of a score, which is no ratio of counts
NO_EVENTS, TOO_LITTLE = "no events", "too little was measured"


@dataclass(frozen=True, slots=True)
class Credit:
    """What is owed for one SLA and component over a month, in percent; None: it cannot be said, and why.

    `tier` is None where nothing is owed.
    """

    status: SLAStatus
    tiers: Sequence[Tier]
    percent: Decimal | None
    tier: Tier | None = None
    reason: str | None = None

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


def owed(status: SLAStatus, tiers: Sequence[Tier]) -> Credit:
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
    tiers = {key: database.version_at(key, end).policy.credits for key in {each.key for each in statuses}}
    found = tuple(owed(each, tiers[each.key]) for each in statuses if tiers[each.key])
    return MonthlyCredits(month, start, end, until > last, found)


def _ratio(status: SLAStatus, ratio: float) -> Fraction:
    """The exact ratio of the counts; of a score, which is none of its own slots, its decimals."""
    if status.total > 0 and status.good / status.total == ratio:
        return Fraction(status.good) / Fraction(status.total)
    return Fraction(repr(round(ratio, _DIGITS)))
