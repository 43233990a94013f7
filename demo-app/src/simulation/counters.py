"""What one process exposes: counters that only grow, histograms made of them, and gauges."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from simulation.series import PROCESS_START, Metric, part


def bound_text(bound: float) -> str:
    """A bound as the Python client writes it: `5.0`."""
    return repr(float(bound))


class Exposed:
    """The values of one process, and what was added to its counters since the last look."""

    def __init__(self, began: int | None) -> None:
        self.values: dict[Metric, float] = {}
        self._added: dict[Metric, float] = {}
        if began is not None:
            self.values[PROCESS_START] = began / 1000

    def create(self, metric: Metric) -> None:
        """A label set at zero."""
        self.values.setdefault(metric, 0)

    def add(self, metric: Metric, amount: float) -> None:
        """Count; a label set that is not there yet is born with its first event."""
        self.values[metric] = self.values.get(metric, 0) + amount
        self._added[metric] = self._added.get(metric, 0) + amount

    def set(self, metric: Metric, value: float) -> None:
        """What a gauge shows."""
        self.values[metric] = value

    def take_added(self) -> dict[Metric, float]:
        """The increments since the last call."""
        added, self._added = self._added, {}
        return added


class Histogram:
    """One label set of a histogram; the bounds are part of the metric and never change."""

    def __init__(
        self, exposed: Exposed, family: str, bounds: Sequence[float], *labels: tuple[str, str]
    ) -> None:
        self._exposed = exposed
        self._bounds = bounds
        texts = [*map(bound_text, bounds), "+Inf"]
        self._buckets = [part(family, "_bucket", *labels, ("le", text)) for text in texts]
        self._count = part(family, "_count", *labels)
        self._sum = part(family, "_sum", *labels)

    def create(self) -> None:
        """All series at zero."""
        for metric in (*self._buckets, self._count, self._sum):
            self._exposed.create(metric)

    def observe(self, value: float, times: int = 1) -> None:
        """The same value so many times. A value on a bound is within it."""
        if self._count not in self._exposed.values:
            self.create()
        for bucket in self._buckets[bisect.bisect_left(self._bounds, value) :]:
            self._exposed.add(bucket, times)
        self._exposed.add(self._count, times)
        self._exposed.add(self._sum, value * times)
