"""What a while does to each series of a recording, and which differ between two of them.

Two runs from one seed, one of them with a fault: whatever differs comes from the fault, and nothing else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contract.simulated import Name, Recording
from demo_app.catalogue import FaultSpec
from rules.cases import STEP_SECONDS

MOVED = 0.2
"""A series has moved when its two figures are so far apart, as a share of the larger one …"""

DEVIATIONS = 4
"""… and, for a count, when chance alone would not do it: so many standard deviations of a Poisson count."""

SMALLEST = {"insa_system_disk_used_bytes": 2**22, "insa_system_disk_used_ratio": 1 / 8}
"""The volume holds the database too: the growth of its journal, below 4 of the 32 MiB, does not count."""


@dataclass(frozen=True)
class Profile:
    """What a while does to each series.

    That is how much a counter grows, what a gauge or an observation is on average, and how many scrapes find
    the series at all.
    """

    counts: Mapping[Name, float]
    means: Mapping[Name, float]
    scrapes: Mapping[Name, int]


def profile(recording: Recording, since: int, until: int) -> Profile:
    """What the scrapes after the one at `since` say, up to the one at `until` (seconds)."""
    first, last = since // STEP_SECONDS, until // STEP_SECONDS
    counts: dict[Name, float] = {}
    means: dict[Name, float] = {}
    found: dict[Name, int] = {}
    for key, recorded in recording.series.items():
        values = recorded + [math.nan] * (last + 1 - len(recorded))  # it may have gone for good
        if key[0] == "insa_fault_active" or key[0].endswith(("_bucket", "_created")):
            continue
        there = [value for value in values[first + 1 : last + 1] if not math.isnan(value)]
        found[key] = len(there)
        if key[0] not in recording.gauges:
            counts[key] = values[last] - values[first]
        elif there:
            means[key] = sum(there) / len(there)
    for name, labels in [key for key in counts if key[0].endswith("_sum")]:
        total = counts.pop((name, labels))  # of a histogram its mean says more
        if events := counts[(name.removesuffix("_sum") + "_count", labels)]:
            means[(name, labels)] = total / events
    return Profile(counts, means, found)


def moved(before: Profile, after: Profile) -> set[Name]:
    """The metrics that differ, by their labels; a histogram without the suffix of its sum or count."""
    changed = {key for key in before.scrapes if before.scrapes[key] != after.scrapes[key]}
    for old, new, countable in ((before.counts, after.counts, True), (before.means, after.means, False)):
        for key in old.keys() & new.keys():
            low, high = sorted((old[key], new[key]))
            chance = DEVIATIONS * math.sqrt(high) if countable and low else 0.0
            if high - low > max(MOVED * high, chance, SMALLEST.get(key[0], 0.0)):
                changed.add(key)
    return {(re.sub(r"_(sum|count)$", "", name), labels) for name, labels in changed}


def lacking(fault: FaultSpec, changed: Iterable[Name]) -> set[str]:
    """What the fault names of the app's own metrics and has not moved."""
    found = list(changed)

    def is_there(named: str) -> bool:
        metric, _, matchers = named.partition("{")
        labels = set(re.findall(r'(\w+)="(\w+)"', matchers))
        return any(name == metric and labels <= set(has) for name, has in found)

    return {named for named in fault.metrics if named.startswith("insa_") and not is_there(named)}
