"""The targets of a stretch of time: what `up` and the start of their processes say of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sla_worker.counting import Coverage, Stillness, interval, restarts, tally
from sla_worker.grid import Grid
from sla_worker.reading.plan import NAME, STARTED, UP, Target
from sla_worker.selectors import Matcher

_VIEW_SCRAPES = 3  # so many scrapes before a slot show whether what lacks in it is a hole


@dataclass(slots=True)
class Scraped:
    """One target: its labels, the samples of `up`, and those of the start of its process."""

    labels: Mapping[str, str]
    times: Sequence[float]
    values: Sequence[float]
    seen: Sequence[float] = ()  # when the process' start was read
    began: Sequence[float] = ()
    restarts: Sequence[float] = field(default_factory=list)

    def began_at(self, moment: float) -> float | None:
        """The start of the process that answered at a moment; None if that is not known."""
        index = bisect_right(self.seen, moment)
        return self.began[index - 1] if index else None

    def answered_before(self, moment: float) -> bool:
        """Whether a scrape earlier in this stretch succeeded."""
        return any(self.values[index] == 1 for index in range(bisect_right(self.times, moment - 1e-3)))

    def failed(self, start: float, end: float) -> list[float]:
        """When scrapes failed in (start, end]."""
        first, last = bisect_right(self.times, start), bisect_right(self.times, end)
        return [self.times[index] for index in range(first, last) if self.values[index] != 1]


Raw = tuple[Mapping[str, str], Sequence[float], Sequence[float]]
"""Labels, times and values of one series."""


class Targets:
    """All targets that Prometheus listed in a stretch of time."""

    def __init__(self, series: Iterable[Raw], grid: Grid) -> None:
        self._grid = grid
        self.by_key: dict[Target, Scraped] = {}
        self.labels: set[str] = set()
        starts: dict[Target, list[Raw]] = {}
        for labels, times, values in series:
            key = (labels.get("job", ""), labels.get("instance", ""))
            if labels.get(NAME) == UP:
                self._add(key, labels, times, values)
            elif labels.get(NAME) == STARTED:
                starts.setdefault(key, []).append((labels, times, values))
        for key, found in starts.items():
            if key in self.by_key:
                _began(self.by_key[key], found)
        self._still = Stillness(sorted({at for each in self.by_key.values() for at in each.times}))
        self._jobs: dict[str, list[Sequence[float]]] = {}
        for (job, _), each in self.by_key.items():
            self._jobs.setdefault(job, []).append(each.times)
        self._tallies: dict[tuple[Target, int], Coverage] = {}
        self._sums: dict[tuple[frozenset[Target], int], Coverage] = {}

    def _add(
        self, key: Target, labels: Mapping[str, str], times: Sequence[float], values: Sequence[float]
    ) -> None:
        self.labels.update(label for label in labels if label != NAME)
        other = self.by_key.get(key)
        if other is not None:  # its labels were changed: one target goes on under them
            pairs = sorted({*zip(times, values, strict=True), *zip(other.times, other.values, strict=True)})
            times, values = [at for at, _ in pairs], [value for _, value in pairs]
        self.by_key[key] = Scraped(labels, times, values)

    def matching(self, matchers: Iterable[Matcher]) -> set[Target]:
        """The targets that fit the matchers, as far as those speak of labels that a target has."""
        applied = list(matchers)
        return {
            key
            for key, each in self.by_key.items()
            if all(matcher.matches(each.labels) for matcher in applied if matcher.label in each.labels)
        }

    def coverage(self, targets: frozenset[Target], slot: int) -> Coverage:
        """What the scrapes of some targets say about a slot."""
        found = self._sums.get((targets, slot))
        if found is None:
            found = Coverage()
            for each in targets:
                found += self._tally(each, slot)
            self._sums[targets, slot] = found
        return found

    def _tally(self, target: Target, slot: int) -> Coverage:
        found = self._tallies.get((target, slot))
        if found is None:
            each = self.by_key[target]
            found = self._tallies[target, slot] = self.tally(each.times, each.values, slot, target[0])
        return found

    def tally(self, times: Sequence[float], values: Sequence[float], slot: int, job: str) -> Coverage:
        """What these samples of `up` say about a slot."""
        margin = _VIEW_SCRAPES * self._grid.scrape_seconds
        start = slot - self._grid.slot_seconds
        return tally(
            times,
            values,
            (start, slot),
            margin=margin,
            every=interval(
                self._view(times, start - margin, slot),
                [self._view(each, start - margin, slot) for each in self._jobs.get(job, ())],
                self._grid.scrape_seconds,
            ),
            still=self._still,
        )

    def intervals(self) -> float:
        """The longest interval of a target, as far as they are known."""
        known = [interval(each.times, (), 0) for each in self.by_key.values()]
        return max(known, default=0.0)

    @staticmethod
    def _view(times: Sequence[float], start: float, end: float) -> Sequence[float]:
        return times[bisect_right(times, start) : bisect_right(times, end)]


def _began(target: Scraped, found: list[Raw]) -> None:
    """Of several series the one with the target's own labels; else it must be the only one."""
    own = {label: value for label, value in target.labels.items() if label != NAME}
    same = [
        each for each in found if {label: value for label, value in each[0].items() if label != NAME} == own
    ]
    if len(same or found) != 1:
        return
    _, target.seen, target.began = (same or found)[0]
    target.restarts = restarts(target.seen, target.began)
