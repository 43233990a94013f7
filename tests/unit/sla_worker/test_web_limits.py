"""What the web side bears: large groups of alerts, odd characters, idle connections, odd runbooks."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from unit.sla_worker.setting import Setting
from unit.sla_worker.web_client import Client, served
from waiting import patience, poll


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(setting: Setting) -> Iterator[Client]:
    with served(setting.service.application) as client:
        yield client


def call(count: int, text: str = "", truncated: int = 0) -> bytes:
    """A call of Alertmanager with so many alerts; `text` stands in each description."""
    alerts = [
        {
            "status": "firing", "labels": {"alertname": "TargetDown", "instance": f"host-{number}"},
            "annotations": {"description": text}, "startsAt": "2026-01-01T00:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z", "fingerprint": str(number),
        }
        for number in range(count)
    ]  # fmt: skip
    body: dict[str, Any] = {"version": "4", "receiver": "r", "alerts": alerts, "truncatedAlerts": truncated}
    return json.dumps(body).encode()


def metric(client: Client, name: str) -> float:
    lines = client.ask("GET", "/metrics").body.decode().splitlines()
    [line] = [each for each in lines if each.startswith(f"{name} ")]
    return float(line.split()[1])


def test_a_group_of_a_thousand_alerts_is_taken(client: Client) -> None:
    """Each as long as the longest of this bundle, some 3 KB: more than the 1 MiB of before."""
    body = call(1000, "x" * 3000)
    assert len(body) > 3_000_000
    answer = client.post_alerts(body)
    assert (answer.status, json.loads(answer.body)) == (200, {"stored": 1000})


def test_what_alertmanager_left_out_is_counted(client: Client) -> None:
    assert client.post_alerts(call(2, truncated=40)).status == 200
    assert client.post_alerts(call(1, truncated=2)).status == 200
    assert metric(client, "sla_webhook_alerts_truncated_total") == 42


@pytest.mark.parametrize("truncated", ["1", -1, 1.5, [1], 10**400])
def test_an_odd_count_of_those_left_out_is_refused(client: Client, truncated: object) -> None:
    answer = client.post_alerts(json.dumps({"alerts": [], "truncatedAlerts": truncated}).encode())
    assert answer.status == 400
    assert "must be a whole number" in answer.error


def test_half_a_surrogate_pair_is_replaced_and_the_window_stays_readable(client: Client) -> None:
    r"""JSON can say `\ud800`, and no UTF-8 can hold it: it becomes U+FFFD, and a whole pair stays."""
    alert = (
        rb'{"status":"firing","labels":{"alertname":"A","odd\udc00":"x\ud800y"},'
        rb'"annotations":{"smile":"\ud83d\ude00"},"fingerprint":"\ud800"}'
    )
    assert client.post_alerts(b'{"receiver":"\\udfff","alerts":[' + alert + b"]}").status == 200
    [stored] = json.loads(client.ask("GET", "/api/alerts").body)["alerts"]
    assert stored["labels"] == {"alertname": "A", "odd\ufffd": "x\ufffdy"}
    assert stored["annotations"] == {"smile": "\U0001f600"}
    assert (stored["receiver"], stored["fingerprint"]) == ("\ufffd", "\ufffd")


@pytest.mark.parametrize("body", [b'{"alerts": [{"status": ["firing"]}]}', b'{"alerts": [null]}', b"\xff"])
def test_what_is_no_webhook_is_one_clear_line(client: Client, body: bytes) -> None:
    answer = client.post_alerts(body)
    assert answer.status == 400
    assert answer.error.count("\n") == 0


@pytest.mark.parametrize("idle", [100, 700])
def test_idle_connections_block_neither_page_nor_webhook_nor_health(client: Client, idle: int) -> None:
    """100 were enough to block all; 700 are more than the server keeps at a time."""
    with ExitStack() as held:
        for _ in range(idle):
            address = ("127.0.0.1", client.port)
            held.enter_context(socket.create_connection(address, timeout=patience(10)))
        assert client.ask("GET", "/healthz").status == 200
        assert client.ask("GET", "/").status == 200
        assert client.post_alerts(call(1)).status == 200


def test_of_idle_connections_the_longest_idle_are_closed(client: Client) -> None:
    """51 idle ones beside the asking one: the first of them has to go, the others stay."""
    with ExitStack() as held:
        connections = []
        for _ in range(51):
            made = socket.create_connection(("127.0.0.1", client.port), timeout=patience(10))
            connections.append(held.enter_context(made))
        assert client.ask("GET", "/healthz").status == 200
        poll(lambda: connections[0].recv(1) == b"", "the longest idle connection to be closed")
        connections[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connections[-1].recv(12) == b"HTTP/1.1 200"


def test_a_runbook_that_is_a_directory_is_not_there(setting: Setting, tmp_path: Path) -> None:
    (tmp_path / "runbooks" / "WorkerUnhealthy.md").mkdir(parents=True)
    (tmp_path / "runbooks" / "TargetDown.md").write_text("\ufeff# Meaning\n", encoding="utf-8")
    assert setting.ask("/runbooks/WorkerUnhealthy")[0] == "404 Not Found"
    assert "WorkerUnhealthy" not in setting.ask("/runbooks/")[1]
    assert "<h1>Meaning</h1>" in setting.ask("/runbooks/TargetDown")[1]


def test_an_unforeseen_error_is_500_and_its_trace_stays_in_the_log(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    setting.service.application._app._parts = None  # type: ignore[attr-defined,assignment]
    status, body = setting.ask("/healthz")
    assert status == "500 Internal Server Error"
    assert json.loads(body) == {"error": "an error of the sla-worker; its log has the details"}
    assert "Traceback" in caplog.text


def test_health_is_answered_while_pages_wait_for_a_database_that_hangs(
    setting: Setting, client: Client
) -> None:
    """The server has four threads; three of them wait for the database, the others are told to come again."""
    asked = 5
    begun, done = threading.Event(), threading.Event()

    def hang() -> None:
        with setting.service.database._engine.transaction():
            begun.set()
            done.wait(patience(30))

    with ThreadPoolExecutor(asked + 1) as threads:
        writer = threads.submit(hang)
        assert begun.wait(patience(10))
        pages = [threads.submit(client.ask, "GET", "/") for _ in range(asked)]
        poll(lambda: sum(each.done() for each in pages), "the two that are refused", until=lambda n: n == 2)
        assert client.ask("GET", "/healthz").status == 200
        done.set()
        writer.result()
        assert sorted(each.result().status for each in pages) == [200, 200, 200, 503, 503]
