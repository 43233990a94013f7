"""`make demo` in a copy of this repository, without Docker: the month is there, is right, and goes again."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.live import Stack
from e2e.monthly import figures_of_the_month
from e2e.report_tables import result_on_page
from e2e.stack_under_test import connected
from readme.walk import copy_of
from simulation.series import PROCESS_START, Metric, Process, Scrape, Target, counter, gauge
from truth.accountant import Accountant
from waiting import patience, poll

pytestmark = [pytest.mark.live, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parents[2]
SLOT = 300
DAY = 86_400
GRAPH_DAYS = 2  # a month of them costs minutes and shows no more
DATABASE = "insa_database_up"
REQUESTS = "insa_agent_requests_total"
OURS = ("STACK_", "MODE", "DEMO", "SLA_", "REPORT_", "KEEP", "TEST_STACK", "MAKE", "PYTHONPATH")


def typed(copy: Path, command: str) -> str:
    """What a command prints; it must succeed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=copy,
        env=environment | {"MODE": "local"},
        capture_output=True,
        text=True,
        timeout=patience(300),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, beside whose own stack the demonstration runs."""
    copy = tmp_path_factory.mktemp("demo") / "bundle"
    copy_of(ROOT, copy)
    (copy / ".env").write_text("SLA_DATABASE_URL=postgresql://nobody@127.0.0.1:1/the-users-own\n")
    data = copy / ".run" / "local" / "insa" / "data" / "sla-data"
    data.mkdir(parents=True)
    (data / "sla.db").write_bytes(b"the user's ledger")
    return copy


@pytest.fixture(scope="module")
def told(copy: Path) -> Iterator[str]:
    try:
        yield typed(copy, f"make demo GRAPH_DAYS={GRAPH_DAYS}")
    finally:
        typed(copy, "make demo-clean")


@pytest.fixture(scope="module")
def stack(copy: Path, told: str) -> Iterator[Stack]:
    assert told
    with connected(copy / ".run" / "demo" / "insa-demo" / "env", 1) as stack:
        yield stack


def test_a_newcomer_sees_a_month_and_the_figures_are_those_of_a_count_by_hand(
    copy: Path, told: str, stack: Stack
) -> None:
    story = json.loads((copy / ".run" / "demo" / "insa-demo" / "story.json").read_text())
    assert len(story["incidents"]) == 12
    for each in story["incidents"]:
        assert each["title"] in told
    assert stack.sla_worker.removeprefix("http://127.0.0.1") in told

    page = stack.client.get(stack.sla_worker).raise_for_status().text
    # Of 36 SLAs, over 24 hours: the newest slot may be the one in which the live app took over.
    assert page.count(">pass<") > 30
    # 25 minutes of 24 hours are 1.7 % of the breaker's time, 1 % is allowed; of worker-1's 40 are 2.8 %.
    for missed in ("Circuit Breaker Stability / crm-api", "Agent Worker Uptime / worker-1"):
        assert result_on_page(page, missed) == "fail"
    stack.wait_for_mail("on-call@example.com", "SLA breached: Agent Worker Uptime", since=0, seconds=30)
    stack.wait_for_mail("owner@example.com", "Daily SLA report", since=0, seconds=30)

    report = typed(copy, "make sla-report h=720 STACK_NAME=insa-demo STACK_ENV_FILE=.run/demo/insa-demo/env")
    failed = {line.split("  ")[0] for line in report.splitlines() if line.rstrip().endswith("  fail")}
    # Of the twelve incidents six are too long for a month's budget; DLQ is judged by them alone.
    assert failed == {
        "Agent Worker Uptime / worker-1",
        "API Error Rate",
        "Backup Success Rate",
        "Database Error Rate",
        "Database Uptime",
        "DLQ Processing Rate",
    }
    assert "no data" not in report
    by_hand(stack, copy / ".run/local/insa-demo/data/sla-data/sla.db")

    assert (copy / ".run/local/insa/data/sla-data/sla.db").read_bytes() == b"the user's ledger"


def test_every_report_arrives_and_the_last_month_is_frozen_with_its_evidence(
    copy: Path, told: str, stack: Stack
) -> None:
    for kind in ("Daily", "Weekly", "Monthly"):
        mail = stack.wait_for_mail("owner@example.com", f"{kind} SLA report", since=0, seconds=60)
    assert len(figures_of_the_month(stack, mail)) >= 36  # those of the monthly one, its PDF and the ledger
    (archive,) = (copy / ".run" / "demo" / "insa-demo").glob("evidence-*.zip")
    command = told.rpartition("the month that is frozen: ")[2].strip()
    assert archive.name in command
    assert "every figure follows from the counts" in typed(copy, command)
    assert archive.stem.removeprefix("evidence-") in stack.client.get(f"{stack.sla_worker}/months").text


def test_the_graphs_have_their_past_and_its_figures_are_those_of_the_ledger(copy: Path, stack: Stack) -> None:
    story = json.loads((copy / ".run" / "demo" / "insa-demo" / "story.json").read_text())
    ledger = copy / ".run/local/insa-demo/data/sla-data/sla.db"
    for hours in (1, 12, 23):
        slot = story["end"] // SLOT * SLOT - hours * 3600
        good, total = stored(ledger, "api-error-rate", slot - DAY, slot)
        [(_, shown)] = asked(stack, 'sla_compliance_ratio{sla="api-error-rate"}', slot + 60)
        assert shown == pytest.approx(good / total, abs=1e-12)
    # Every SLA has a line, from the first day that was asked for until the demonstration began.
    for moment in (story["end"] // DAY * DAY - DAY + 600, story["end"] - 400):
        assert len({labels["sla"] for labels, _ in asked(stack, "sla_target_ratio", moment)}) == 36
    by_title = {each["title"]: each for each in story["incidents"]}
    for title, alert in (
        ("The database cannot be opened", "DatabaseDown"),
        ("An upgrade at night takes the platform down", "TargetDown"),
        ("A batch import floods the queue of worker-1", "WorkerHighQueueDepth"),
        ("The CRM's API is unreachable again", "CircuitBreakerOpen"),
    ):
        end = by_title[title]["end"]
        firing = f'ALERTS{{alertname="{alert}", alertstate="firing"}}'
        # The alerts are made last, and Prometheus takes new blocks within a minute.
        assert poll(lambda: asked(stack, firing, end - 60), f"{alert}: {title}", seconds=90)  # noqa: B023  # used at once
        assert not asked(stack, firing, by_title[title]["begin"]), title
        # What the month has no metrics for does not fire; that alerting works is told all the time.
        others = {labels["alertname"] for labels, _ in asked(stack, 'ALERTS{alertstate="firing"}', end - 60)}
        assert not others & {"MonitoringMetricsAbsent", "SLAWorkerStale"}
        assert "Watchdog" in others
    # The breach alert of the SLA, which reads the worker's own figures.
    again = by_title["The CRM's API is unreachable again"]
    breach = 'ALERTS{alertname="SLABreachActive", alertstate="firing", sla="circuit-breaker-stability"}'
    assert asked(stack, breach, again["end"] - 60)


def asked(stack: Stack, query: str, moment: int) -> list[tuple[dict[str, str], float]]:
    """What Prometheus says at a moment."""
    answer = stack.client.get(f"{stack.prometheus}/api/v1/query", params={"query": query, "time": moment})
    found = answer.raise_for_status().json()["data"]["result"]
    return [(each["metric"], float(each["value"][1])) for each in found]


def by_hand(stack: Stack, ledger: Path) -> None:
    """Database Uptime and API Error Rate over whole days: counted from the scrapes that Prometheus holds."""
    end = int(time.time()) // 86_400 * 86_400
    begin = end - 30 * 86_400
    scrapes = list(read(stack, begin - 300, end))
    accountant = Accountant(SLOT)
    requests = errors = good = samples = 0.0
    for each in scrapes:
        inside = begin * 1000 < each.at <= end * 1000
        counted = accountant.take(each)
        if not inside:
            continue
        requests += sum(one.amount for one in counted)
        errors += sum(one.amount for one in counted if ("status", "error") in one.metric.labels)
        samples += 1  # a scrape that failed is a bad sample
        good += sum(value == 1 for metric, value in each.samples if metric.name == DATABASE)
    assert samples == 30 * 1440
    assert good == samples - 35 - 25  # the database for 35 minutes, the platform for 25
    assert stored(ledger, "database-uptime", begin, end) == (good, samples)
    assert stored(ledger, "api-error-rate", begin, end) == (requests - errors, requests)
    assert 0.001 < errors / requests < 0.002


def stored(ledger: Path, key: str, begin: int, end: int) -> tuple[float, float]:
    """Good and total events of an SLA over a time, read from the ledger by SQL of its own."""
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        rows = connection.execute(
            "SELECT SUM(good_events), SUM(total_events), COUNT(*) FROM sla_measurements"
            " JOIN sla_definitions d ON d.id = sla_id WHERE key = ? AND slot > ? AND slot <= ?",
            (key, begin, end),
        ).fetchall()
    [(good, total, slots)] = rows
    assert slots == (end - begin) // SLOT
    return good, total


def read(stack: Stack, begin: int, end: int) -> Iterator[Scrape]:
    """The scrapes of the demo-app between two moments, from the samples of Prometheus."""
    names = f"up|process_start_time_seconds|{DATABASE}|{REQUESTS}"
    query = f'{{__name__=~"{names}",job="demo-app"}}[{end - begin}s]'
    parameters: dict[str, str | int] = {"query": query, "time": end}
    answer = stack.client.get(f"{stack.prometheus}/api/v1/query", params=parameters, timeout=patience(30))
    found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
    target = Target("demo-app", "")
    shown: dict[int, list[tuple[Metric, float]]] = {}
    answered: dict[int, bool] = {}
    for series in found:
        labels = series["metric"]
        name = labels.pop("__name__")
        own = tuple(sorted((key, value) for key, value in labels.items() if key not in ("job", "instance")))
        metric = counter(name, *own) if name == REQUESTS else gauge(name, *own)
        for at, value in series["values"]:
            moment = round(at * 1000)
            if name == "up":
                answered[moment] = value == "1"
            else:
                kept = PROCESS_START if name == PROCESS_START.name else metric
                shown.setdefault(moment, []).append((kept, float(value)))
    for at in sorted(answered):
        process = Process(target, 0, 0) if answered[at] else None
        yield Scrape(at, target, int(answered[at]), process, tuple(shown.get(at, ())))


def test_afterwards_nothing_of_it_is_left(copy: Path, told: str) -> None:
    assert told
    typed(copy, "make demo-clean")
    left = {path.name for path in (copy / ".run").rglob("*") if "demo" in path.name}
    assert not left
    poll(lambda: not list((copy / ".run" / "local").glob("*demo*")), "no data", seconds=5)
    assert (copy / ".run/local/insa/data/sla-data/sla.db").read_bytes() == b"the user's ledger"
    assert (copy / ".env").exists()
