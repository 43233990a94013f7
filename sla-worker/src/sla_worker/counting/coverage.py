"""How much of a slot was measured, from the samples of `up`.

Prometheus writes one sample of `up` for every scrape of a listed target: 1 if it answered, 0 if not. So a
target that is away has samples of 0; one that is listed no more has none, and has left; and while Prometheus
itself stands still no target has any.

A slot is judged from the samples in (start - margin, end], no matter what else is known by now: the same slot
gives the same coverage whenever it is read.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

_HOLE = 1.5  # a distance longer than so many intervals is a hole
_MOMENT = 1e-6  # seconds; times have milliseconds
_ENOUGH = 3  # distances that are enough to know the interval by


@dataclass(frozen=True, slots=True)
class Coverage:
    """Scrapes of a slot: that answered, that took place, and that should have and did not."""

    answered: int = 0
    listed: int = 0
    missed: int = 0

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(
            self.answered + other.answered, self.listed + other.listed, self.missed + other.missed
        )

    @property
    def answered_ratio(self) -> float:
        """Scrapes that answered ÷ all that should have been; 0 without any."""
        return self.answered / (self.listed + self.missed) if self.listed else 0.0

    @property
    def listed_ratio(self) -> float:
        """As above, where a failed scrape is a measurement too: that of a target that is down."""
        return self.listed / (self.listed + self.missed) if self.listed else 0.0


@dataclass(frozen=True, slots=True)
class Stillness:
    """The times at which any target at all has a sample: where they lack, Prometheus stood still."""

    times: Sequence[float]

    def before(self, moment: float, start: float, limit: float) -> float | None:
        """The last sample before a still time that ended up to `limit` before `moment`; None without one.

        -inf when no sample is known before it. `start` is where the known time begins.
        """
        end = bisect_right(self.times, moment)
        for index in range(end - 1, bisect_left(self.times, moment - limit) - 1, -1):
            known = index > 0 and self.times[index - 1] > start
            earlier = self.times[index - 1] if known else -inf
            if self.times[index] - max(earlier, start) > limit:
                return earlier
        return None

    def after(self, moment: float, end: float, limit: float) -> float | None:
        """The first sample after a still time that began up to `limit` after `moment`; None without one.

        inf when it lasts until `end`.
        """
        last = bisect_right(self.times, end)
        for index in range(bisect_left(self.times, moment), last):
            if self.times[index] > moment + limit:
                break
            later = self.times[index + 1] if index + 1 < last else inf
            if min(later, end) - self.times[index] > limit:
                return later
        return None


def interval(own: Sequence[float], job: Iterable[Sequence[float]], otherwise: float) -> float:
    """The seconds between two scrapes: the median of own distances, else of the job's, else `otherwise`."""
    distances = _distances(own)
    if len(distances) < _ENOUGH:
        distances = [each for times in job for each in _distances(times)]
    return median_low(distances) if len(distances) >= _ENOUGH else otherwise


def _distances(times: Sequence[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


def tally(
    times: Sequence[float],
    values: Sequence[float],
    slot: tuple[float, float],
    *,
    margin: float,
    every: float,
    still: Stillness,
) -> Coverage:
    """What the samples of `up` of one target say about the slot (start, end]; `every` is its interval."""
    start, end = slot
    first, last = bisect_right(times, start - margin), bisect_right(times, end)
    view = times[first:last]
    if not view:
        return Coverage()
    inside = bisect_right(times, start)
    listed = last - inside
    answered = sum(1 for value in values[inside:last] if value == 1)
    missed = _in_holes(view, start, end, every)
    limit = _HOLE * every
    if view[0] > start:
        missed += _before_first(view[0], start, every, still.before(view[0], start - margin, limit))
    if end - view[-1] > limit:
        missed += _after_last(view[-1], start, end, every, still.after(view[-1], end, limit))
    return Coverage(answered, listed, missed)


def _in_holes(view: Sequence[float], start: float, end: float, every: float) -> int:
    """Scrapes that lack between two that took place, spread evenly."""
    missed = 0
    for before, after in pairwise(view):
        if after - before > _HOLE * every:
            parts = max(round((after - before) / every), 2)
            step = (after - before) / parts
            missed += sum(1 for part in range(1, parts) if start < before + part * step <= end)
    return missed


def _before_first(first: float, start: float, every: float, stopped: float | None) -> int:
    """Scrapes in the slot that lack between the moment at which Prometheus stopped and the first one."""
    if stopped is None:
        return 0
    return max(int((first - max(start, stopped) - _MOMENT) // every), 0)


def _after_last(last: float, start: float, end: float, every: float, again: float | None) -> int:
    """Scrapes in the slot that lack between the last one and the moment at which Prometheus was back."""
    if again is None:
        return 0
    until = end + _MOMENT if again == inf else again - _MOMENT
    lacking = int((until - last) // every)
    return sum(1 for number in range(1, lacking + 1) if last + number * every > start)


def median_low(values: Iterable[float]) -> float:
    """The median, of two the lower one; the module statistics is 1 MB of memory."""
    found = sorted(values)
    return found[(len(found) - 1) // 2]
