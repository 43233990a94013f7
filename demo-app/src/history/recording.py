"""Recordings of the real demo-app, a minute a step: healthy at several rates, and under each fault."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
from collections.abc import Iterable
from dataclasses import dataclass

from demo_app.catalogue import SPECS
from history.app import SimulatedApp
from simulation.series import COUNTER, GAUGE, HISTOGRAM, Metric

STEP_SECONDS = 60
RATES = (2.0, 3.5, 5.0, 6.5)
USUAL_RATE = 5.0
_WARM_UP_STEPS = 2
_HEALTHY_STEPS = 6
LONGEST_STEPS = 4
"""A fault that lasts longer is recorded for so long; the rest of it repeats what it shows in the end."""
_AFTER_STEPS = 3
_DRAIN_STEPS = 6
"""What has piled up is worked off within this."""
_WHOLE = 1024
"""Sums of seconds are cut to so many parts of a second, so that their sums are exact."""

Name = tuple[str, tuple[tuple[str, str], ...]]
_TIMESTAMP = "_timestamp_seconds"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be recorded: a rate, and perhaps a fault for some minutes, `whole`: all of them."""

    rate: float
    fault: str | None = None
    intensity: float | None = None
    minutes: int = 0
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """Steps of a recording: by series what a counter rose by, what a gauge showed.

    A moment that moved within the step is recorded as its age; one that did not, as -1 - age.

    The first `during` steps are those of the fault, the others come after it.
    """

    wanted: Wanted
    during: int
    steps: tuple[dict[Name, float], ...]


@dataclass(frozen=True, slots=True)
class Tape:
    """All recordings, and every series of the app with what OpenMetrics calls it."""

    recordings: tuple[Recorded, ...]
    metrics: dict[Name, Metric]

    def healthy(self, rate: float) -> Recorded:
        """The recording without a fault at one of RATES."""
        return next(each for each in self.recordings if each.wanted == Wanted(rate))

    def of(self, wanted: Wanted) -> Recorded:
        """The recording that was asked for."""
        return next(each for each in self.recordings if each.wanted == wanted)


def is_moment(metric: Metric) -> bool:
    """Whether a gauge shows a moment; its recordings hold how long ago that was."""
    return metric.name.endswith(_TIMESTAMP)


def record(faults: Iterable[Wanted]) -> Tape:
    """Record the healthy app at each rate, and these faults; in two processes, since it is all CPU."""
    wanted = [*(Wanted(rate) for rate in RATES), *faults]
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        done = list(pool.map(record_one, sorted(wanted, key=_cost, reverse=True)))
    metrics: dict[Name, Metric] = {}
    for _, kinds in done:
        for name, (family, kind) in kinds.items():
            metrics.setdefault(name, Metric(name[0], name[1], family, kind))
    return Tape(tuple(each for each, _ in done), metrics)


def _cost(wanted: Wanted) -> float:
    return wanted.rate * (_WARM_UP_STEPS + _HEALTHY_STEPS + wanted.minutes * wanted.whole)


def record_one(wanted: Wanted) -> tuple[Recorded, dict[Name, tuple[str, str]]]:
    """One recording, and family and kind of each series."""
    app = SimulatedApp(rate=wanted.rate)
    app.run(_WARM_UP_STEPS * STEP_SECONDS)
    during = _HEALTHY_STEPS
    after = 0
    if wanted.fault is not None:
        spec = next(each for each in SPECS if each.name == wanted.fault)
        during = wanted.minutes
        after = _AFTER_STEPS + (_DRAIN_STEPS if wanted.whole else 0)
        intensity = spec.default if wanted.intensity is None else wanted.intensity
        # A moment longer: at the end of its last step the fault must still show.
        app.faults.start(wanted.fault, intensity, during * STEP_SECONDS + 0.001)
    kinds: dict[Name, tuple[str, str]] = {}
    before = _read(app, kinds)
    steps = []
    for _ in range(during + after):
        app.run(STEP_SECONDS)
        now = _read(app, kinds)
        steps.append({name: _step(name, kinds, before, now, app.clock.time()) for name in now})
        before = now
    return Recorded(wanted, during, tuple(steps)), kinds


def _step(
    name: Name,
    kinds: dict[Name, tuple[str, str]],
    before: dict[Name, float],
    now: dict[Name, float],
    at: float,
) -> float:
    value = now[name]
    if kinds[name][1] != GAUGE:
        rise = round((value - before.get(name, 0.0)) * _WHOLE) / _WHOLE
        return int(rise) if rise == int(rise) else rise
    if name[0].endswith(_TIMESTAMP):
        age = round(at - value, 3)
        return age if value != before.get(name) else -1 - age
    value = round(value, 6)
    return int(value) if value == int(value) else value


def _read(app: SimulatedApp, kinds: dict[Name, tuple[str, str]]) -> dict[Name, float]:
    """What the app exposes, as Prometheus would store it."""
    found: dict[Name, float] = {}
    for family in app.system.exposed.collect():
        kind = {"counter": COUNTER, "histogram": HISTOGRAM}.get(family.type, GAUGE)
        for sample in family.samples:
            if sample.name.endswith("_created"):
                continue
            name = sample.name, tuple(sorted(sample.labels.items()))
            kinds[name] = family.name, kind
            found[name] = sample.value
    return found
