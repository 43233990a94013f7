"""What a simulated world consists of: targets, processes, series, events and scrapes.

Moments are whole milliseconds since the epoch, which is what Prometheus keeps.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COUNTER = "counter"
GAUGE = "gauge"
HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """A name and labels, without those of the target; one object each, so that looking it up is cheap.

    `family` and `kind` are what OpenMetrics says about it: the family of a counter has no `_total`.
    """

    name: str
    labels: tuple[tuple[str, str], ...]
    family: str
    kind: str


@functools.cache
def gauge(name: str, *labels: tuple[str, str]) -> Metric:
    """A gauge; the labels in the order in which they are written."""
    return Metric(name, labels, name, GAUGE)


@functools.cache
def counter(name: str, *labels: tuple[str, str]) -> Metric:
    """A counter, whose name ends in `_total`."""
    return Metric(name, labels, name.removesuffix("_total"), COUNTER)


@functools.cache
def part(family: str, suffix: str, *labels: tuple[str, str]) -> Metric:
    """A series of a histogram: its `_bucket`, `_count` or `_sum`."""
    return Metric(family + suffix, labels, family, HISTOGRAM)


UP = gauge("up")
PROCESS_START = gauge("process_start_time_seconds")


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What Prometheus scrapes under one pair of labels."""

    job: str
    instance: str


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """One life of a target. `began` may lie before the world does."""

    target: Target
    number: int
    began: int


@dataclass(frozen=True, slots=True)
class Happened:
    """What one process did up to the moment `at` since the last such item: increments of its counters.

    Counters of a histogram are given as they are exposed: an event within 0.1 s is one in each bucket above.
    """

    at: int
    process: Process
    added: Mapping[Metric, float]


@dataclass(frozen=True, slots=True)
class Ended:
    """A process is gone; what it counted after its last scrape nobody saw."""

    at: int
    process: Process


@dataclass(frozen=True, slots=True)
class Scrape:
    """What Prometheus stored of one scrape. `up` is 0 when nobody answered; then there are no samples.

    `samples` hold the metrics of the process with their values, the start time included, `up` not.
    """

    at: int
    target: Target
    up: int
    process: Process | None
    samples: Sequence[tuple[Metric, float]]


Item = Happened | Ended | Scrape
