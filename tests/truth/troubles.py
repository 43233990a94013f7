"""What makes counting hard, and how often a world really had it: a month of fair weather proves nothing."""

from __future__ import annotations

import datetime
import itertools
import zoneinfo
from collections import Counter
from dataclasses import dataclass, field

from simulation import Ended, Happened, World
from simulation.plan import make_plan
from simulation.series import GAUGE, Item, Metric, Process, Scrape, Target

_REQUESTS = "insa_agent_requests_total"
SECONDS = "gaps of seconds"
_GAPS = ((60, SECONDS), (3600, "gaps of minutes"), (86_400, "gaps of hours"))
LONGER = "gaps of more than a day"
NAMES = (
    "outages of a target",
    "times without Prometheus",
    "restarts",
    "counter resets",
    "restarts that a counter hides",
    "replicas born above zero",
    "label sets born late",
    "rolling deployments",
    *(name for _, name in _GAPS),
    "silent hours",
    "clock changes",
)
"""What a whole month has to have."""


@dataclass(slots=True)
class _Target:
    """The last scrape of a target that was answered, and the last one at all."""

    at: int
    process: Process | None = None
    values: dict[Metric, float] = field(default_factory=dict)


@dataclass(slots=True)
class Troubles:
    """Takes every item of a world once, in the order of time; `found` counts what it had."""

    world: World
    found: Counter[str] = field(default_factory=Counter)
    _targets: dict[Target, _Target] = field(default_factory=dict)
    _hour: int = 0
    _requests: float = 0

    def __post_init__(self) -> None:
        plan, zone = make_plan(self.world), zoneinfo.ZoneInfo(self.world.timezone)
        self.found["outages of a target"] = sum(len(each.cuts) for each in plan.presences)
        self.found["times without Prometheus"] = len(plan.blackouts)
        self.found["restarts"] = sum(len(each.lives) - 1 for each in plan.presences)
        self.found["rolling deployments"] = len(plan.presences) - self.world.replicas
        days = range(self.world.start, self.world.start + self.world.seconds + 1, 86_400)
        offsets = [datetime.datetime.fromtimestamp(each, zone).utcoffset() for each in days]
        self.found["clock changes"] = sum(before != after for before, after in itertools.pairwise(offsets))

    def take(self, item: Item) -> None:
        """Enter what happened next."""
        if isinstance(item, Happened):
            self._requests += sum(amount for metric, amount in item.added.items() if metric.name == _REQUESTS)
        elif not isinstance(item, Ended):
            self._tick(item.at // 3_600_000)
            self._scraped(item)

    def _tick(self, hour: int) -> None:
        if hour != self._hour:
            self.found["silent hours"] += self._hour > 0 and self._requests == 0
            self._hour, self._requests = hour, 0

    def _scraped(self, scrape: Scrape) -> None:
        known = self._targets.get(scrape.target)
        if known is None:
            known = self._targets[scrape.target] = _Target(scrape.at)
        self._gap((scrape.at - known.at) / 1000)
        known.at = scrape.at
        if scrape.process is None:
            return
        values = {metric: value for metric, value in scrape.samples if metric.kind != GAUGE}
        if known.process is None:
            born = scrape.process.began > self.world.start_ms and any(values.values())
            self.found["replicas born above zero"] += born
        elif known.process is scrape.process:
            self.found["label sets born late"] += len(values.keys() - known.values.keys())
        else:
            both = values.keys() & known.values.keys()
            fell = sum(values[each] < known.values[each] for each in both)
            self.found["counter resets"] += fell
            self.found["restarts that a counter hides"] += sum(
                values[each] >= known.values[each] > 0 for each in both
            )
        known.process, known.values = scrape.process, values

    def _gap(self, seconds: float) -> None:
        if seconds > 1.5 * self.world.scrape_seconds + self.world.jitter_ms / 1000:
            self.found[next((name for limit, name in _GAPS if seconds < limit), LONGER)] += 1
