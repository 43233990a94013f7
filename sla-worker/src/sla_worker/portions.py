"""How many SLAs are read together, so that no query is more than the engine answers or the memory holds."""

from __future__ import annotations

from dataclasses import dataclass

from sla_worker.grid import Grid

_SERIES_EACH = 4  # of an SLA, until answers say otherwise: good and bad of two instances
_MARGIN_SCRAPES = 3  # what is read before a slot
_REMEMBERED_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Limits:
    """The most series and samples of one answer. What is asked of all targets (`up`) is never split."""

    series: int = 20_000
    samples: int = 1_000_000


class Portions:
    """Learns how many SLAs fit into one answer; tries twice as many again an hour after it was too much."""

    def __init__(self, limits: Limits, grid: Grid) -> None:
        self._limits = limits
        self._grid = grid
        self._most = max(limits.series // _SERIES_EACH, 1)
        self._size = self._most
        self._learned_at: int | None = None

    def size(self, slots: range) -> int:
        """How many SLAs to read together over these slots: of many slots fewer."""
        each = len(slots) * self._grid.slot_seconds // self._grid.scrape_seconds + _MARGIN_SCRAPES
        fit = self._size * self._limits.samples // (self._limits.series * each)
        return max(min(self._size, fit), 1)

    def over(self, series: int) -> bool:
        """Whether an answer had more series than wanted."""
        return series > self._limits.series

    def shrink(self, slas: int, slot: int) -> None:
        """So many SLAs together were too much."""
        self._size = max(min(self._size, (slas + 1) // 2), 1)
        self._learned_at = slot

    def reset(self) -> None:
        """It was not the number: one SLA alone is refused as well."""
        self._size, self._learned_at = self._most, None

    def read(self, slot: int) -> None:
        """Everything was read up to a slot."""
        if self._learned_at is not None and slot - self._learned_at >= _REMEMBERED_SECONDS:
            self._size, self._learned_at = min(2 * self._size, self._most), slot
            if self._size == self._most:
                self._learned_at = None
