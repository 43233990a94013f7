"""Two calculations by hand agree: the accountant reads off the samples what the processes really did.

What sampling loses is held here too. Of a process that ends, nobody sees what it did after its last scrape:
that is at most one scrape interval, unless Prometheus or the network was away just then, or nobody listed it.
"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from simulation import Ended, Happened, MetricGroup, World, run
from simulation.plan import Plan, make_plan
from truth.accountant import Accountant
from truth.journal import Journal, Unseen

BEGIN = 1_760_475_600
GROUPS = (MetricGroup.REQUESTS, MetricGroup.RETRIES, MetricGroup.BUS)
WORLDS = [
    (World(1, BEGIN, 86_400, agents=("crm",), groups=GROUPS, harshness=8), 300),
    (World(2, BEGIN, 86_400, agents=("crm",), groups=GROUPS, harshness=30, jitter_ms=700), 60),
    (World(3, BEGIN, 10 * 86_400, 300, agents=("crm",), groups=GROUPS, harshness=3), 1800),
]


@functools.cache
def entered(world: World, slot_seconds: int) -> Journal:
    accountant, journal = Accountant(slot_seconds), Journal()
    for item in run(world):
        if isinstance(item, Happened):
            journal.happened(item)
        elif isinstance(item, Ended):
            journal.ended(item)
        else:
            journal.scraped(item, accountant.take(item))
    return journal


@pytest.mark.parametrize(("world", "slot_seconds"), WORLDS)
def test_the_rule_counts_what_happened(world: World, slot_seconds: int) -> None:
    journal = entered(world, slot_seconds)
    assert not journal.wrong, journal.wrong[:5]
    # Nothing is counted twice and nothing vanishes: what was made was counted, or is accounted for.
    for metric, made in journal.made.items():
        apart = journal.counted[metric] + journal.before[metric] + journal.lost.get(metric, 0)
        assert made == apart, metric
    [requests] = [each for each in journal.made if ("status", "success") in each.labels]
    assert journal.counted[requests] > 0.8 * journal.made[requests] > 0
    assert journal.lost[requests] > 0


@pytest.mark.parametrize(("world", "slot_seconds"), WORLDS)
def test_an_end_loses_one_scrape_interval_at_most(world: World, slot_seconds: int) -> None:
    journal, plan = entered(world, slot_seconds), make_plan(world)
    interval = world.scrape_seconds * 1000 + world.jitter_ms
    unexplained = [
        each
        for each in journal.unseen
        if each.end - each.since > interval and not away(plan, each, world.jitter_ms)
    ]
    assert not unexplained
    assert sum(0 < each.end - each.since <= interval for each in journal.unseen) > 20


def away(plan: Plan, end: Unseen, jitter_ms: int) -> bool:
    """Whether Prometheus or the network was away since its last scrape, or it had not been listed yet."""
    [presence] = [each for each in plan.presences if each.target.instance == end.process.target.instance]
    spans = [*plan.blackouts, *presence.cuts]
    if any(span.begin - jitter_ms <= end.end and span.end + jitter_ms >= end.since for span in spans):
        return True
    return end.since < presence.listed.begin


def test_the_journal_notices_a_wrong_count() -> None:
    """Two events more in one count of many, and it is named."""
    world = World(5, BEGIN, 1800, agents=("crm",), groups=GROUPS, harshness=0)
    accountant, journal = Accountant(300), Journal()
    for number, item in enumerate(run(world)):
        if isinstance(item, Happened):
            journal.happened(item)
        elif not isinstance(item, Ended):
            counted = accountant.take(item)
            if number == 101:
                first = counted[0]
                counted[0] = type(first)(first.metric, first.amount + 2, first.known)
            journal.scraped(item, counted)
    [(_, counted_wrong, events)] = journal.wrong
    assert counted_wrong.amount == events + 2


def test_the_calculation_by_hand_knows_nothing_of_the_worker() -> None:
    """Modules of this package that import from the worker are those that compare with it."""
    here = Path(__file__).parent
    knowing = {file.stem for file in here.glob("*.py") if "sla_worker" in file.read_text(encoding="utf-8")}
    assert knowing.isdisjoint({"accountant", "books", "coverage", "forms", "journal", "selectors", "values"})
    assert knowing.isdisjoint({"policy", "scores"})
