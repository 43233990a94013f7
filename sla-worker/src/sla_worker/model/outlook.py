"""Where an SLA is at the end of the month, if it goes on as it did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prospect:
    """One SLA, or one component of it, from the beginning of the month to its end, `month_end`.

    `bad` so far, of `allowed` in the whole month with as many events a day as in the last seven; `unit` is
    what both count. The ratios are the compliance at the end at the rate of the last 24 hours that were
    measured, and at that of the worst and of the best of the last seven days, of which `days` were.
    """

    title: str
    month_end: int
    held_to_ratio: float
    bad: float
    allowed: float
    unit: str
    at_rate_ratio: float
    worst_ratio: float
    best_ratio: float
    days: int

    @property
    def left_ratio(self) -> float:
        """The share of the error budget that is left at the end at the rate of the last 24 hours."""
        if self.held_to_ratio < 1:
            return 1 - (1 - self.at_rate_ratio) / (1 - self.held_to_ratio)
        return 1.0 if self.at_rate_ratio >= 1 else -1.0
