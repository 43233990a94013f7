"""A running Prometheus scrapes and evaluates the generated rules; the worker reads what they recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from sla_worker.calculator import Calculator
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.errors import ScrapeIntervalError
from sla_worker.grid import Grid
from sla_worker.model import PassResult
from sla_worker.prometheus import PrometheusClient
from sla_worker.rules.file import rules_text
from sla_worker.rules.recording import recording_rules
from unit.sla_worker.prometheus_server import binary, directories, running
from waiting import poll, wait_for

GRID = Grid(10, 1)
DEFINITIONS = read_definitions(Path(__file__).parents[3] / "sla-worker" / "sla_thresholds.yml")


def configuration(rules: Path | None, port: int, interval: int) -> str:
    every = f"{interval}s"
    intervals = f"scrape_interval: {every}, scrape_timeout: {every}, evaluation_interval: {every}"
    return f"""\
global: {{{intervals}}}
rule_files: [{rules or ""}]
scrape_configs:
  - job_name: demo-app
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Counters(BaseHTTPRequestHandler):
    """Counters that follow the clock: 20 requests a second, each tenth one an error."""

    begun = 0.0

    def do_GET(self) -> None:
        count = int((time.time() - Counters.begun) * 20)
        errors = count // 10
        duration = "insa_agent_request_duration_seconds"
        body = (
            f'insa_agent_requests_total{{agent="crm",status="success"}} {count - errors}\n'
            f'insa_agent_requests_total{{agent="crm",status="error"}} {errors}\n'
            f"# TYPE {duration} histogram\n"
            f'{duration}_bucket{{le="5.0"}} {count - errors}\n{duration}_bucket{{le="+Inf"}} {count}\n'
            f"{duration}_sum {count}\n{duration}_count {count}\n"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def exporter() -> Iterator[int]:
    Counters.begun = time.time()
    server = HTTPServer(("127.0.0.1", 0), Counters)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def raw_counts(client: PrometheusClient, start: int, end: int, status: str) -> tuple[float, list[float]]:
    """What the raw samples say was added in (start, end]: the last sample of each side, subtracted."""
    selector = f'insa_agent_requests_total{{status=~"{status}"}}'
    last = [0.0, 0.0]
    for series in client.query(f"{selector}[1m]", end).series:
        for side, limit in enumerate((start, end)):
            last[side] += [value for at, value in series.samples if at <= limit][-1]
    return last[1] - last[0], last


@pytest.mark.parametrize("directory", directories())
@pytest.mark.parametrize(
    ("grid", "made_for", "queries"),
    [
        (GRID, GRID, [1, 1]),  # the second slot shows that neighbours fit together
        (Grid(20, 2), Grid(20, 2), [1]),
        (GRID, Grid(20, 1), [2]),  # the rules record twice the length: they are not used
    ],
)
def test_stored_figures_are_exact_whatever_the_rules_record(
    directory: str, grid: Grid, made_for: Grid, queries: list[int], tmp_path: Path
) -> None:
    binary(directory, "prometheus")
    rules = tmp_path / "rules.yml"
    rules.write_text(rules_text(recording_rules(DEFINITIONS, made_for), made_for, "a test"))
    length = grid.slot_seconds
    with (
        exporter() as port,
        running(directory, tmp_path / "data", configuration(rules, port, grid.scrape_seconds)) as client,
    ):
        requests = "insa_agent_requests_total"
        poll(lambda: client.query(requests, time.time()).series, "a scrape", seconds=30)
        first = grid.slot_of(time.time() + length)  # it begins after that scrape
        database = SLADatabase(tmp_path / "sla.db", grid=grid, clock=lambda: first)
        database.sync_definitions(DEFINITIONS)
        calculator = Calculator(DEFINITIONS, client, database, grid, catch_up_seconds=600, clock=time.time)
        results: list[PassResult] = []

        def passes() -> int:
            newest = grid.newest_slot(time.time())
            if newest >= first and len(results) < (newest - first) // length + 1:
                results.append(calculator.run_pass())
            return len(results)

        wait_for(len(queries), passes, "the slots to be final", seconds=90)
        database.close()
        rows = {(row.key, row.slot): row for result in results for row in result.measurements}
        for slot in range(first, first + length * len(queries), length):
            total, _ = raw_counts(client, slot - length, slot, ".+")
            errors, _ = raw_counts(client, slot - length, slot, "error")
            row = rows["api-error-rate", slot]
            assert (row.good, row.total) == (total - errors, total)
            latency = rows["api-response-time-p95", slot]
            assert (latency.good, latency.total) == (total - errors, total)
            assert rows["platform-uptime", slot].good == rows["platform-uptime", slot].total == 10
            assert row.coverage == 1
    assert [result.queries for result in results] == queries


@pytest.mark.parametrize("directory", directories())
def test_a_scrape_interval_that_is_not_the_grids_is_refused(directory: str, tmp_path: Path) -> None:
    """The server scrapes every 2 s, the worker counts on 1 s: half the scrapes would seem to be missing."""
    binary(directory, "prometheus")
    with exporter() as port, running(directory, tmp_path / "data", configuration(None, port, 2)) as client:
        poll(lambda: client.query("insa_agent_requests_total", time.time()).series, "a scrape", seconds=30)
        now = time.time()
        database = SLADatabase(tmp_path / "sla.db", grid=GRID, clock=lambda: now)
        database.sync_definitions(DEFINITIONS)
        # One slot on, so that the slot that holds the first scrape is final.
        then = GRID.slot_of(now) + GRID.settle_seconds
        poll(lambda: time.time() >= then, "the slot to be final", seconds=30)
        calculator = Calculator(DEFINITIONS, client, database, GRID, catch_up_seconds=0, clock=time.time)
        with pytest.raises(
            ScrapeIntervalError, match="reads the job demo-app, which Prometheus scrapes every 2 s"
        ):
            calculator.run_pass()
        assert database.counts()["measurements"] == 0
        database.close()
