"""Each fault moves the metrics that it names, leaves those of the others alone, and then all is as before.

Two runs from one seed, one of them with the fault: whatever differs comes from the fault, and nothing else.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pytest
from prometheus_client.registry import Collector

from demo_app.catalogue import CARRIED, SPECS, FaultSpec
from unit.demo_app.simulation import Simulation

BEFORE_SECONDS, FAULT_SECONDS, RECOVERY_SECONDS, AFTERWARDS_SECONDS = 60, 600, 300, 300
SCRAPE_SECONDS = 15

MOVED = 0.2
"""A series has moved when its two figures are so far apart, as a share of the larger one …"""

DEVIATIONS = 4
"""… and, for a count, when chance alone would not do it: so many standard deviations of a Poisson count."""

SMALLEST = {"insa_system_disk_used_bytes": 2**22, "insa_system_disk_used_ratio": 1 / 8}
"""The volume holds the database too: the growth of its journal, below 4 of the 32 MiB, does not count."""

Key = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Profile:
    """What a while does to each series.

    That is how much a counter grows, what a gauge or an observation is on average, and how many scrapes find
    the series at all.
    """

    counts: Mapping[Key, float]
    means: Mapping[Key, float]
    scrapes: Mapping[Key, int]


def observe(simulation: Simulation, seconds: int) -> Profile:
    """Run for so long, and return what the scrapes say of it."""
    first = _read(simulation.registry)[0]
    number = seconds // SCRAPE_SECONDS
    sums: dict[Key, float] = {}
    found: Counter[Key] = Counter()
    for _ in range(number):
        simulation.run(SCRAPE_SECONDS)
        counts, gauges = _read(simulation.system.exposed)
        found.update([*counts, *gauges])
        for key, value in gauges.items():
            sums[key] = sums.get(key, 0.0) + value
    last = _read(simulation.registry)[0]
    counts = {key: value - first[key] for key, value in last.items()}
    means = {key: total / number for key, total in sums.items()}
    for name, labels in [key for key in counts if key[0].endswith("_sum")]:
        total = counts.pop((name, labels))  # of a histogram its mean says more
        if events := counts[(name.removesuffix("_sum") + "_count", labels)]:
            means[(name, labels)] = total / events
    return Profile(counts, means, found)


def profiles(fault: FaultSpec | None = None, intensity: float | None = None) -> tuple[Profile, Profile]:
    """Run the app with a fault, or without; return the while of the fault, and a while after its recovery."""
    simulation = Simulation()
    simulation.run(BEFORE_SECONDS)
    if fault is not None:
        simulation.faults.start(fault.name, intensity, FAULT_SECONDS)
    during = observe(simulation, FAULT_SECONDS + RECOVERY_SECONDS // 4)
    simulation.run(RECOVERY_SECONDS * 3 // 4)
    return during, observe(simulation, AFTERWARDS_SECONDS)


def _read(exposed: Collector) -> tuple[dict[Key, float], dict[Key, float]]:
    counts: dict[Key, float] = {}
    gauges: dict[Key, float] = {}
    for family in exposed.collect():
        if family.name != "insa_fault_active":
            kept = gauges if family.type == "gauge" else counts
            for sample in family.samples:
                if not sample.name.endswith(("_bucket", "_created")):
                    kept[(sample.name, frozenset(sample.labels.items()))] = sample.value
    return counts, gauges


def moved(before: Profile, after: Profile) -> set[Key]:
    """The metrics that differ, by their labels; a histogram without the suffix of its sum or count."""
    changed = {key for key in before.scrapes if before.scrapes[key] != after.scrapes[key]}
    for old, new, countable in ((before.counts, after.counts, True), (before.means, after.means, False)):
        for key in old.keys() & new.keys():
            low, high = sorted((old[key], new[key]))
            chance = DEVIATIONS * math.sqrt(high) if countable and low else 0.0
            if high - low > max(MOVED * high, chance, SMALLEST.get(key[0], 0.0)):
                changed.add(key)
    return {(re.sub(r"_(sum|count)$", "", name), labels) for name, labels in changed}


def lacking(fault: FaultSpec, changed: Iterable[Key]) -> set[str]:
    """What the fault names of the app's own metrics and has not moved."""
    found = list(changed)

    def is_there(named: str) -> bool:
        metric, _, matchers = named.partition("{")
        labels = set(re.findall(r'(\w+)="(\w+)"', matchers))
        return any(name == metric and labels <= has for name, has in found)

    return {named for named in fault.metrics if named.startswith("insa_") and not is_there(named)}


@pytest.fixture(scope="module")
def at_rest() -> tuple[Profile, Profile]:
    return profiles()


def test_two_runs_without_a_fault_differ_in_nothing(at_rest: tuple[Profile, Profile]) -> None:
    assert profiles() == at_rest


@pytest.mark.parametrize("fault", SPECS, ids=lambda fault: fault.name)
def test_a_fault_moves_what_it_names_and_nothing_of_the_others(
    fault: FaultSpec, at_rest: tuple[Profile, Profile]
) -> None:
    during, afterwards = profiles(fault)

    changed = moved(at_rest[0], during)
    named = {each.partition("{")[0] for each in fault.metrics}
    assert {name for name, _ in changed} - CARRIED <= named
    unmoved = lacking(fault, changed)
    if unmoved:  # what shows only when the fault is at its strongest
        unmoved &= lacking(fault, moved(at_rest[0], profiles(fault, fault.maximum)[0]))
    assert unmoved == set()
    assert moved(at_rest[1], afterwards) == set()


def test_what_most_faults_carry_along_is_named_where_it_is_meant() -> None:
    named = {each.partition("{")[0] for spec in SPECS for each in spec.metrics}
    assert named >= CARRIED
