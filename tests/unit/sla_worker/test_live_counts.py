"""A running engine scrapes a program that counts; the worker's slots are what the program counted."""

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
from sla_worker.grid import Grid
from sla_worker.model import Comparison, Definition, Measurement
from sla_worker.sli.value import ValueSli
from unit.sla_worker.engines import engines, scraping
from unit.sla_worker.fake_prometheus import DEFINITIONS
from waiting import poll, wait_for

GRID = Grid(5, 1)
SLOTS = 2
REQUESTS = "insa_agent_requests_total"
LAST = Definition(
    key="last", name="last", category="business", description="The newest sample of a slot.",
    comparison=Comparison.AT_LEAST, target=0, unit="requests", severity="low",
    sli=ValueSli(f"sum(last_over_time({REQUESTS}[$slot]))", 0.9),
)  # fmt: skip


class Counters(BaseHTTPRequestHandler):
    """Counters that follow the clock: 20 requests a second, each tenth one an error."""

    begun = 0.0

    def do_GET(self) -> None:
        count = int((time.time() - Counters.begun) * 20)
        errors = count // 10
        duration = "insa_agent_request_duration_seconds"
        body = (
            f'{REQUESTS}{{agent="crm",status="success"}} {count - errors}\n'
            f'{REQUESTS}{{agent="crm",status="error"}} {errors}\n'
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


@pytest.mark.parametrize("engine", engines())
def test_slots_are_what_the_raw_samples_say_and_fit_together(engine: str, tmp_path: Path) -> None:
    config = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n  - job_name: demo-app\n"
    with (
        exporter() as port,
        scraping(
            engine, config + f'    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]\n', tmp_path
        ) as client,
    ):
        poll(lambda: client.query(REQUESTS, time.time()).series, "a scrape", seconds=30)
        first = GRID.slot_of(time.time() + GRID.slot_seconds)  # it begins after that scrape
        last = first + (SLOTS - 1) * GRID.slot_seconds
        definitions = (*DEFINITIONS, LAST)
        database = SLADatabase(tmp_path / "sla.db", grid=GRID, clock=lambda: first)
        database.sync_definitions(definitions)
        calculator = Calculator(definitions, client, database, GRID, catch_up_seconds=600, clock=time.time)
        rows: list[Measurement] = []

        def newest() -> int:
            if GRID.newest_slot(time.time()) >= first:
                rows.extend(calculator.run_pass().measurements)
            return max((row.slot for row in rows), default=0)

        wait_for(last, newest, "the last slot to be stored", seconds=60)
        database.close()

        def counted(status: str, end: int) -> float:
            samples = client.query(f'{REQUESTS}{{status=~"{status}"}}[1m]', end).series
            return sum(each.values[-1] for each in samples)

        for slot in range(first, last + 1, GRID.slot_seconds):
            total, errors = (
                counted(status, slot) - counted(status, slot - GRID.slot_seconds)
                for status in (".+", "error")
            )
            found = {row.key: row for row in rows if row.slot == slot}
            assert (found["api-error-rate"].good, found["api-error-rate"].total) == (total - errors, total)
            latency = found["api-response-time-p95"]
            assert (latency.good, latency.total) == (total - errors, total)
            assert found["platform-uptime"].coverage == 1
            # Not that of half a minute before, which VictoriaMetrics thinks is safer.
            assert found["last"].actual == counted(".+", slot)
            assert total > 0
