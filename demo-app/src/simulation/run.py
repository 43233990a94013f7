"""The world as it passes: events and scrapes in the order of time, a scrape's events before it."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator

from simulation.activity import Activity
from simulation.counters import Exposed
from simulation.plan import FAULTS, Life, Plan, Presence, Spans, make_plan
from simulation.rhythm import Rhythm
from simulation.series import Ended, Happened, Item, Process, Scrape
from simulation.world import World

_LONGEST = 600_000
"""No stretch of time is longer than this, so that the load follows the hours of the day."""
_BEFORE = 12 * 3_600_000


def run(world: World) -> Iterator[Item]:
    """Everything that happens in the world; memory does not grow with its length."""
    plan = make_plan(world)
    streams = [_items(world, plan, presence) for presence in plan.presences]
    return heapq.merge(*streams, key=lambda item: item.at)


class _Running:
    """A process that serves: its values, and how far its time has passed."""

    def __init__(self, world: World, plan: Plan, process: Process) -> None:
        self.process = process
        self._exposed = Exposed(process.began if world.start_times else None)
        name = f"{world.seed}/{process.target.instance}/{process.number}"
        self._activity = Activity(world, self._exposed, random.Random(name))  # noqa: S311 - reproducible
        self._faults = {name: Spans(plan.faults.get(name, ())) for name in FAULTS}
        self._rhythm = Rhythm(world.timezone)
        # A process older than the world has counted before; half a day of it is enough to be above zero.
        self._now = max(process.began, world.start_ms - _BEFORE)
        if process.began < world.start_ms:
            self.advance(world.start_ms)  # that is no part of the world's story

    def advance(self, to: int) -> Happened:
        """What it did until then."""
        while self._now < to:
            until = min(to, self._now + _LONGEST)
            active = {name: spans.active(self._now) for name, spans in self._faults.items()}
            self._activity.advance((until - self._now) / 1000, self._rhythm.load(self._now), active)
            self._now = until
        return Happened(to, self.process, self._exposed.take_added())

    def scraped(self, at: int) -> Scrape:
        return Scrape(at, self.process.target, 1, self.process, tuple(self._exposed.values.items()))


def _items(world: World, plan: Plan, presence: Presence) -> Iterator[Item]:
    blackouts, cuts = Spans(plan.blackouts), Spans(presence.cuts)
    chance = random.Random(f"{world.seed}/jitter/{presence.target.instance}")  # noqa: S311 - reproducible
    lives = iter(presence.lives)
    life: Life | None = next(lives, None)
    running: _Running | None = None
    for planned in _moments(world, presence):
        at = planned + chance.randrange(world.jitter_ms + 1)
        while life is not None and life.end <= at:
            running = running or _Running(world, plan, life.process)
            yield running.advance(life.end)
            yield Ended(life.end, life.process)
            life, running = next(lives, None), None
        if life is not None and life.process.began < at:
            running = running or _Running(world, plan, life.process)
            yield running.advance(at)
        if blackouts.active(at):
            continue
        if running is None or cuts.active(at):
            yield Scrape(at, presence.target, 0, None, ())
        else:
            yield running.scraped(at)
    if life is not None:
        running = running or _Running(world, plan, life.process)
        yield running.advance(life.end)
        yield Ended(life.end, life.process)


def _moments(world: World, presence: Presence) -> Iterator[int]:
    """When the target is scraped: its own offset in each interval, as Prometheus spreads them."""
    interval = world.scrape_seconds * 1000
    first = -(-(presence.listed.begin - presence.offset) // interval) * interval + presence.offset
    return iter(range(first, min(presence.listed.end, world.end_ms - world.jitter_ms), interval))
