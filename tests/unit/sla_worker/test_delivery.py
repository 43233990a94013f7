"""The mails that are owed: each recipient gets each once, and nothing holds up the rest."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sla_worker.errors import MailServerError
from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.setting import Mailbox, Setting
from unit.sla_worker.smtp_server import Script, ScriptedServer, mail_server
from waiting import patience, poll

OWNER, ON_CALL = "owner@example.com", "on-call@example.com"
START = SLOT + 45  # the worker's start


def owe_reports(setting: Setting, *days: int) -> None:
    """Owe daily reports of these days of November 2023; each goes to the owner alone."""
    for day in days:
        setting.service.database.outbox.owe_report("daily", f"daily:2023-11-{day}", SLOT, int(setting.now))


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    """The first slot is stored, and nothing is owed; the Watchdog is missed after 600 s."""
    made = Setting(tmp_path, SLA_WATCHDOG_SECONDS="600")
    made.step()
    yield made
    made.close()


@contextlib.contextmanager
def talking_to(setting: Setting, script: Script) -> Iterator[ScriptedServer]:
    """The setting's worker, restarted with such a mail server."""
    with mail_server(script) as server:
        setting.close()
        setting.environ["SMTP_PORT"] = str(server.port)
        setting.start()
        yield server


def at(setting: Setting, seconds: float) -> None:
    """One turn of both loops so long after the start."""
    setting.now = float(START + seconds)
    setting.step()


def count(setting: Setting, kind: str, result: str) -> float:
    name = f'sla_notifications_total{{result="{result}",type="{kind}"}} '
    [line] = [each for each in setting.ask("/metrics")[1].splitlines() if each.startswith(name)]
    return float(line.split()[1])


def addressed(server: ScriptedServer) -> list[str]:
    return [each.partition("<")[2].rstrip(">") for each in server.commands if each.startswith("rcpt")]


def owed(setting: Setting) -> dict[str, int]:
    return setting.service.database.outbox.owed()


def test_a_recipient_who_is_refused_for_good_costs_the_others_nothing(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    with talking_to(setting, Script(recipients={ON_CALL: "550 no such user"})) as server:
        for seconds in (600, 601, 700, 5000):
            at(setting, seconds)
    assert addressed(server) == [OWNER, ON_CALL]
    assert len(server.bodies) == 1
    assert owed(setting) == {}
    assert [count(setting, "watchdog_outage", each) for each in ("success", "failure", "given_up")] == [
        1,
        0,
        1,
    ]
    line = f"gave up the watchdog_outage mail to {ON_CALL}: 550 no such user"
    assert line in setting.ask("/")[1]
    assert json.loads(setting.ask("/healthz")[1]) == {"status": "ok", "warnings": [line]}
    assert f"mail given up key=watchdog_outage:1 recipient={ON_CALL} error=550 no such user" in caplog.text


def test_a_recipient_who_is_refused_for_now_is_tried_again_alone(setting: Setting) -> None:
    with talking_to(setting, Script(recipients={ON_CALL: "451 later"})) as server:
        at(setting, 600)
        at(setting, 614)  # the first retry is due after 15 s
        assert addressed(server) == [OWNER, ON_CALL]
        assert owed(setting) == {"watchdog_outage": 1}
        assert "1 mail is not sent yet: on-call@example.com: 451 later" in setting.ask("/")[1]
        server.script.recipients = {}
        at(setting, 615)
        at(setting, 4000)
    assert addressed(server) == [OWNER, ON_CALL, ON_CALL]
    assert owed(setting) == {}
    assert "not sent yet" not in setting.ask("/")[1]


def test_a_server_that_hangs_up_on_one_recipient_takes_the_mails_of_the_others(setting: Setting) -> None:
    """421 and the end of the connection at RCPT: nobody got the outage's mail, nor what was owed after it."""
    with talking_to(setting, Script(recipients={ON_CALL: "421 too many errors"})) as server:
        at(setting, 600)
        owe_reports(setting, 14)
        assert server.bodies == []
        at(setting, 615)
        assert [b"no Watchdog" in each for each in server.bodies] == [True, False]
        assert addressed(server) == [OWNER, ON_CALL, OWNER, ON_CALL, OWNER]
        assert owed(setting) == {"watchdog_outage": 1}
        server.script.recipients = {}
        at(setting, 4000)
    assert addressed(server)[5:] == [ON_CALL]
    assert owed(setting) == {}


def test_a_mail_that_was_taken_is_not_sent_again_whatever_quit_is_answered(setting: Setting) -> None:
    with talking_to(setting, Script(quit="500 what?")) as server:
        for seconds in (600, 616, 700, 5000):
            at(setting, seconds)
    assert len(server.bodies) == 1


def test_a_mail_that_cannot_be_made_fails_alone_and_is_seen(setting: Setting, tmp_path: Path) -> None:
    """A kind that only a newer version knew stands for whatever a value may do."""
    setting.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "sla.db")) as rows, rows:
        rows.execute(
            "INSERT INTO sla_notifications (id, type, notification_key, period_end, created_at,"
            " next_attempt_at, attempts) VALUES (1, 'yearly', 'yearly:2023', 0, 0, 0, 0)"
        )
    setting.start()
    owe_reports(setting, 14)
    with Mailbox(setting.smtp_port) as mailbox:
        for seconds in (0, 1, 14, 15, 44):
            at(setting, seconds)
    assert [str(mail["Subject"])[:16] for mail in mailbox.mails] == ["Daily SLA report"]
    assert count(setting, "yearly", "failure") == 2  # at 0 and 15 s; the third would be at 45 s
    assert 'sla_notifications_owed{type="yearly"} 1.0' in setting.ask("/metrics")[1]
    assert owed(setting) == {"yearly": 1}


class Choosy:
    """A mail client that some messages make fail in ways that nobody expects."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, made: object, _recipients: object) -> dict[str, object]:
        key = str(made["Message-ID"])  # type: ignore[index]
        self.sent.append(key)
        if len(set(self.sent)) == 1:
            raise UnicodeEncodeError("ascii", "ü", 0, 1, "ordinal not in range")
        return {}


def test_a_mail_that_makes_the_client_fail_is_counted_and_the_next_one_leaves(tmp_path: Path) -> None:
    setting = Setting(tmp_path, sender=Choosy())
    owe_reports(setting, 14, 15)
    setting.step()
    setting.step()
    assert [count(setting, "daily", each) for each in ("success", "failure")] == [1, 1]
    assert owed(setting) == {"daily": 1}
    assert "1 mail is not sent yet: UnicodeEncodeError" in setting.ask("/healthz")[1]  # although others do
    setting.close()


class Refusing:
    """A mail server that cannot be used, for as long as it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def send(self, _made: object, _recipients: object) -> dict[str, object]:
        self.asked += 1
        raise MailServerError("the mail server refuses everything")


def test_a_mail_that_nobody_takes_for_five_days_is_given_up_counted_and_seen(tmp_path: Path) -> None:
    sender = Refusing()
    setting = Setting(tmp_path, sender=sender)
    setting.step()
    owe_reports(setting, 14)
    outbox, begun = setting.service.database.outbox, setting.now
    while sender.asked < 99:
        setting.now = max(
            setting.now + 15, outbox.next_due() or 0
        )  # after a failure it is left alone for 15 s
        setting.service.deliveries.round()
    # Tries come 0, 15, 45, 105, 225, 465, 945 s after the first, which is at 15 s, and then every 600 s.
    assert setting.now - begun == 15 + 945 + 92 * 600
    assert owed(setting) == {"daily": 1}
    setting.now = begun + 5 * 86_400
    setting.service.deliveries.round()
    assert owed(setting) == {}
    assert (count(setting, "daily", "failure"), count(setting, "daily", "given_up")) == (99, 1)
    assert (
        f"gave up the daily mail to {OWNER}: for days it was not taken: the mail server refuses everything"
    ) in setting.ask("/")[1]
    setting.close()


def forbid(database: Path, what: str) -> None:
    """From now on the database refuses such writes, as a full disk does."""
    with contextlib.closing(sqlite3.connect(database)) as other, other:
        other.execute(
            f"CREATE TRIGGER full BEFORE UPDATE OF {what} ON sla_deliveries"
            " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )


def allow(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database)) as other, other:
        other.execute("DROP TRIGGER full")


def turns(setting: Setting, *seconds: int) -> None:
    """Turns in which the outbox may refuse, as the thread of the mails takes it."""
    for each in seconds:
        setting.now = float(START + each)
        with contextlib.suppress(Exception):
            setting.service.deliveries.round()


def test_while_a_try_cannot_be_recorded_nothing_is_sent(setting: Setting, tmp_path: Path) -> None:
    owe_reports(setting, 14)
    with talking_to(setting, Script()) as server:
        forbid(tmp_path / "sla.db", "attempts")
        turns(setting, *range(1, 25))
        assert server.connections == 0
        allow(tmp_path / "sla.db")
        turns(setting, 25, 26, 100)
    assert len(server.bodies) == 1


def test_a_delivery_that_cannot_be_recorded_is_not_repeated(setting: Setting, tmp_path: Path) -> None:
    """The same mail left every second, 24 times in 25 s on a full disk."""
    owe_reports(setting, 14)
    with talking_to(setting, Script()) as server:
        forbid(tmp_path / "sla.db", "result")
        turns(setting, *range(1, 25), 60, 700)
        assert len(server.bodies) == 1
        allow(tmp_path / "sla.db")
        turns(setting, 1400, 3000)
    assert len(server.bodies) == 1
    assert owed(setting) == {}


def test_a_round_ends_at_the_first_connection_that_fails(setting: Setting) -> None:
    """Twelve owed mails at a hung server took 125 s of every round."""
    owe_reports(setting, *range(10, 22))
    with talking_to(setting, Script(greeting="421 too busy")) as server:
        at(setting, 1)
        assert server.connections == 1
        at(setting, 2)  # within the pause of 15 s
        assert server.connections == 1
        at(setting, 16)  # the first mail is due again, and comes first
        assert server.connections == 2
        assert count(setting, "daily", "failure") == 2
        server.script.greeting = "220 ready"
        at(setting, 32)  # its next try was due at 46, that of the others long ago: now it leaves before them
        assert len(server.bodies) == 12
    assert owed(setting) == {}


def test_the_loop_goes_on_measuring_while_a_mail_hangs(setting: Setting) -> None:
    """Both loops run in their threads; the mail server takes the connection and says nothing more."""
    owe_reports(setting, 14)
    with talking_to(setting, Script(greeting=None)) as server:
        service = setting.service
        loops = [threading.Thread(target=each) for each in (service.worker.run, service.deliveries.run)]
        for each in loops:
            each.start()
        try:
            poll(lambda: server.connections, "the mail server to be asked")
            for number in (1, 2):
                setting.now += 300
                line = f'sla_worker_passes_total{{result="success"}} {number}.0'
                poll(lambda line=line: line in setting.ask("/metrics")[1], f"pass {number} beside the mail")
            assert server.connections == 1
        finally:
            service.stopping.set()
            server.stopping.set()  # lets go of the connection
            for each in loops:
                each.join(patience(10))


def test_an_idle_worker_makes_no_statement(setting: Setting) -> None:
    """A minute of turns, health checks and scrapes; the status page alone reads."""
    setting.step()
    statements: list[str] = []
    dialect = setting.service.database._engine._dialect
    dialect._connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]
    for _ in range(60):
        setting.now += 1
        setting.step()
        assert setting.ask("/healthz")[0] == "200 OK"
        assert setting.ask("/metrics")[0] == "200 OK"
    assert statements == []
    setting.ask("/")
    assert statements != []
