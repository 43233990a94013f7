"""PostgreSQL stopped, hung or a standby while a whole worker runs: said, and nothing is lost or wrong."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from postgresql import Server, running_postgresql
from sla_worker.errors import DatabaseError
from unit.sla_worker.databases import PostgreSQLPlace
from unit.sla_worker.disturbed import contents, errors, health, turn, undisturbed_in, worker
from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.setting import Setting
from waiting import patience, poll

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of its own: it is stopped."""
    with running_postgresql() as server:
        yield server


@pytest.fixture
def place(server: Server) -> PostgreSQLPlace:
    return PostgreSQLPlace(server, f"ledger_{next(NUMBERS)}")


@pytest.fixture
def started(place: PostgreSQLPlace, tmp_path: Path) -> Iterator[Callable[[], Setting]]:
    """Starts a worker with its ledger there; it is ended when the test is."""
    with contextlib.ExitStack() as ended:

        def start() -> Setting:
            setting = worker(tmp_path, SLA_DATABASE_URL=place.location)
            ended.callback(setting.close)
            return setting

        yield start


def test_a_server_that_is_stopped_or_a_standby_costs_nothing_but_time(
    place: PostgreSQLPlace,
    started: Callable[[], Setting],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server, signal_file = place.server, place.server.data / "standby.signal"
    setting = started()
    shown = setting.service.database.place
    turn(setting, 0)
    turn(setting, 300)

    server.stop()
    turn(setting, 600)
    lost = health(setting)
    assert lost is not None
    assert lost.startswith(f"{shown}: the connection was lost (")
    assert lost.endswith("; nothing is stored until it is back")
    turn(setting, 615)
    assert errors(caplog) == [f"step failed error={lost}"]
    assert setting.ask("/")[0] == "503 Service Unavailable"

    # What is promoted too late, or not at all: a standby answers, and lets nobody write.
    signal_file.touch()
    server.start()
    caplog.clear()
    turn(setting, 630)
    reason = health(setting)
    assert reason is not None
    assert "read-only transaction" in reason
    assert reason.endswith("the server is a standby or set to read-only: give the URL of the primary")
    turn(setting, 645)
    with pytest.raises(DatabaseError, match="give the URL of the primary"):
        started()

    server.stop()
    signal_file.unlink()
    server.start()
    turn(setting, 660)
    poll(
        lambda: health(setting) is None or turn(setting, 660),
        "the primary",
        until=lambda found: found is True,
    )
    for slot in (3, 4, 5):
        turn(setting, slot * 300)
    assert health(setting) is None
    assert contents(setting, place.query) == undisturbed_in(tmp_path / "undisturbed")


def test_a_server_that_does_not_answer_keeps_nobody_waiting(
    place: PostgreSQLPlace, started: Callable[[], Setting]
) -> None:
    setting = started()
    engine = setting.service.database._engine
    engine.wait_seconds = 0.3  # of 15
    turn(setting, 0)
    [(backend,)] = place.query("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'sla_worker%'")
    os.kill(backend, signal.SIGSTOP)
    try:
        worker_thread = threading.Thread(target=turn, args=(setting, 300))
        worker_thread.start()
        line = poll(setting.service.database.trouble, "that the database does not answer")
        assert line == (
            f"{setting.service.database.place}: does not answer; see whether its server or disk hangs"
        )
        assert health(setting) == line
        status, body = setting.ask("/")
        assert status == "503 Service Unavailable"
        assert line in body
    finally:
        os.kill(backend, signal.SIGCONT)
    worker_thread.join(patience(10))
    with contextlib.suppress(DatabaseError):
        setting.step()
    assert health(setting) is None
    assert setting.service.database.newest_slot() == SLOT + 300
