"""The generated expressions give the counts that a person derives by hand, on every Prometheus."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from sla_worker.calculator import Calculator
from sla_worker.conventions import GOOD_EVENTS, TOTAL_EVENTS
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.grid import Grid
from sla_worker.model import Definition, Measurement, State
from sla_worker.prometheus import PrometheusClient
from sla_worker.rules.file import rules_text
from sla_worker.rules.recording import fingerprint, recording_rules
from unit.sla_worker.prometheus_server import binary, directories, load, running

GRID = Grid(300, 15)
BEGIN = 1_700_000_100  # a multiple of 300; scrape k happens at BEGIN + 15 k + 7.123 s
DEFINITIONS = read_definitions(Path(__file__).parents[3] / "sla-worker" / "sla_thresholds.yml")


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


@pytest.mark.parametrize("directory", directories())
def test_it_counts_what_a_person_counts(directory: str, tmp_path: Path) -> None:
    binary(directory, "prometheus")
    load(directory, tmp_path / "data", exposition(by_hand()))
    with running(directory, tmp_path / "data") as client:
        rows = calculate(client, tmp_path / "sla.db", BEGIN + 300, BEGIN + 645, DEFINITIONS)
    figures = {(row.key, row.slot - BEGIN): (row.good, row.total, row.coverage, row.state) for row in rows}
    assert figures == {
        # Slot 1 holds scrapes 0 to 19, slot 2 scrapes 20 to 39, of which 6 failed: 14 / 20 = 0.7.
        # up: 20 scrapes, the one numbered 3 was down; then 14 of 14.
        ("platform-uptime", 300): (19, 20, 1, State.BREACHED),
        ("platform-uptime", 600): (14, 14, 0.7, State.PARTIAL),
        # count: scrape 0 is where counting starts, 19 steps of 4 = 76; then 80 although scrapes failed.
        # bucket le=5: 19 · 3 = 57; 60. 57 / 76 = 0.75 < 0.95.
        ("api-response-time-p95", 300): (57, 76, 1, State.BREACHED),
        ("api-response-time-p95", 600): (60, 80, 0.7, State.PARTIAL),
        # success: 9 · 3 = 27 until 127, a reset to 2, 9 · 3 = 27 until 29: 56; errors: from 4 to 5 = 1.
        # success then: from 29 to 60 over the gap = 31, 13 steps of 1 until 73: 44; errors 0.
        ("api-error-rate", 300): (56, 57, 1, State.BREACHED),
        ("api-error-rate", 600): (44, 44, 0.7, State.PARTIAL),
    }
    assert {(row.slot - BEGIN, row.late) for row in rows} == {(300, True), (600, False)}
    [latency] = [row for row in rows if row.key == "api-response-time-p95" and row.slot == BEGIN + 300]
    assert latency.actual == 5  # 25 % are above the highest finite bucket, so that bucket's bound is shown
    [errors] = [row for row in rows if row.key == "api-error-rate" and row.slot == BEGIN + 300]
    assert errors.actual == 1 / 57


@pytest.mark.parametrize("directory", directories())
def test_sums_over_neighbouring_slots_telescope(directory: str, tmp_path: Path) -> None:
    """240 scrapes with resets and failed scrapes: the slots' sum is what the raw samples say."""
    binary(directory, "prometheus")
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
    load(directory, tmp_path / "data", exposition({"insa_agent_requests": {series: samples}}))
    definitions = tuple(each for each in DEFINITIONS if each.key == "api-error-rate")
    with running(directory, tmp_path / "data") as client:
        rows = calculate(client, tmp_path / "sla.db", BEGIN + 300, BEGIN + 3645, definitions)
        expression = definitions[0].sli.figures(GRID)[TOTAL_EVENTS]
        single = [client.query(expression, GRID.direct_at(row.slot)).series[0].samples[0][1] for row in rows]
    assert [row.slot for row in rows] == list(range(BEGIN + 300, BEGIN + 3601, 300))
    assert sum(row.total for row in rows) == expected
    assert [row.total for row in rows] == single  # range queries of the catch-up and instant ones agree


@pytest.mark.parametrize("directory", directories())
def test_a_stale_marker_and_a_reset_lose_nothing(directory: str, tmp_path: Path) -> None:
    """promtool can write stale markers, which is what a failed scrape leaves behind."""
    [definition] = [each for each in DEFINITIONS if each.key == "api-error-rate"]
    figures = definition.sli.figures(GRID)
    test = {
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [
                    {
                        # 0, 10, 20, two failed scrapes, 70, a restart that shows 5, then 6 and so on to 19
                        "series": 'insa_agent_requests_total{instance="a",status="success"}',
                        "values": "0 10 20 stale stale 70 5+1x14",
                    },
                    {
                        "series": 'insa_agent_requests_total{instance="a",status="error"}',
                        "values": "0 0 0 stale stale 2 0 1+0x13",
                    },
                ],
                "promql_expr_test": [
                    # total: 10 + 10 + 50 + 5 + 14 = 89 of success, 2 + 0 + 1 = 3 of error: 92
                    expectation(figures[TOTAL_EVENTS], 92),
                    expectation(figures[GOOD_EVENTS], 89),
                ],
            }
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(json.dumps(test))  # JSON is YAML
    promtool = binary(directory, "promtool")
    run = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def expectation(expression: str, value: float) -> dict[str, object]:
    """The slot that ends at 300 s, asked at 300 s + 15 s + 1 ms."""
    return {"expr": expression, "eval_time": "315001ms", "exp_samples": [{"labels": "{}", "value": value}]}


@pytest.mark.parametrize("directory", directories())
@pytest.mark.parametrize("flags", [[], ["--lint=all", "--lint-fatal"]])
def test_promtool_accepts_the_generated_rules(directory: str, flags: list[str]) -> None:
    rules = Path(__file__).parents[3] / "prometheus" / "rules" / "sla" / "recording.yml"
    command = [binary(directory, "promtool"), "check", "rules", *flags, str(rules)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("directory", directories())
@pytest.mark.parametrize(
    ("grid", "scrapes"), [(Grid(60, 15), 4), (Grid(300, 30), 10), (Grid(1800, 15), 120), (Grid(1800, 60), 30)]
)
def test_slots_and_scrapes_of_any_length(directory: str, grid: Grid, scrapes: int, tmp_path: Path) -> None:
    """Each scrape sees 3 successes and 1 error more; N scrapes a slot.

    Counting starts at the first scrape, so slot 1 holds N - 1 steps: 4 (N - 1) requests, 3 (N - 1) good.
    Slot 2 holds N: 4 N and 3 N. All scrapes were there, so the coverage is 1.
    """
    begin = 1_699_999_200  # a multiple of 1800
    binary(directory, "prometheus")
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
    load(directory, tmp_path / "data", "\n".join([*lines, "# EOF", ""]))
    definitions = tuple(each for each in DEFINITIONS if each.key != "api-response-time-p95")
    first = begin + grid.slot_seconds
    now = first + grid.slot_seconds + grid.settle_seconds
    with running(directory, tmp_path / "data") as client:
        rows = calculate(client, tmp_path / "sla.db", first, now, definitions, grid=grid)
    assert {(row.key, row.slot - first): (row.good, row.total, row.coverage) for row in rows} == {
        ("platform-uptime", 0): (scrapes, scrapes, 1),
        ("platform-uptime", grid.slot_seconds): (scrapes, scrapes, 1),
        ("api-error-rate", 0): (3 * (scrapes - 1), 4 * (scrapes - 1), 1),
        ("api-error-rate", grid.slot_seconds): (3 * scrapes, 4 * scrapes, 1),
    }


@pytest.mark.parametrize("directory", directories())
@pytest.mark.parametrize(("grid", "every"), [(Grid(60, 15), 10), (Grid(300, 30), 20), (Grid(1800, 15), 10)])
def test_the_rules_of_any_grid_record_their_slot(
    directory: str, grid: Grid, every: int, tmp_path: Path
) -> None:
    """2 requests a scrape, none an error: the second slot holds 2 · N.

    promtool evaluates at multiples of `every`, chosen so that one lies between T + s and T + 2s (grid.py):
    after T = 120 at 140, after 600 at 640, after 3600 at 3620.
    """
    rules = tmp_path / "rules.yml"
    rules.write_text(rules_text(recording_rules(DEFINITIONS, grid), grid, "a test"))
    [definition] = [each for each in DEFINITIONS if each.key == "api-error-rate"]
    labels = f'{{component="all", rules="{fingerprint(definition, grid)}", sla="{definition.key}"}}'
    step = grid.scrape_seconds
    at = (2 * grid.slot_seconds + step) // every * every + every
    assert grid.belongs(at, 2 * grid.slot_seconds)
    # The counter starts well before the slot that is looked at, so all its N steps have a step before them.
    test = {
        "rule_files": [str(rules)],
        "evaluation_interval": f"{every}s",
        "tests": [
            {
                "interval": f"{step}s",
                "input_series": [
                    {
                        "series": 'insa_agent_requests_total{job="demo-app",instance="a",status="success"}',
                        "values": f"0+2x{3 * grid.scrapes}",
                    }
                ],
                "promql_expr_test": [
                    {
                        "expr": name,
                        "eval_time": f"{at}s",
                        "exp_samples": [{"labels": name + labels, "value": value}],
                    }
                    for name, value in ((TOTAL_EVENTS, 2 * grid.scrapes), (GOOD_EVENTS, 2 * grid.scrapes))
                ],
            }
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(json.dumps(test))
    promtool = binary(directory, "promtool")
    run = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
