"""What a customer is told of a month."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sla_worker.model.definition import Comparison


@dataclass(frozen=True, slots=True)
class Kept:
    """One SLA over the month, or one part of it where it has several. Ratios are 0 to 1, None: no figure."""

    name: str
    category: str
    comparison: Comparison
    target: float
    unit: str
    percentile: float | None
    kept_ratio: float | None
    bad_ratio: float | None
    measured_ratio: float | None
    result: str


@dataclass(frozen=True, slots=True)
class Incident:
    """A time in which a promise was not kept; `lasts`: longer than the period."""

    name: str
    start: int
    end: int
    lasts: bool


@dataclass(frozen=True, slots=True)
class Noted:
    """A time of which the customer should know, and of which promises."""

    start: int
    end: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomerReport:
    """A month, from `start` to `end` in `zone`. `revision` None: an estimate, of what was measured so far.

    `left_out` is maintenance that does not count, `counted` maintenance that counts as kept. `credits` are
    those that were approved, in percent as text. `claims` says until which day one can be claimed.
    """

    month: str
    zone: ZoneInfo
    start: int
    end: int
    generated_at: int
    revision: int | None
    over: bool
    promises: tuple[Kept, ...]
    incidents: tuple[Incident, ...]
    left_out: tuple[Noted, ...]
    counted: tuple[Noted, ...]
    corrected: tuple[Noted, ...]
    credits: tuple[tuple[str, str], ...]
    claims: tuple[tuple[dt.date, tuple[str, ...]], ...]

    @property
    def missed(self) -> int:
        """How many promises were not kept."""
        return sum(each.result == "fail" for each in self.promises)

    @property
    def final(self) -> bool:
        """Whether the figures are those of the frozen month."""
        return self.revision is not None
