"""Expressions by hand: what each one in the files of definitions says at the end of a slot.

An expression is looked up by its text: one that is new, or is changed, has to be written down here again.
All arithmetic is in fractions. A selector sees the last sample of the five minutes before, a range those of
the slot; the samples of a back-fill have no stale markers between them.
"""

from __future__ import annotations

import enum
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from simulation.series import Metric, Scrape, Target

_LOOKBACK = 300_000
_NEARLY = Fraction(11, 10)  # an end of a range that is nearer than so many intervals is reached


Sample = tuple[int, float]


class Beyond(enum.Enum):
    """What no number reaches: 5 ÷ 0."""

    INFINITY = enum.auto()


Value = Fraction | Beyond | None
"""None is what is not a number: 0 ÷ 0."""
Vector = list[tuple[Mapping[str, str], Value]]


@dataclass(slots=True)
class View:
    """The samples that an expression can see at the end of a slot, by metric and target; in milliseconds."""

    begin: int
    end: int
    series: Mapping[str, Mapping[tuple[Target, Metric], list[Sample]]]

    def over(self, name: str, take: Callable[[list[Fraction]], Fraction]) -> Vector:
        """What is made of the samples in the slot, series by series."""
        return [
            (dict(metric.labels), take([Fraction(value) for _, value in samples]))
            for metric, samples in self._inside(name)
        ]

    def now(self, name: str) -> list[Fraction]:
        """The last sample of each series."""
        return [
            Fraction(seen[-1][1])
            for samples in self.series.get(name, {}).values()
            if (seen := [each for each in samples if self.end - _LOOKBACK < each[0] <= self.end])
        ]

    def increase(self, name: str) -> list[Fraction]:
        """As Prometheus 3 extrapolates it; a counter that falls began at zero again."""
        return [
            self._extrapolated(samples) for _, samples in self._inside(name) if samples[0][0] < samples[-1][0]
        ]

    def _inside(self, name: str) -> Iterator[tuple[Metric, list[Sample]]]:
        for (_, metric), samples in self.series.get(name, {}).items():
            seen = [each for each in samples if self.begin < each[0] <= self.end]
            if seen:
                yield metric, seen

    def _extrapolated(self, samples: list[Sample]) -> Fraction:
        values = [Fraction(value) for _, value in samples]
        rose = values[-1] - values[0]
        rose += sum((before for before, after in itertools.pairwise(values) if after < before), 0)
        sampled = Fraction(samples[-1][0] - samples[0][0])
        interval = sampled / (len(samples) - 1)
        before, after = (
            Fraction(distance) if distance < interval * _NEARLY else interval / 2
            for distance in (samples[0][0] - self.begin, self.end - samples[-1][0])
        )
        if rose > 0:
            before = min(before, sampled * values[0] / rose)  # it cannot have been below zero
        return rose * (sampled + before + after) / sampled


def mean(values: Iterable[Fraction]) -> Fraction:
    found = list(values)
    return sum(found, Fraction(0)) / len(found)


def total(values: Iterable[Fraction]) -> Fraction:
    return sum(values, Fraction(0))


def alone(values: list[Fraction], make: Callable[[list[Fraction]], Value]) -> Vector:
    """One value without labels, made of all; no series, no value."""
    return [({}, make(values))] if values else []


def ratio(above: list[Fraction], below: list[Fraction]) -> Vector:
    """One sum divided by another."""
    if not above or not below:
        return []
    if not total(below):
        return [({}, Beyond.INFINITY if total(above) else None)]
    return [({}, total(above) / total(below))]


def _numbers(vector: Vector) -> list[Fraction]:
    return [value for _, value in vector if isinstance(value, Fraction)]


def _highest(vector: Vector, label: str) -> Vector:
    by: dict[str, list[Fraction]] = defaultdict(list)
    for labels, value in vector:
        if isinstance(value, Fraction):
            by[labels[label]].append(value)
    return [({label: name}, max(values)) for name, values in by.items()]


DEPTH, USE = "insa_worker_queue_depth", "insa_worker_utilization_ratio"
SESSION = "insa_session_duration_seconds"
BY_HAND: Mapping[str, Callable[[View], Vector]] = {
    f"avg_over_time({DEPTH}[$slot])": lambda view: view.over(DEPTH, mean),
    f"max by (worker_name) (avg_over_time({DEPTH}[$slot]))": lambda view: _highest(
        view.over(DEPTH, mean), "worker_name"
    ),
    f"avg(avg_over_time({USE}[$slot]))": lambda view: alone(_numbers(view.over(USE, mean)), mean),
    f"sum(sum_over_time({DEPTH}[$slot])) / sum(sum_over_time({USE}[$slot]))": lambda view: ratio(
        _numbers(view.over(DEPTH, total)), _numbers(view.over(USE, total))
    ),
    "60 * sum(rate(insa_agent_requests_total[$slot]))": lambda view: alone(
        view.increase("insa_agent_requests_total"),
        lambda rose: 60_000 * total(rose) / (view.end - view.begin),
    ),
    f"sum(increase({SESSION}_sum[$slot])) / sum(increase({SESSION}_count[$slot]))": lambda view: ratio(
        view.increase(f"{SESSION}_sum"), view.increase(f"{SESSION}_count")
    ),
    "sum(avg_over_time(insa_sessions_active[$slot]))": lambda view: alone(
        _numbers(view.over("insa_sessions_active", mean)), total
    ),
    "min(insa_metrics_retention_seconds) / 86400": lambda view: alone(
        view.now("insa_metrics_retention_seconds"), lambda values: min(values) / 86_400
    ),
    # No world makes a backup's time.
    "(time() - max(insa_backup_last_success_timestamp_seconds > 0)) / 3600": lambda _: [],
    "sum(insa_scan_components_scanned) / sum(insa_scan_components)": lambda view: ratio(
        view.now("insa_scan_components_scanned"), view.now("insa_scan_components")
    ),
}
_READ = frozenset(
    {
        DEPTH,
        USE,
        f"{SESSION}_sum",
        f"{SESSION}_count",
        "insa_agent_requests_total",
        "insa_sessions_active",
        "insa_metrics_retention_seconds",
        "insa_scan_components_scanned",
        "insa_scan_components",
    }
)
Told = Callable[[int, View], None]


@dataclass(slots=True)
class Samples:
    """Keeps what expressions can see, and shows it to `told` at the end of each slot."""

    slot_seconds: int
    told: Told
    _series: dict[str, dict[tuple[Target, Metric], list[Sample]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    _end: int | None = None

    def take(self, scrape: Scrape) -> None:
        """Enter one scrape, after the ends of all slots before it."""
        self.close(scrape.at - 1)
        for metric, value in scrape.samples:
            if metric.name in _READ:
                self._series[metric.name][scrape.target, metric].append((scrape.at, value))

    def close(self, moment: int) -> None:
        """Let the time pass up to a moment, that one included."""
        step = self.slot_seconds * 1000
        if self._end is None:
            self._end = moment // step * step + step
        while self._end <= moment:
            self.told(self._end // 1000, View(self._end - step, self._end, self._series))
            self._forget(self._end - max(_LOOKBACK, step))
            self._end += step

    def _forget(self, until: int) -> None:
        for series in self._series.values():
            for key, samples in list(series.items()):
                kept = [each for each in samples if each[0] > until]
                if kept:
                    series[key] = kept
                else:
                    del series[key]
