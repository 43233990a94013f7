"""Which share of the scrapes that should be there was answered, slot by slot.

A slot is judged from the samples of `up` in its view: the slot and three scrape intervals before it. Between
two samples of one target, further apart than one and a half intervals, those in between are missing. While
nobody at all has an `up` for so long, Prometheus stood still, and the scrapes of targets that are listed at
the beginning or at the end of that time are missing too. Other targets have joined or left.
"""

from __future__ import annotations

import bisect
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from simulation.series import Scrape, Target

_VIEW_INTERVALS = 3
_HOLE = 1.5


@dataclass(frozen=True, slots=True)
class Share:
    """The scrapes of one slot."""

    answered: int
    listed: int
    missed: int

    def ratio(self, *, of_listed: bool) -> float:
        """`of_listed`: a scrape that nobody answered is measured downtime, not a gap."""
        if not self.listed:
            return 0.0
        return (self.listed if of_listed else self.answered) / (self.listed + self.missed)


@dataclass(slots=True)
class Attendance:
    """Collects the `up` of all targets, scrape by scrape in the order of time."""

    slot_seconds: int
    scrape_seconds: int
    _moments: dict[Target, list[int]] = field(default_factory=lambda: defaultdict(list))
    _ups: dict[Target, list[int]] = field(default_factory=lambda: defaultdict(list))

    def take(self, scrape: Scrape) -> None:
        """Enter one scrape."""
        self._moments[scrape.target].append(scrape.at)
        self._ups[scrape.target].append(scrape.up)

    def share(self, slot: int, instance: str | None = None) -> Share:
        """The slot that ends then, of all targets or of one instance."""
        end = slot * 1000
        begin = end - self.slot_seconds * 1000
        view = begin - _VIEW_INTERVALS * self.scrape_seconds * 1000
        seen = {target: self._between(target, view, end) for target in self._moments}
        seen = {target: moments for target, moments in seen.items() if moments}
        answered = listed = 0
        chosen = [each for each in self._moments if instance in {None, each.instance}]
        for target in chosen:
            moments = self._moments[target]
            first, last = bisect.bisect_right(moments, begin), bisect.bisect_right(moments, end)
            listed += last - first
            answered += sum(self._ups[target][first:last])
        still = list(self._holes(sorted([view, end, *(at for each in seen.values() for at in each)])))
        missed = sum(
            begin < at <= end
            for target in chosen
            if target in seen
            for at in self._missed(seen[target], still, end)
        )
        return Share(answered, listed, missed)

    def _between(self, target: Target, begin: int, end: int) -> list[int]:
        moments = self._moments[target]
        return moments[bisect.bisect_right(moments, begin) : bisect.bisect_right(moments, end)]

    def _holes(self, moments: Sequence[int]) -> Iterator[tuple[int, int]]:
        for before, after in itertools.pairwise(moments):
            if after - before > _HOLE * self.scrape_seconds * 1000:
                yield before, after

    def _missed(
        self, moments: Sequence[int], still: Sequence[tuple[int, int]], view_end: int
    ) -> Iterator[int]:
        interval = self.scrape_seconds * 1000
        for before, after in self._holes(moments):
            yield from range(before + interval, after - interval // 2, interval)
        for begin, end in still:
            if begin - _HOLE * interval < moments[-1] <= begin:
                yield from range(moments[-1] + interval, end + (end == view_end), interval)
            if end <= moments[0] < end + _HOLE * interval:
                yield from range(moments[0] - interval, begin, -interval)
