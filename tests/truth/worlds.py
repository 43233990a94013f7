"""The worlds of the ground truth: two months with a clock change each, and a day with everything in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulation import MetricGroup, World

_FEW = (
    MetricGroup.REQUESTS,
    MetricGroup.WORKERS,
    MetricGroup.BREAKERS,
    MetricGroup.RETRIES,
    MetricGroup.COMPLIANCE,
)
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Trial:
    """A world and the length of the slots in which it is counted."""

    name: str
    world: World
    slot_seconds: int

    def with_seed(self, seed: int) -> Trial:
        """The same kind of world with other chances."""
        return replace(self, world=replace(self.world, seed=seed))


_MONTH = World(
    0, 0, 0, 240, agents=("crm",), groups=_FEW, requests_per_second=0.03, harshness=2
)  # four minutes are as seldom as a gauge may be scraped, and make a month affordable
AUTUMN = Trial(
    "autumn",  # 12 October to 11 November 2025, Berlin: 26 October has 25 hours
    replace(_MONTH, seed=11, start=1_760_220_000, seconds=30 * _DAY),
    3600,
)
SPRING = Trial(
    "spring",  # 15 March to 12 April 2026: 29 March has 23 hours
    replace(_MONTH, seed=12, start=1_773_529_200, seconds=28 * _DAY, harshness=5),
    3600,
)
HARSH_DAY = Trial(
    "harsh day", World(13, 1_760_475_600 + 6 * 3600, 6 * 3600, 15, agents=("crm",), harshness=24), 300
)
WITHOUT_START_TIMES = Trial(
    "without start times",
    World(14, 1_760_475_600, _DAY, 60, agents=("crm",), groups=_FEW, harshness=12, start_times=False),
    300,
)
LATE_SCRAPES = Trial(
    "late scrapes",
    World(15, 1_760_475_600, _DAY, 30, agents=("crm",), groups=_FEW, harshness=10, jitter_ms=900),
    300,
)
TRIALS = {each.name: each for each in (AUTUMN, SPRING, HARSH_DAY, WITHOUT_START_TIMES, LATE_SCRAPES)}
