"""The counting rule, applied scrape by scrape to every series, the way a person with a pencil would.

Between two samples of a series a counter has counted, in the slot of the later one:

1. what it rose by, whatever the gap, up to a day;
2. all it shows, if it fell, or if the start time of the process says that another process answers;
3. all it shows, if another series of the same histogram fell;
4. for the first sample within a day: all it shows, if the target answered within the day before, or if its
   process is younger than a slot; else nothing, counting starts there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from simulation.series import GAUGE, HISTOGRAM, PROCESS_START, UP, Metric, Scrape, Target

DAY_MS = 86_400_000
_SAME_PROCESS_SECONDS = 1

Group = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class _Last:
    at: int
    value: float
    began: float | None


@dataclass(slots=True)
class _Book:
    """What is known of one target."""

    answered: int | None = None
    series: dict[Metric, _Last] = field(default_factory=dict)
    seen: dict[Metric, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counted:
    """By how much a counter rose, as the accountant sees it.

    `known` is False where counting starts, `first` is True for the first sample within a day.
    """

    metric: Metric
    amount: float
    known: bool
    first: bool = False


def group_of(metric: Metric) -> Group:
    """The series of one histogram share this."""
    return metric.family, tuple(each for each in metric.labels if each[0] != "le")


class Accountant:
    """Sees every scrape once, in the order of time; `read` are the series by which rule 3 is told."""

    def __init__(
        self, slot_seconds: int, read: Callable[[Target, Metric], object] = lambda _, __: True
    ) -> None:
        self._slot_ms = slot_seconds * 1000
        self._read = read
        self._books: dict[Target, _Book] = {}
        self._groups: dict[Metric, Group] = {}

    def take(self, scrape: Scrape) -> list[Counted]:
        """What the counters of this scrape have counted."""
        book = self._books.setdefault(scrape.target, _Book())
        if not scrape.up:
            return []
        began = next((value for metric, value in scrape.samples if metric is PROCESS_START), None)
        counters = [each for each in scrape.samples if each[0].kind != GAUGE]
        fallen = self._fallen(book, scrape, counters)
        counted = []
        for metric, value in counters:
            last = book.series.get(metric)
            if last is None or scrape.at - last.at >= DAY_MS:
                known = self._born(book, scrape.at, began)
                counted.append(Counted(metric, value if known else 0, known, first=True))
            elif value < last.value or _another(last.began, began) or self._group(metric) in fallen:
                counted.append(Counted(metric, value, known=True))
            else:
                counted.append(Counted(metric, value - last.value, known=True))
        for metric, value in counters:
            book.series[metric] = _Last(scrape.at, value, began)
        for metric, _ in scrape.samples:
            if metric.kind == GAUGE:
                book.seen[metric] = scrape.at
        book.answered = scrape.at
        return counted

    def shown(self, scrape: Scrape) -> Iterator[Metric]:
        """The gauges that the target showed within the day before this scrape."""
        for metric, at in self._books[scrape.target].seen.items():
            if scrape.at - at < DAY_MS and metric is not UP:
                yield metric

    def _fallen(self, book: _Book, scrape: Scrape, counters: list[tuple[Metric, float]]) -> set[Group | None]:
        fallen = set()
        for metric, value in counters:
            last = book.series.get(metric)
            if last is None or value >= last.value or metric.kind != HISTOGRAM:
                continue
            if scrape.at - last.at < DAY_MS and self._read(scrape.target, metric):
                fallen.add(self._group(metric))
        return fallen

    def _group(self, metric: Metric) -> Group | None:
        if metric.kind != HISTOGRAM:
            return None
        if metric not in self._groups:
            self._groups[metric] = group_of(metric)
        return self._groups[metric]

    def _born(self, book: _Book, at: int, began: float | None) -> bool:
        if book.answered is not None and at - book.answered < DAY_MS:
            return True
        return began is not None and at - began * 1000 < self._slot_ms


def _another(before: float | None, now: float | None) -> bool:
    return before is not None and now is not None and now - before > _SAME_PROCESS_SECONDS
