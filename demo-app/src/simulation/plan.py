"""What will happen in a world, drawn from its seed before it runs: processes, deployments, outages, faults.

Every kind of trouble that makes counting hard is in here on purpose:

* processes that restart within one scrape interval, some of them in a loop, so that values hide it;
* deployments that replace one instance by another, whose process has served before its first scrape;
* replicas that are found late, long after they began;
* networks that are cut (`up` is 0 while the process serves on) for seconds to hours;
* Prometheus itself gone for seconds to more than a day: nothing is stored at all.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from simulation.series import Process, Target
from simulation.world import World

_SECOND = 1000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` until before `end`."""

    begin: int
    end: int


class Spans:
    """Spans in ascending order, asked with moments that only grow."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = sorted(spans, key=lambda each: each.begin)
        self._at = 0

    def active(self, moment: int) -> bool:
        """Whether a span holds the moment."""
        while self._at < len(self._spans) and self._spans[self._at].end <= moment:
            self._at += 1
        return self._at < len(self._spans) and self._spans[self._at].begin <= moment


@dataclass(frozen=True, slots=True)
class Life:
    """A process and when it ends."""

    process: Process
    end: int


@dataclass(frozen=True, slots=True)
class Presence:
    """One target: while it is listed Prometheus scrapes it, answered only where a life and no cut is."""

    target: Target
    listed: Span
    lives: Sequence[Life]
    cuts: Sequence[Span]
    offset: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is drawn beforehand. `faults` are spans of trouble inside the application, by name."""

    presences: Sequence[Presence]
    blackouts: Sequence[Span]
    faults: dict[str, Sequence[Span]] = field(default_factory=dict)


FAULTS = (
    "errors",
    "timeouts",
    "slow",
    "worker_down",
    "queue_flood",
    "breaker_open",
    "cache_cold",
    "cache_down",
    "database_down",
    "database_slow",
    "bus_down",
    "backup_failure",
    "scan_gap",
    "quiet",
)

_BLACKOUTS = (20, 70, 200, 400, 900, 2400, 3 * 3600, 7 * 3600, 14 * 3600, 26 * 3600)
_TOO_EARLY = 0.2  # of new instances, listed before they answer
_LOOPS = 0.2  # of ends begin a loop of restarts
_AT_ONCE = 0.5  # of restarts take a few seconds
_CUTS = (10, 40, 100, 330, 1200, 7200, 5 * 3600)


def make_plan(world: World) -> Plan:
    """The plan of a world; its parts are drawn apart, so that one more replica changes no other."""
    return Plan(
        presences=[each for number in range(world.replicas) for each in _chain(world, number)],
        blackouts=_spans(world, "blackouts", mean_days=3.5, lengths=_BLACKOUTS),
        faults={
            name: _spans(world, f"fault {name}", mean_days=2.0, lengths=(30, 120, 600, 1800, 5400))
            for name in FAULTS
        },
    )


def _chance(world: World, purpose: str) -> random.Random:
    return random.Random(f"{world.seed}/{purpose}")  # noqa: S311 - reproducible, no secret


def _spans(world: World, purpose: str, *, mean_days: float, lengths: Sequence[int]) -> list[Span]:
    chance, spans = _chance(world, purpose), list[Span]()
    if world.harshness <= 0:
        return spans
    lengths = [each for each in lengths if each <= world.seconds / 12] or [world.scrape_seconds]
    at = float(world.start_ms)
    while True:
        at += chance.expovariate(world.harshness / (mean_days * _DAY))
        if at >= world.end_ms:
            return spans
        length = chance.choice(lengths) * chance.uniform(0.7, 1.3) * _SECOND
        spans.append(Span(int(at), int(at + length)))
        at += length


def _chain(world: World, number: int) -> list[Presence]:
    """One replica through the whole world: after each deployment it is another target."""
    chance = _chance(world, f"replica {number}")
    presences = []
    at, generation = world.start_ms, 0
    # Deployments roll: they reach every replica, one after the other, half a minute apart.
    deployments = [
        each.begin + number * 30 * _SECOND
        for each in _spans(world, "deployments", mean_days=3.0, lengths=(600,))
    ]
    began = at - int(chance.uniform(0.5, 4) * _DAY)
    for border in [*deployments, world.end_ms]:
        if border - at < _MINUTE and border < world.end_ms:
            continue
        name = f"crm-{number}-v{generation}:9091" if generation else f"crm-{number}:9091"
        presences.append(_presence(world, chance, Target(world.job, name), Span(at, border), began=began))
        generation += 1
        # The next instance has served for a while when it is listed; some are found late, some too early.
        at = border + int(chance.choice((-20, 2, 15, 40)) * _SECOND)
        began = at - int(chance.choice((1, 12, 45, 45, 200, 1500)) * chance.uniform(0.8, 1.2) * _SECOND)
        if chance.random() < _TOO_EARLY:
            began = at + int(chance.uniform(5, 90) * _SECOND)
        at = max(at, world.start_ms)
    return presences


def _presence(world: World, chance: random.Random, target: Target, listed: Span, *, began: int) -> Presence:
    cuts = _spans(world, f"cuts {target.instance}", mean_days=1.5, lengths=_CUTS)
    return Presence(
        target,
        listed,
        _lives(world, chance, target, began, listed.end),
        [each for each in cuts if each.begin < listed.end and each.end > listed.begin],
        offset=chance.randrange(world.scrape_seconds * _SECOND),
    )


def _lives(world: World, chance: random.Random, target: Target, began: int, end: int) -> list[Life]:
    """Processes one after the other, until the target is replaced."""
    lives: list[Life] = []
    loop = 0
    while began < end:
        if loop:
            loop -= 1
            life = int(chance.uniform(5, 6 * world.scrape_seconds) * _SECOND)
        elif world.harshness > 0:
            life = int(chance.expovariate(world.harshness / _DAY)) + 5 * _SECOND
        else:
            life = end
        until = min(max(began, world.start_ms) + life, end)
        lives.append(Life(Process(target, len(lives), began), until))
        if not loop and chance.random() < _LOOPS:
            loop = chance.randrange(3, 12)
        began = until + int(_pause(chance, in_loop=bool(loop)))
    return lives


def _pause(chance: random.Random, *, in_loop: bool) -> float:
    """How long nobody serves between two processes: often too short for any scrape to notice."""
    if in_loop or chance.random() < _AT_ONCE:
        return chance.uniform(0.2, 8) * _SECOND
    return chance.choice((20, 60, 300, 1500, 4000)) * chance.uniform(0.8, 1.2) * _SECOND
