"""PostgreSQL stopped, hung or a standby while a whole worker runs: said, and nothing is lost or wrong."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from postgresql import Server, running_postgresql
from sla_worker.database import SLADatabase
from sla_worker.errors import DatabaseError
from unit.sla_worker.databases import PostgreSQLPlace
from unit.sla_worker.disturbed import contents, errors, health, turn, undisturbed_in, worker
from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.setting import Setting
from unit.sla_worker.swallowing import Way
from waiting import patience, poll

NUMBERS = itertools.count(1)
SECONDS = 0.4  # for which an answer is waited for, of 67


class Start(Protocol):
    def __call__(self, port: int = ...) -> Setting: ...


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of its own: it is stopped."""
    with running_postgresql() as server:
        yield server


@pytest.fixture
def place(server: Server) -> PostgreSQLPlace:
    return PostgreSQLPlace(server, f"ledger_{next(NUMBERS)}")


@pytest.fixture
def started(place: PostgreSQLPlace, tmp_path: Path) -> Iterator[Start]:
    """Starts a worker with its ledger there, reached by a port; it is ended when the test is."""
    with contextlib.ExitStack() as ended:

        def start(port: int = place.server.port) -> Setting:
            url = place.location.replace(f":{place.server.port}/", f":{port}/")
            setting = worker(tmp_path, SLA_DATABASE_URL=url)
            ended.callback(setting.close)
            return setting

        yield start


def test_a_server_that_is_stopped_or_a_standby_costs_nothing_but_time(
    place: PostgreSQLPlace,
    started: Start,
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


def test_a_server_that_does_not_answer_keeps_nobody_waiting(place: PostgreSQLPlace, started: Start) -> None:
    setting = started()
    engine = setting.service.database._engine
    usual = engine.wait_seconds
    turn(setting, 0)
    [(backend,)] = place.query("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'sla_worker%'")
    engine.wait_seconds = 0.3  # of 15, for as long as nothing answers
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
        engine.wait_seconds = usual
        os.kill(backend, signal.SIGCONT)
    worker_thread.join(patience(10))
    with contextlib.suppress(DatabaseError):
        setting.step()
    assert health(setting) is None
    assert setting.service.database.newest_slot() == SLOT + 300


def session(setting: Setting) -> Any:
    """The connection of a worker."""
    return setting.service.database._engine._dialect._connection  # type: ignore[attr-defined]


def test_a_server_that_hangs_for_good_is_given_up_and_taken_back(
    place: PostgreSQLPlace, started: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its process may still write what it was given, so nothing is stored before it has ended."""
    setting = started()
    shown = setting.service.database.place
    turn(setting, 0)
    turn(setting, 300)
    process = session(setting).info.backend_pid
    session(setting).limit_seconds = SECONDS
    os.kill(process, signal.SIGSTOP)
    try:
        turn(setting, 600)
        lost = (
            f"{shown}: the connection was lost (no answer within 0.4 s); nothing is stored until it is back"
        )
        assert health(setting) == lost
        turn(setting, 615)
        held = (
            f"{shown}: nothing is stored: the server does not end this worker's former session (its process"
            f" {process} hangs), which may still write; end it there, or restart the server"
        )
        assert errors(caplog) == [f"step failed error={lost}", f"step failed error={held}"]
        assert health(setting) == held
        status, body = setting.ask("/")
        assert status == "503 Service Unavailable"
        assert f"(its process {process} hangs)" in body
        assert place.query("SELECT MAX(slot) FROM sla_measurements") == [(SLOT + 300,)]
    finally:
        os.kill(process, signal.SIGCONT)
    for slot in (2, 3, 4, 5):
        turn(setting, slot * 300 + 30)
    assert health(setting) is None
    assert contents(setting, place.query) == undisturbed_in(tmp_path / "undisturbed")


@pytest.mark.parametrize("moment", ["between passes", "in a transaction"])
def test_a_network_that_swallows_everything_is_given_up_and_its_session_ended(
    place: PostgreSQLPlace, started: Start, tmp_path: Path, moment: str
) -> None:
    """The server knows nothing of it, and would keep the lock for the session for as long as TCP waits."""
    with Way(place.server.port).open() as way:
        setting = started(way.port)
        turn(setting, 0)
        turn(setting, 300)
        session(setting).limit_seconds = SECONDS
        if moment == "between passes":
            way.cut()
        else:
            cut_at_many(setting, way)
        turn(setting, 600)
        assert "(no answer within 0.4 s)" in str(health(setting))
        for slot in (2, 3, 4, 5):
            turn(setting, slot * 300 + 30)
        assert health(setting) is None
        assert contents(setting, place.query) == undisturbed_in(tmp_path / "undisturbed")


def cut_at_many(setting: Setting, way: Way) -> None:
    """Cut it when the next rows are on their way, all in one round trip."""
    dialect = setting.service.database._engine._dialect
    send = dialect.executemany

    def executemany(*arguments: Any) -> None:
        way.cut()
        dialect.executemany = send  # type: ignore[method-assign]
        send(*arguments)

    dialect.executemany = executemany  # type: ignore[method-assign]


def test_a_statement_has_a_limit_that_the_url_can_move(place: PostgreSQLPlace) -> None:
    """The server ends it after 60 s, and is given up 1 s and a tenth later; a URL's limit holds likewise."""
    with contextlib.closing(SLADatabase(place.location)) as database:
        asked = database._engine._dialect.rows("SHOW statement_timeout", ())
        assert asked == [{"statement_timeout": "1min"}]
        assert database._engine._dialect._connection.limit_seconds == pytest.approx(67)  # type: ignore[attr-defined]
    with contextlib.closing(SLADatabase(f"{place.location}%20-cstatement_timeout%3D200")) as database:
        assert database._engine._dialect._connection.limit_seconds == pytest.approx(1.22)  # type: ignore[attr-defined]
        with pytest.raises(DatabaseError, match=r"its statement_timeout$"):
            database._engine.rows("SELECT pg_sleep(100)")
        assert database.trouble() is not None
        assert database._engine.rows("SELECT 1 AS one") == [{"one": 1}]
        assert database.trouble() is None
