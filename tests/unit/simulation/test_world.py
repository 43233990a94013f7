"""The simulated world: the same again for the same seed, true to its own rules, and harsh in every way."""

from __future__ import annotations

import io
import itertools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from contract.exported import known_metrics
from insa_instruments import Recorder
from simulation import Happened, Item, MetricGroup, Scrape, World, run
from simulation.openmetrics import Writer, write
from simulation.series import COUNTER, GAUGE, PROCESS_START, Metric, Process, Target, gauge

BEGIN = 1_760_475_600  # 14 October 2025, 21:00 UTC
HARSH = World(3, BEGIN + 7 * 3600, 10 * 3600, harshness=24, agents=("crm",))


def scrapes(world: World) -> Iterator[Scrape]:
    return (item for item in run(world) if isinstance(item, Scrape))


def text(world: World, directory: Path) -> str:
    directory.mkdir()
    written = io.StringIO()
    write(scrapes(world), directory, written)
    return written.getvalue()


@pytest.fixture(scope="module")
def harsh() -> list[Item]:
    """A day in which much goes wrong."""
    return list(run(HARSH))


def test_a_seed_is_one_world_to_the_byte(tmp_path: Path) -> None:
    groups = (MetricGroup.REQUESTS, MetricGroup.WORKERS)
    world = World(1, BEGIN, 7200, 60, groups=groups, harshness=5)
    assert text(world, tmp_path / "a") == text(world, tmp_path / "b")
    other = World(2, BEGIN, 7200, 60, groups=groups, harshness=5)
    assert text(world, tmp_path / "c") != text(other, tmp_path / "d")


def test_without_trouble_every_scrape_is_answered() -> None:
    """Two replicas, one hour, every 15 s: 2 · 240 scrapes, all of them up, each after 15 s."""
    seen: dict[Target, list[int]] = defaultdict(list)
    for scrape in scrapes(World(1, BEGIN, 3600, harshness=0)):
        assert scrape.up
        seen[scrape.target].append(scrape.at)
    assert [len(moments) for moments in seen.values()] == [240, 240]
    assert {b - a for moments in seen.values() for a, b in itertools.pairwise(moments)} == {15_000}


def test_items_come_in_the_order_of_time(harsh: list[Item]) -> None:
    moments = [item.at for item in harsh]
    assert moments == sorted(moments)


def test_counters_of_a_process_are_what_it_did(harsh: list[Item]) -> None:
    """A process that began in the world shows in each scrape the sum of what it has done."""
    done: dict[Process, dict[Metric, float]] = defaultdict(lambda: defaultdict(float))
    looked_at = 0
    for item in harsh:
        if isinstance(item, Happened):
            for metric, amount in item.added.items():
                assert amount > 0
                done[item.process][metric] += amount
        elif isinstance(item, Scrape) and item.process and item.process.began >= HARSH.start_ms:
            shown = {metric: value for metric, value in item.samples if metric.kind != GAUGE and value}
            assert shown == done[item.process]
            looked_at += 1
    assert looked_at > 1000


def test_nobody_works_at_night() -> None:
    """From 0:00 to 5:00 in Berlin, 22:00 to 3:00 UTC, there are no requests; at 10:00 there are.

    The first item after 22:00 shows what happened since 21:55, so that hour is left out.
    """
    by_hour: dict[int, float] = defaultdict(float)
    for item in run(World(1, BEGIN, 86_400, 300, groups=(MetricGroup.REQUESTS,), harshness=0)):
        if isinstance(item, Happened):
            hour = (item.at - 1) // 3_600_000 % 24
            by_hour[hour] += sum(item.added.get(each, 0) for each in item.added if each.kind == COUNTER)
    assert [by_hour[hour] for hour in (23, 0, 1, 2)] == [0] * 4
    assert by_hour[8] > 1000  # 1 request a second at a load of about 1.3


def test_a_harsh_day_has_every_trouble_that_makes_counting_hard(harsh: list[Item]) -> None:
    """Each kind is counted; none may be missing, or the ground truth would prove less than it says."""
    kinds: dict[str, int] = defaultdict(int)
    last: dict[Target, Scrape] = {}
    last_of_any = HARSH.start_ms
    for item in harsh:
        if not isinstance(item, Scrape):
            continue
        if item.at - last_of_any > 60_000:
            kinds["Prometheus was away"] += 1
        last_of_any = item.at
        kinds["failed scrape"] += not item.up
        before = last.get(item.target)
        if item.process is None:
            continue
        last[item.target] = item
        if before is None:
            young = item.at - item.process.began < 300_000
            kinds["found young and above zero" if young else "found old"] += any(
                value for metric, value in item.samples if metric.kind != GAUGE
            )
            continue
        was, now = dict(before.samples), dict(item.samples)
        same = before.process is item.process
        kinds["a long gap in one life"] += same and item.at - before.at > 300_000
        kinds["born late in one life"] += same and len(now) > len(was)
        if not same:
            grown = [
                metric for metric in now if metric.kind != GAUGE and was.get(metric, 0) <= now[metric] > 0
            ]
            kinds["reset that shows"] += any(now.get(metric, 0) < value for metric, value in was.items())
            kinds["restart that a value hides"] += bool(grown)
            kinds["restart between two scrapes"] += item.at - before.at == 15_000
    missing = [
        kind
        for kind in (
            "Prometheus was away",
            "failed scrape",
            "found young and above zero",
            "found old",
            "a long gap in one life",
            "born late in one life",
            "reset that shows",
            "restart that a value hides",
            "restart between two scrapes",
        )
        if not kinds[kind]
    ]
    assert not missing, dict(kinds)


def test_every_series_is_one_that_the_application_exports(harsh: list[Item]) -> None:
    known = known_metrics()
    for metric in {metric for item in harsh if isinstance(item, Scrape) for metric, _ in item.samples}:
        if metric is not PROCESS_START:
            assert {name for name, _ in metric.labels} <= known[metric.name], metric


def test_buckets_are_those_of_the_instruments(harsh: list[Item]) -> None:
    registry = CollectorRegistry()
    Recorder(registry).record_request("crm", "success", 1)
    real = {
        sample.labels["le"]
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "insa_agent_request_duration_seconds_bucket"
    }
    made = {
        dict(metric.labels)["le"]
        for item in harsh
        if isinstance(item, Scrape)
        for metric, _ in item.samples
        if metric.name == "insa_agent_request_duration_seconds_bucket"
    }
    assert made == real


def test_openmetrics_keeps_a_series_together(tmp_path: Path) -> None:
    """Two targets, two scrapes of each, one of them failed: families in order, each series ascending."""
    a, b = Target("demo-app", "a"), Target("demo-app", "b")
    health = gauge("insa_worker_health_status", ("worker_name", "crm"))
    writer = Writer(tmp_path)
    writer.add(Scrape(1_000_007, a, 1, None, ((health, 1), (PROCESS_START, 17.25))))
    writer.add(Scrape(1_002_000, b, 0, None, ()))
    writer.add(Scrape(1_016_007, a, 1, None, ((health, 0),)))
    written = io.StringIO()
    writer.write(written)
    assert written.getvalue() == (
        "# TYPE insa_worker_health_status gauge\n"
        'insa_worker_health_status{worker_name="crm",instance="a",job="demo-app"} 1 1000.007\n'
        'insa_worker_health_status{worker_name="crm",instance="a",job="demo-app"} 0 1016.007\n'
        "# TYPE process_start_time_seconds gauge\n"
        'process_start_time_seconds{instance="a",job="demo-app"} 17.25 1000.007\n'
        "# TYPE up gauge\n"
        'up{instance="a",job="demo-app"} 1 1000.007\n'
        'up{instance="a",job="demo-app"} 1 1016.007\n'
        'up{instance="b",job="demo-app"} 0 1002.000\n'
        "# EOF\n"
    )
