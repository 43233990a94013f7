"""Two workers on one PostgreSQL: one leads, the other shows the same, takes alerts and takes over."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from logged import lines
from sla_worker import serving
from sla_worker.errors import DatabaseError, DatabaseLockedError
from sla_worker.service import Service, ledger_name
from sla_worker.settings import read_settings
from sla_worker.standby import Blind, Standby
from sla_worker.web.front import Front
from unit.sla_worker.databases import PostgreSQLPlace
from unit.sla_worker.fake_prometheus import GOOD, SLOT
from unit.sla_worker.setting import Mailbox, Setting, ask
from waiting import patience, poll

SILENT = 0.3


@pytest.fixture
def leader(schema: PostgreSQLPlace, tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path, SLA_DATABASE_URL=schema.location, SLA_WATCHDOG_SECONDS="600")
    yield made
    made.close()


@pytest.fixture
def second(leader: Setting) -> Iterator[Standby]:
    made = stand_by(leader)
    assert not made.turn()
    yield made
    made.close()


def stand_by(leader: Setting, silent_seconds: float = 30) -> Standby:
    return Standby(
        read_settings(leader.environ), clock=lambda: leader.now, silent_seconds=patience(silent_seconds)
    )


def alert(name: str = "Watchdog") -> bytes:
    labels = {"alertname": name}
    one = {"status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-03-01T00:00:00Z"}
    return json.dumps({"version": "4", "receiver": "r", "alerts": [{**one, "fingerprint": name}]}).encode()


def post(worker: Setting | Standby, body: bytes) -> tuple[str, str]:
    application = worker.application if isinstance(worker, Standby) else worker.service.application
    return ask(application, "/webhook/alertmanager", "POST", body)


_END = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'sla_worker%'"
    " AND pid {} (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
)


def end_session(schema: PostgreSQLPlace, *, writer: bool = True) -> None:
    """As the server's restart, or a network that breaks, ends the session of the one that writes."""
    schema.query(_END.format("IN" if writer else "NOT IN"))


FIGURES = (
    "/api/status",
    "/api/compliance?window=30d",
    "/api/breaches",
    "/api/measurements?sla=api-error-rate",
    "/api/explain?sla=api-error-rate",
    "/explain?sla=api-error-rate",
    "/api/v2/summary.json",
    "/feed.atom",
    "/badge/api-error-rate.json",
    "/api/reports",
)


def test_one_that_stands_by_shows_what_the_leader_shows(leader: Setting, second: Standby) -> None:
    leader.prometheus.values[GOOD] = 900.0
    for _ in range(2):
        leader.step()
        second.turn()
        for path in FIGURES:
            found = leader.ask(path)
            assert found[0] == "200 OK", (path, found)
            assert ask(second.application, path) == found
        leader.now += 300
    assert json.loads(ask(second.application, "/api/breaches")[1])["breaches"]
    page = ask(second.application, "/")[1]
    assert page.count("API Error Rate") == leader.ask("/")[1].count("API Error Rate")
    # 45 s after the first slot it was measured, then 300 s later the next.
    assert "measured up to 2023-11-14 22:20 UTC; this worker stands by, sla_worker on " in page
    assert ask(second.public, "/")[0] == "200 OK"


def test_both_are_healthy_and_say_who_leads(leader: Setting, second: Standby) -> None:
    leader.step()
    [named] = {leader.service.database.lead.writer}
    assert str(named).startswith("sla_worker on ")
    status, text = leader.ask("/healthz")
    assert (status, json.loads(text)) == ("200 OK", {"status": "ok", "role": "leader", "leader": named})
    status, text = ask(second.application, "/healthz")
    assert (status, json.loads(text)) == ("200 OK", {"status": "ok", "role": "standby", "leader": named})


def test_only_the_leader_exports_figures(leader: Setting, second: Standby) -> None:
    leader.step()
    assert "\nsla_worker_leader 1.0\n" in leader.ask("/metrics")[1]
    mine = ask(second.application, "/metrics")[1]
    assert [each for each in mine.splitlines() if each.startswith("sla_")] == ["sla_worker_leader 0.0"]
    assert "process_resident_memory_bytes" in mine


@pytest.mark.parametrize(
    "path", ["/api/maintain", "/api/correct", "/api/measure-again", "/api/credits/decide"]
)
def test_changes_are_for_the_leader(leader: Setting, second: Standby, path: str) -> None:
    wish = {"start": 0, "end": 1, "slas": [], "reason": "recompute", "action": "x"}
    body = json.dumps({"ledger": ledger_name(read_settings(leader.environ)), **wish}).encode()
    status, text = ask(second.application, path, "POST", body)
    line = f"this worker stands by: {leader.service.database.lead.writer} leads; give the command there"
    assert (status, json.loads(text)) == ("409 Conflict", {"error": line})


def test_alerts_may_come_to_either(leader: Setting, second: Standby) -> None:
    leader.step()
    assert post(second, alert("Second")) == ("200 OK", '{"stored": 1}\n')
    assert post(leader, alert("First")) == ("200 OK", '{"stored": 1}\n')
    leader.step()
    second.turn()
    names = [each["alertname"] for each in json.loads(leader.ask("/api/alerts")[1])["alerts"]]
    assert names == ["Second", "First"]
    assert ask(second.application, "/api/alerts") == leader.ask("/api/alerts")
    assert 'sla_webhook_alerts_total{status="firing"} 2.0' in leader.ask("/metrics")[1]


def test_what_comes_to_both_is_stored_once(leader: Setting, second: Standby) -> None:
    leader.step()
    for worker in (leader, second, second):
        post(worker, alert("Same"))
    leader.step()
    assert len(json.loads(leader.ask("/api/alerts")[1])["alerts"]) == 1
    assert 'sla_webhook_alerts_total{status="firing"} 1.0' in leader.ask("/metrics")[1]


def test_a_watchdog_that_came_to_the_other_one_proves_alerting(leader: Setting, second: Standby) -> None:
    """The limit is 600 s. The Watchdog comes to the one that stands by, every 300 s."""
    for _ in range(4):
        post(second, alert())
        leader.step()
        leader.now += 300
    assert leader.service.database.outages.active() is None
    leader.now += 301  # 601 s after the last one
    leader.step()
    assert leader.service.database.outages.active() is not None


def test_a_take_over_is_no_outage_of_alerting(leader: Setting, second: Standby, tmp_path: Path) -> None:
    post(leader, alert())
    leader.service.database.close()
    poll(second.turn, "that it is its turn")
    later = Setting(tmp_path, SLA_DATABASE_URL=leader.environ["SLA_DATABASE_URL"], SLA_WATCHDOG_SECONDS="600")
    later.close()
    later.now = leader.now = leader.now + 3600  # both were away for an hour
    later.start()
    later.service.worker.step()
    assert later.service.database.outages.active() is None
    later.now += 599
    later.service.worker.step()
    assert later.service.database.outages.active() is None
    later.now += 1
    later.service.worker.step()
    assert later.service.database.outages.active() is not None
    later.close()


def test_a_leader_that_ends_is_followed(leader: Setting, second: Standby) -> None:
    assert not second.turn()
    leader.service.database.close()
    poll(second.turn, "that it is its turn")


def test_one_whose_session_was_ended_while_another_led_goes_on_with_nothing(
    leader: Setting, schema: PostgreSQLPlace, tmp_path: Path
) -> None:
    """The other one led and ended meanwhile, so that the lock is free; but what is in memory is of before."""
    leader.step()
    end_session(schema)
    other = Setting(tmp_path, SLA_DATABASE_URL=schema.location)
    other.now = leader.now + 300
    other.step()
    other.close()
    leader.now += 600
    poll(lambda: leader.service.worker.step() or leader.service.deposed.is_set(), "that it is deposed")
    assert leader.service.stopping.is_set()
    rows = "SELECT COUNT(*), MAX(slot) FROM sla_measurements"
    assert schema.query(rows) == [(6, SLOT + 300)]  # 3 SLAs, the slots of the first and of the other one
    with pytest.raises(DatabaseError, match="has written to it meanwhile"):
        leader.service.database.lead.confirm()


def test_a_leader_that_is_cut_off_and_comes_back_first_goes_on(
    leader: Setting, schema: PostgreSQLPlace
) -> None:
    leader.step()
    end_session(schema)
    leader.now += 300
    poll(lambda: leader.step() or leader.service.database.newest_slot() == SLOT + 300, "the next slot")
    assert not leader.service.deposed.is_set()


def test_a_silent_leader_is_ended_on_the_server_and_stores_and_mails_no_more(
    leader: Setting, schema: PostgreSQLPlace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is paused when its mail is on the way: the mail server has been greeted, and has no mail yet."""
    leader.prometheus.values[GOOD] = 900.0
    leader.service.worker.step()
    second = stand_by(leader, SILENT)
    taken: list[Setting] = []

    def paused() -> None:
        poll(second.turn, "the end of the silent one's session")
        taken.append(Setting(tmp_path, SLA_DATABASE_URL=schema.location))
        confirm()

    mailer = leader.service.deliveries._sender
    confirm = mailer._confirm  # type: ignore[attr-defined]
    mailer._confirm = paused  # type: ignore[attr-defined]
    with Mailbox(leader.smtp_port) as mailbox:
        with pytest.raises(DatabaseError, match="the connection was lost"):
            leader.service.deliveries.round()
        assert mailbox.mails == []
        [other] = taken
        other.smtp_port = leader.smtp_port
        leader.service.worker.step()
        assert leader.service.deposed.is_set()
        with pytest.raises(DatabaseError):
            leader.service.deliveries.round()
        assert mailbox.mails == []
    assert any(
        each.startswith("the leader is silent, its session is ended") for each in lines(caplog, "sla_worker")
    )
    other.close()
    second.close()


def test_one_that_the_server_works_for_is_not_silent(leader: Setting) -> None:
    second = stand_by(leader, SILENT / 4)  # x 4: 0.3 s
    database = leader.service.database
    long = threading.Thread(target=lambda: database._engine.rows("SELECT pg_sleep(1.2)::text AS slept"))
    long.start()
    while long.is_alive():
        assert not second.turn()
        long.join(SILENT / 2)
    database.lead.confirm()
    assert not second.turn()
    second.close()


def test_a_restart_of_the_server_changes_nothing_for_one_that_stands_by(
    leader: Setting, second: Standby, schema: PostgreSQLPlace
) -> None:
    leader.step()
    end_session(schema, writer=False)
    poll(lambda: not second.turn() and ask(second.application, "/healthz")[0] == "200 OK", "its session")
    assert ask(second.application, "/api/status") == leader.ask("/api/status")


def test_where_the_ledger_is_older_it_stands_by_without_pages(
    leader: Setting, schema: PostgreSQLPlace
) -> None:
    """The leader is of an older version: the next one will change the tables."""
    schema.query("DELETE FROM schema_migrations WHERE version = (SELECT MAX(version) FROM schema_migrations)")
    with pytest.raises(DatabaseError) as reason:
        stand_by(leader)
    blind = Blind(DatabaseLockedError("x"))
    blind.cannot_read(reason.value)
    status, text = ask(blind.application, "/healthz")
    assert (status, json.loads(text)["role"]) == ("200 OK", "standby")
    assert ask(blind.application, "/")[0] == "503 Service Unavailable"
    assert ask(blind.application, "/webhook/alertmanager", "POST", alert())[0] == "503 Service Unavailable"
    assert ask(blind.application, "/metrics")[1].count("\nsla_worker_leader 0.0\n") == 1
    blind.cannot_read(DatabaseError("made by a newer version"))
    assert ask(blind.application, "/healthz")[0] == "503 Service Unavailable"


def test_figures_of_one_that_takes_over_come_a_scrape_later() -> None:
    """Until then the last ones of the former leader may be in Prometheus, and would be counted twice."""
    now = 100.0
    front = Front(monotonic=lambda: now)
    front.show(_says("standing by"))
    front.show(_says("leading"), metrics=_says("standing by"), seconds=15)
    assert (ask(front, "/metrics")[1], ask(front, "/healthz")[1]) == ("standing by", "leading")
    now = 115.0
    assert ask(front, "/metrics")[1] == "leading"


def _says(text: str) -> Callable[..., list[bytes]]:
    def application(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [])
        return [text.encode()]

    return application


# --- turns


@pytest.mark.usefixtures("leader")
def test_without_one_that_may_stand_by_another_worker_is_one_clear_error(
    schema: PostgreSQLPlace, tmp_path: Path
) -> None:
    turns = serving.Turns(
        lambda: Setting(tmp_path, SLA_DATABASE_URL=schema.location).service, None, stop=serving.Stop()
    )
    with pytest.raises(DatabaseLockedError, match="already writes to it; stop that one"):
        turns.run()


def test_it_takes_over_and_stands_by_again_when_it_is_cut_off(
    leader: Setting, schema: PostgreSQLPlace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    stop, led = serving.Stop(), list[Service]()

    def make() -> Service:
        return Setting(tmp_path, SLA_DATABASE_URL=schema.location).service

    turns = serving.Turns(
        make,
        lambda _error, waiting: waiting or stand_by(leader),
        stop=stop,
        shown=lambda service, _former: led.append(service),
        turn_seconds=0.02,
        beat_seconds=0.02,
    )
    thread = threading.Thread(target=turns.run)
    thread.start()
    try:
        poll(
            lambda: any("standing by" in each for each in lines(caplog, "sla_worker.standby")),
            "its standing by",
        )
        assert not led
        leader.service.database.close()
        poll(lambda: len(led) == 1 and led[0].worker._passed_slot, "that it leads and has measured")
        # The server is restarted, and the first one is there before it.
        held = threading.Event()
        look, led[0].database.look = led[0].database.look, lambda: held.wait(patience(10)) and look()  # type: ignore[method-assign]
        end_session(schema)
        leader.start()
        held.set()
        poll(led[0].deposed.is_set, "that it knows")
        leader.service.database.close()
        poll(lambda: len(led) == 2, "that it leads again")
    finally:
        stop.set()
        thread.join(patience(10))
    assert not thread.is_alive()
    assert lines(caplog, "sla_worker.serving")[:2] == [
        f"leading now ledger={led[0].database.place}",
        "another worker leads: this one neither writes nor mails any more",
    ]


def test_a_loop_that_hangs_is_not_heard_of(leader: Setting) -> None:
    heard: list[float] = []
    service = leader.service
    confirm = service.database.lead.confirm
    service.database.lead.confirm = lambda: heard.append(time.monotonic()) or confirm()  # type: ignore[method-assign]
    thread = threading.Thread(target=serving._beat, args=(service, 0.01))
    thread.start()
    poll(lambda: heard, "that it is heard of")
    service.worker.turned_at -= 301  # a slot has 300 s
    poll(lambda: time.monotonic() - heard[-1] > 0.3, "its silence")
    service.stopping.set()
    thread.join(patience(5))
