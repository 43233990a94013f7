"""Pure arithmetic of times that do not count: their borders, their union, how much of a period they are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from sla_worker.model import Spans


def outward(start: int, end: int, step: int, phase: int = 0) -> tuple[int, int]:
    """The borders moved outward to those of slots (or of hours that begin at a phase)."""
    begin = (start - phase) // step * step + phase
    return begin, -((phase - end) // step) * step + phase


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same time as spans that neither overlap nor touch, oldest first."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        elif start < end:
            found.append((start, end))
    return found


class Covered:
    """Merged spans, asked often."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self.spans: Spans = merged(spans)
        self._starts = [start for start, _ in self.spans]
        self._before = [0, *accumulate(end - start for start, end in self.spans)]

    def seconds(self, start: int, end: int) -> int:
        """How much of [start, end) it covers."""
        return self._until(end) - self._until(start) if start < end else 0

    def holds(self, slot: int) -> bool:
        """Whether a slot, named by its end, lies inside: borders are those of slots."""
        found = bisect_right(self._starts, slot - 1) - 1
        return found >= 0 and slot <= self.spans[found][1]

    def within(self, start: int, end: int) -> list[tuple[int, int]]:
        """Its parts that lie in [start, end), cut there."""
        cut = ((max(begin, start), min(until, end)) for begin, until in self.spans)
        return [(begin, until) for begin, until in cut if begin < until]

    def _until(self, moment: int) -> int:
        found = bisect_right(self._starts, moment) - 1
        if found < 0:
            return 0
        start, end = self.spans[found]
        return self._before[found] + min(moment, end) - start
