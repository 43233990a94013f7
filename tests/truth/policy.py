"""What is promised, and how a slot is judged: from the file of definitions, in exact numbers."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

MET, BREACHED, NO_TRAFFIC, NO_DATA, PARTIAL, LOW_TRAFFIC, OUT_OF_HOURS = range(7)
"""The states by the numbers that stand in the ledger."""

_ENOUGH = Fraction(9, 10)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Hours:
    """Service hours within one day."""

    days: frozenset[int]
    begin: datetime.time
    end: datetime.time | None
    zone: zoneinfo.ZoneInfo
    holidays: frozenset[datetime.date]

    def hold(self, slot: int, slot_seconds: int) -> bool:
        """Whether every minute of the slot lies inside."""
        return all(self._holds(moment) for moment in range(slot - slot_seconds, slot, 60))

    def _holds(self, moment: int) -> bool:
        local = datetime.datetime.fromtimestamp(moment, self.zone)
        open_then = local.weekday() in self.days and local.date() not in self.holidays
        return open_then and self.begin <= local.time() and (self.end is None or local.time() < self.end)


@dataclass(frozen=True, slots=True)
class Policy:
    """`share` is the least share of good events; exactly, so that a target is met by exactly as much."""

    share: Fraction
    minimum_events: Fraction = Fraction(1)
    no_data_is_bad: bool = False
    baseline: bool = False
    breach_after: int = 1
    recover_after: int = 1
    hours: Hours | None = None

    def judged(self, good: float, total: float, coverage: float, *, in_service: bool) -> int:
        """The state of a slot."""
        if not in_service:
            return OUT_OF_HOURS
        if coverage <= 0:
            return BREACHED if self.no_data_is_bad else NO_DATA
        if Fraction(coverage).limit_denominator(10**6) < _ENOUGH:
            return PARTIAL
        if total <= 0:
            return NO_TRAFFIC
        if total < self.minimum_events:
            return LOW_TRAFFIC
        return MET if Fraction(good) >= self.share * Fraction(total) else BREACHED

    def in_service(self, slot: int, slot_seconds: int) -> bool:
        """Whether the slot counts at all."""
        return self.hours is None or self.hours.hold(slot, slot_seconds)


def read_policy(sla: Mapping[str, Any], tree: Mapping[str, Any]) -> Policy:
    """Of one SLA; what it does not say, the top of the file does."""
    said = {**(tree.get("defaults") or {}), **sla}
    target = Fraction(str(sla["target"]))
    if "objective" in sla["sli"]:
        share = Fraction(str(sla["sli"]["objective"]))
    else:
        share = target if sla["comparison"] == ">=" else 1 - target
    return Policy(
        share=share,
        minimum_events=Fraction(str(said.get("minimum_events", 1))),
        no_data_is_bad=said.get("no_data") == "bad",
        baseline=said.get("new_series") == "baseline",
        breach_after=int(said.get("breach_after", 1)),
        recover_after=int(said.get("recover_after", 1)),
        hours=_hours(said.get("service_hours"), tree.get("holidays") or {}),
    )


def _hours(said: object, lists: Mapping[str, Any]) -> Hours | None:
    if not isinstance(said, Mapping):
        return None
    days = said["days"] if isinstance(said["days"], list) else [said["days"]]
    named = said.get("holidays") or ()
    return Hours(
        frozenset(day for each in days for day in _span(each)),
        datetime.time.fromisoformat(said["from"]),
        None if said["to"] == "24:00" else datetime.time.fromisoformat(said["to"]),
        zoneinfo.ZoneInfo(said["timezone"]),
        frozenset(
            datetime.date.fromisoformat(str(each))
            for each in (lists[named] if isinstance(named, str) else named)
        ),
    )


def _span(text: str) -> range:
    first, _, last = text.partition("-")
    return range(_DAYS.index(first), _DAYS.index(last or first) + 1)
