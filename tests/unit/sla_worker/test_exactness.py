"""A pass gives the counts that a person derives by hand, on every engine."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from sla_worker.calculator import Calculator
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.grid import Grid
from sla_worker.model import Definition, Measurement, State
from sla_worker.prometheus import PrometheusClient
from sla_worker.sli.value import ValueSli
from unit.sla_worker.engines import engines, loaded

GRID = Grid(300, 15)
BEGIN = 1_700_000_100  # a multiple of 300; scrape k happens at BEGIN + 15 k + 7.123 s
DEFINITIONS = read_definitions(Path(__file__).parent / "definitions" / "three.yml")


def scraped_at(scrape: int) -> str:
    return f"{BEGIN + 15 * scrape + 7}.123"


def exposition(families: dict[str, dict[str, dict[int, float]]]) -> str:
    """OpenMetrics text of {family: {series: {scrape: value}}}."""
    lines = []
    for family, series in families.items():
        kind = "gauge" if family == "up" else "counter" if "total" in str(series) else "histogram"
        lines.append(f"# TYPE {family} {kind}")
        for name, values in series.items():
            lines += [f"{name} {value} {scraped_at(scrape)}" for scrape, value in values.items()]
    return "\n".join([*lines, "# EOF", ""])


def by_hand() -> dict[str, dict[str, dict[int, float]]]:
    """40 scrapes = two slots. Scrapes 20 to 25 failed. The success counter is reset at scrape 10.

    The error series appears at scrape 5.
    """
    scrapes = [scrape for scrape in range(40) if not 20 <= scrape <= 25]
    success: dict[int, float] = {}
    for scrape in scrapes:
        if scrape < 10:
            success[scrape] = 100 + 3 * scrape
        elif scrape < 20:
            success[scrape] = 2 + 3 * (scrape - 10)
        else:
            success[scrape] = 60 + scrape - 26
    error = {scrape: 4.0 if scrape == 5 else 5.0 for scrape in scrapes if scrape >= 5}
    duration = "insa_agent_request_duration_seconds"
    return {
        "up": {'up{job="demo-app",instance="a"}': {scrape: float(scrape != 3) for scrape in scrapes}},
        "insa_agent_requests": {
            'insa_agent_requests_total{job="demo-app",instance="a",agent="crm",status="success"}': success,
            'insa_agent_requests_total{job="demo-app",instance="a",agent="crm",status="error"}': error,
        },
        duration: {
            f'{duration}_bucket{{job="demo-app",instance="a",le="5.0"}}': {k: 3.0 * k for k in scrapes},
            f'{duration}_bucket{{job="demo-app",instance="a",le="+Inf"}}': {k: 4.0 * k for k in scrapes},
            f'{duration}_count{{job="demo-app",instance="a"}}': {k: 4.0 * k for k in scrapes},
        },
    }


def calculate(
    client: PrometheusClient,
    path: Path,
    first: int,
    now: float,
    definitions: tuple[Definition, ...],
    *,
    grid: Grid = GRID,
) -> list[Measurement]:
    """One pass over an empty ledger made when slot `first` ended."""
    database = SLADatabase(path, grid=grid, clock=lambda: first)
    database.sync_definitions(definitions)
    calculator = Calculator(definitions, client, database, grid, catch_up_seconds=86400, clock=lambda: now)
    try:
        return list(calculator.run_pass().measurements)
    finally:
        database.close()


@pytest.mark.parametrize("engine", engines())
def test_it_counts_what_a_person_counts(engine: str, tmp_path: Path) -> None:
    with loaded(engine, exposition(by_hand()), tmp_path) as client:
        rows = calculate(client, tmp_path / "sla.db", BEGIN + 300, BEGIN + 645, DEFINITIONS)
    figures = {(row.key, row.slot - BEGIN): (row.good, row.total, row.coverage, row.state) for row in rows}
    assert figures == {
        # Slot 1 holds scrapes 0 to 19, slot 2 scrapes 20 to 39, of which 6 failed: 14 / 20 = 0.7.
        # up: 20 scrapes, the one numbered 3 was down; then 14 of 14.
        ("platform-uptime", 300): (19, 20, 1, State.BREACHED),
        ("platform-uptime", 600): (14, 14, 0.7, State.PARTIAL),
        # count: scrape 0 is where counting starts, 19 steps of 4 = 76; then 80 although scrapes failed.
        # bucket le=5: 19 · 3 = 57; 60. 57 / 76 = 0.75 < 0.95.
        # 19 of 20 scrapes answered: the one numbered 3 says nothing about requests.
        ("api-response-time-p95", 300): (57, 76, 0.95, State.BREACHED),
        ("api-response-time-p95", 600): (60, 80, 0.7, State.PARTIAL),
        # success: 9 · 3 = 27 until 127, a reset to 2, 9 · 3 = 27 until 29: 56. Errors: the target had
        # answered before their series came with 4, so it was born then: 4, and from 4 to 5 one more.
        # success then: from 29 to 60 over the gap = 31, 13 steps of 1 until 73: 44; errors 0.
        ("api-error-rate", 300): (56, 61, 0.95, State.BREACHED),
        ("api-error-rate", 600): (44, 44, 0.7, State.PARTIAL),
    }
    assert {(row.slot - BEGIN, row.late) for row in rows} == {(300, True), (600, False)}
    [latency] = [row for row in rows if row.key == "api-response-time-p95" and row.slot == BEGIN + 300]
    assert latency.actual == 5  # 25 % are above the highest finite bucket, so that bucket's bound is shown
    [errors] = [row for row in rows if row.key == "api-error-rate" and row.slot == BEGIN + 300]
    assert errors.actual == 5 / 61


@pytest.mark.parametrize("engine", engines())
def test_sums_over_neighbouring_slots_telescope(engine: str, tmp_path: Path) -> None:
    """240 scrapes with resets and failed scrapes: the slots' sum is what the raw samples say."""
    chance = random.Random(7)  # noqa: S311 - a fixed sequence, not a secret
    value, expected, samples = 50, 0, {}
    for scrape in range(240):
        added = chance.randint(0, 9)
        if chance.random() < 0.05 and value > 20:
            value = added  # a restart: counts from zero
        else:
            value += added
        # What is added between two scrapes is seen at the next one; a reset that no scrape sees would be
        # lost to every method, so scrapes only fail while the value grows.
        failed = scrape and scrape != 239 and value > 20 and chance.random() < 0.2
        if not failed:
            samples[scrape] = float(value)
    previous = None
    for sample in samples.values():
        if previous is not None:
            expected += int(sample - previous if sample >= previous else sample)
        previous = sample
    series = 'insa_agent_requests_total{job="demo-app",instance="a",agent="crm",status="success"}'
    definitions = tuple(each for each in DEFINITIONS if each.key == "api-error-rate")
    with loaded(engine, exposition({"insa_agent_requests": {series: samples}}), tmp_path) as client:
        rows = calculate(client, tmp_path / "sla.db", BEGIN + 300, BEGIN + 3645, definitions)
    assert sorted(row.slot for row in rows) == list(range(BEGIN + 300, BEGIN + 3601, 300))
    assert sum(row.total for row in rows) == expected


@pytest.mark.parametrize("engine", engines())
@pytest.mark.parametrize(
    ("grid", "scrapes"), [(Grid(60, 15), 4), (Grid(300, 30), 10), (Grid(1800, 15), 120), (Grid(1800, 60), 30)]
)
def test_slots_and_scrapes_of_any_length(engine: str, grid: Grid, scrapes: int, tmp_path: Path) -> None:
    """Each scrape sees 3 successes and 1 error more; N scrapes a slot.

    Counting starts at the first scrape, so slot 1 holds N - 1 steps: 4 (N - 1) requests, 3 (N - 1) good.
    Slot 2 holds N: 4 N and 3 N. All scrapes were there, so the coverage is 1.
    """
    begin = 1_699_999_200  # a multiple of 1800
    requests = "insa_agent_requests_total"
    lines = ["# TYPE insa_agent_requests counter"]
    for status, added in (("success", 3), ("error", 1)):
        labels = f'job="demo-app",instance="a",status="{status}"'
        lines += [
            f"{requests}{{{labels}}} {added * scrape} {begin + grid.scrape_seconds * scrape + 7}.123"
            for scrape in range(2 * scrapes)
        ]
    lines.append("# TYPE up gauge")
    lines += [
        f'up{{job="demo-app",instance="a"}} 1 {begin + grid.scrape_seconds * scrape + 7}.123'
        for scrape in range(2 * scrapes)
    ]
    definitions = tuple(each for each in DEFINITIONS if each.key != "api-response-time-p95")
    first = begin + grid.slot_seconds
    now = first + grid.slot_seconds + grid.settle_seconds
    with loaded(engine, "\n".join([*lines, "# EOF", ""]), tmp_path) as client:
        rows = calculate(client, tmp_path / "sla.db", first, now, definitions, grid=grid)
    assert {(row.key, row.slot - first): (row.good, row.total, row.coverage) for row in rows} == {
        ("platform-uptime", 0): (scrapes, scrapes, 1),
        ("platform-uptime", grid.slot_seconds): (scrapes, scrapes, 1),
        ("api-error-rate", 0): (3 * (scrapes - 1), 4 * (scrapes - 1), 1),
        ("api-error-rate", grid.slot_seconds): (3 * scrapes, 4 * scrapes, 1),
    }


@pytest.mark.parametrize("engine", engines())
def test_a_selector_looks_back_five_minutes_however_long_a_slot_is(engine: str, tmp_path: Path) -> None:
    """A gauge has a sample 4 minutes before the end of a slot, one 10 minutes before that of the next."""
    slots = range(1_699_999_200 + 1800, 1_699_999_200 + 5401, 1800)
    depth = replace(DEFINITIONS[0], key="depth", target=1.0, unit="tasks", sli=ValueSli("sum(depth)", 0.9))
    text = f"# TYPE depth gauge\ndepth 7 {slots[0] - 240}.000\ndepth 8 {slots[1] - 600}.000\n# EOF\n"
    grid = Grid(1800, 60)
    now = slots[-1] + grid.settle_seconds
    with loaded(engine, text, tmp_path) as client:
        rows = calculate(client, tmp_path / "sla.db", slots[0], now, (depth,), grid=grid)
    assert {row.slot: row.actual for row in rows} == {slots[0]: 7, slots[1]: None, slots[2]: None}
