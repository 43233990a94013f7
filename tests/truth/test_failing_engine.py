"""An engine that fails in every way: nothing wrong is written meanwhile, and in the end nothing lacks."""

from __future__ import annotations

import itertools
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from simulation import MetricGroup, World
from sla_worker.calculator import Calculator
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.errors import PrometheusError
from sla_worker.grid import Grid
from sla_worker.model import Measurement
from sla_worker.prometheus import HTTPTransport, PrometheusClient
from sla_worker.settings import read_settings
from truth.comparison import differences, stored_rows
from truth.forms import read_forms
from truth.places import Place
from truth.world_counts import Truth, count
from unit.sla_worker.engines import VICTORIA_METRICS, engines, serving_world
from waiting import patience

FILE = Path(__file__).parents[1] / "unit" / "sla_worker" / "definitions" / "three.yml"
WORLD = World(
    21, 1_760_475_600 + 7 * 3600, 6 * 3600, 60, agents=("crm",), groups=(MetricGroup.REQUESTS,), harshness=12
)
SUCCESS = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": []}}).encode()
SHORT, SLOW, RESET = "half a reply", "slow", "reset"
REPLIES = {
    SHORT: (200, SUCCESS),
    "half of the JSON": (200, SUCCESS[: len(SUCCESS) // 2]),
    "garbage": (200, b"<html>\xff\xfe welcome</html>"),
    "empty": (200, b""),
    "500": (500, b'{"status":"error","error":"boom"}'),
    "500 that says success": (500, SUCCESS),
    "503 of a proxy": (503, b"upstream gone"),
    "too many samples": (422, b'{"status":"error","error":"query processing would load too many samples"}'),
    "429": (429, b"slow down"),
    "redirect": (302, SUCCESS),
    "a scalar": (200, b'{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}'),
}
FAILURES = (RESET, SLOW, *REPLIES)


class Broken:
    """What the proxy does with the requests to come: one failure, or none."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.failure: str | None = None
        self._now = 0.0

    def monotonic(self) -> float:
        """A clock by which a slow answer takes for ever, and every other one no time."""
        self._now += 1000 if self.failure == SLOW else 0
        return self._now


class _Handler(BaseHTTPRequestHandler):
    broken: Broken

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        broken = self.broken
        if broken.failure is not None:
            self._fail(broken.failure)
            return
        reply = httpx.request(
            self.command, broken.url + self.path, content=body,
            headers={"Content-Type": "application/x-www-form-urlencoded"}, trust_env=False,
            timeout=patience(5),
        )  # fmt: skip
        self._send(reply.status_code, reply.content)

    def _fail(self, failure: str) -> None:
        self.close_connection = True
        if failure == RESET:
            at_once = b"\1\0\0\0\0\0\0\0"
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        elif failure == SLOW:
            self._trickle()
        else:
            status, body = REPLIES[failure]
            self._send(status, body, length=len(body) * 2 if failure == SHORT else len(body))

    def _trickle(self) -> None:
        """A byte every now and then, until the client has had enough."""
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        gone = threading.Event()
        try:
            while not gone.wait(0.05):
                self.wfile.write(b" ")
        except OSError:
            self.close_connection = True

    def _send(self, status: int, body: bytes, *, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def proxy(url: str) -> Iterator[tuple[str, Broken]]:
    broken = Broken(url)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"broken": broken}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", broken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return count(WORLD, read_forms(FILE), 300, tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize(
    ("engine", "kind"),
    [(engines()[0], "sqlite"), (VICTORIA_METRICS, "postgresql")],
    ids=["sqlite", "postgresql"],
)
def test_no_failure_of_the_engine_writes_a_wrong_row(
    engine: str, kind: str, truth: Truth, place_of: Callable[[str], Place], tmp_path: Path
) -> None:
    """A slot becomes due, a pass meets one failure or more, the next meets none; 71 slots in all."""
    slots, grid = truth.slots, Grid(300, 60)
    now, later = slots[0] + grid.settle_seconds, 0.0
    definitions = read_definitions(FILE)
    ledger = place_of(kind)
    database = SLADatabase(ledger, grid=grid, clock=lambda: slots[0])
    database.sync_definitions(definitions)
    chance, rows, met = random.Random(3), list[Measurement](), dict[str, str]()  # noqa: S311
    with serving_world(engine, truth.openmetrics, tmp_path / "engine") as real, proxy(real) as (url, broken):
        settings = read_settings({"PROMETHEUS_URL": url}).prometheus
        client = PrometheusClient(HTTPTransport(settings, monotonic=broken.monotonic))
        calculator = Calculator(
            definitions,
            client,
            database,
            grid,
            catch_up_seconds=86_400,
            clock=lambda: now,
            monotonic=lambda: later,
            stored=lambda stored, _: rows.extend(stored),
        )
        for slot, failure in zip(slots, itertools.cycle(FAILURES), strict=False):
            now = slot + grid.settle_seconds
            broken.failure, before = failure, len(rows)
            try:
                calculator.run_pass()
            except PrometheusError as error:
                met[failure] = str(error)
            assert len(rows) == before, (failure, rows[before:])
            if chance.random() < 0.5:
                broken.failure = None
                calculator.run_pass()
        broken.failure = None
        later = 3600.0  # what was refused is asked for again after half an hour
        for _ in range(3):
            calculator.run_pass()
        assert not any(calculator.missing().values())
    database.close()
    assert not differences(truth, stored_rows(ledger))
    assert set(met) == set(FAILURES)
    for failure, line in met.items():
        assert "\n" not in line, (failure, line)
        assert "Prometheus" in line
