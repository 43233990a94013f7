"""The dead man's switch: when alerting is down, who hears of it, and how often."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sla_worker.database import SLADatabase
from sla_worker.model import WatchdogOutage
from sla_worker.render.outage import outage_end_mail, outage_mail
from sla_worker.service import build
from sla_worker.settings import read_settings
from unit.sla_worker.fake_prometheus import SLOT, THREE, FakePrometheus
from unit.sla_worker.setting import Mailbox, Setting

DOWN = "[critical] Alerting is down: no Watchdog for 10 min"
START = SLOT + 45  # the worker's start: 2023-11-14 22:15:45 UTC


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path, SLA_WATCHDOG_SECONDS="600")
    made.step()  # the pass of the first slot
    yield made
    made.close()


def arrive(setting: Setting, alertname: str = "Watchdog", status: str = "firing", **labels: str) -> None:
    """One notification, as Alertmanager sends it."""
    alert = {
        "status": status, "labels": {"alertname": alertname, "severity": "none", **labels}, "annotations": {},
        "startsAt": "2023-11-14T22:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": alertname,
    }  # fmt: skip
    body = {"version": "4", "receiver": "watchdog", "status": status, "alerts": [alert]}
    assert setting.ask("/webhook/alertmanager", "POST", json.dumps(body).encode())[0] == "200 OK"


def step_at(setting: Setting, now: float) -> None:
    setting.now = float(now)
    setting.step()


def metric(setting: Setting, name: str) -> float:
    [line] = [each for each in setting.ask("/metrics")[1].splitlines() if each.startswith(f"{name} ")]
    return float(line.split()[1])


def subjects(mailbox: Mailbox) -> list[str]:
    return [str(mail["Subject"]) for mail in mailbox.mails]


def test_an_outage_is_noticed_at_the_exact_second_and_mailed_once(setting: Setting) -> None:
    with Mailbox(setting.smtp_port) as mailbox:
        step_at(setting, START + 100)
        arrive(setting)
        step_at(setting, START + 699)  # 599 s after the Watchdog
        assert subjects(mailbox) == []
        assert metric(setting, "sla_watchdog_outage") == 0
        for now in (700, 701, 760, 4000, 90_000):
            step_at(setting, START + now)
        down = [mail for mail in mailbox.mails if "down" in str(mail["Subject"])]
    assert [str(mail["Subject"]) for mail in down] == [DOWN]
    assert mailbox.recipients[0] == ["owner@example.com", "on-call@example.com"]
    assert metric(setting, "sla_watchdog_outage") == 1
    assert metric(setting, "sla_watchdog_last_received_timestamp_seconds") == START + 100


def test_a_watchdog_that_never_came_is_missed_from_the_start_on(setting: Setting) -> None:
    with Mailbox(setting.smtp_port) as mailbox:
        step_at(setting, START + 599)
        assert subjects(mailbox) == []
        step_at(setting, START + 600)
        assert subjects(mailbox) == [DOWN]
        text = mailbox.part("text/plain")
    assert "Down since:    2023-11-14 22:15 UTC" in text
    assert "Last Watchdog: none ever came" in text
    assert metric(setting, "sla_watchdog_last_received_timestamp_seconds") == 0


def test_a_watchdog_a_minute_is_no_outage(setting: Setting) -> None:
    with Mailbox(setting.smtp_port) as mailbox:
        for minute in range(1, 60):
            setting.now = START + 60.0 * minute
            arrive(setting)
            setting.step()
    assert subjects(mailbox) == []


@pytest.mark.parametrize(
    ("alertname", "status"), [("Watchdog", "resolved"), ("WorkerUnhealthy", "firing"), ("watchdog", "firing")]
)
def test_what_is_not_a_firing_watchdog_does_not_count(setting: Setting, alertname: str, status: str) -> None:
    with Mailbox(setting.smtp_port) as mailbox:
        step_at(setting, START + 500)
        arrive(setting, alertname, status)
        step_at(setting, START + 600)
    assert subjects(mailbox) == [DOWN]


def test_a_drill_of_the_watchdog_proves_nothing(setting: Setting) -> None:
    """It comes straight from a person: `make drill ALERT=Watchdog` ended a real outage."""
    with Mailbox(setting.smtp_port) as mailbox:
        step_at(setting, START + 500)
        arrive(setting, drill="true")
        assert metric(setting, "sla_watchdog_last_received_timestamp_seconds") == 0
        step_at(setting, START + 600)
        arrive(setting, drill="true")
        step_at(setting, START + 601)
        assert metric(setting, "sla_watchdog_outage") == 1
    assert subjects(mailbox) == [DOWN]


def test_the_return_is_mailed_once_and_the_next_outage_is_another(setting: Setting) -> None:
    with Mailbox(setting.smtp_port) as mailbox:
        step_at(setting, START + 600)
        step_at(setting, START + 2100)
        arrive(setting)
        step_at(setting, START + 2101)
        arrive(setting)
        step_at(setting, START + 2102)
        assert metric(setting, "sla_watchdog_outage") == 0
        step_at(setting, START + 2700)  # 599 s after the last
        step_at(setting, START + 2701)
    assert subjects(mailbox) == [
        DOWN,
        "[resolved] Alerting works again after 35 min",  # 2,100 s
        DOWN,
    ]
    first, end, second = mailbox.mails
    assert end["In-Reply-To"] == end["References"] == first["Message-ID"]
    assert second["In-Reply-To"] is None


def test_a_mail_server_that_is_away_too_gets_both_mails_later_in_order(setting: Setting) -> None:
    step_at(setting, START + 600)  # nobody listens on the SMTP port
    assert 'sla_notifications_owed{type="watchdog_outage"} 1.0' in setting.ask("/metrics")[1]
    step_at(setting, START + 615)
    setting.now = START + 640.0
    arrive(setting)
    step_at(setting, START + 641)  # the end is due; the first mail, older, is tried before it, a third time
    assert 'sla_notifications_owed{type="watchdog_outage_end"} 1.0' in setting.ask("/metrics")[1]
    assert (
        'sla_notifications_total{result="failure",type="watchdog_outage"} 6.0' in setting.ask("/metrics")[1]
    )
    assert (
        'sla_notifications_total{result="failure",type="watchdog_outage_end"} 0.0'
        in setting.ask("/metrics")[1]
    )
    with Mailbox(setting.smtp_port) as mailbox:
        step_at(setting, START + 644)
        assert subjects(mailbox) == []
        for now in range(645, 660):
            step_at(setting, START + now)
    assert subjects(mailbox) == [
        "[critical] Alerting was down: no Watchdog for 10 min",
        "[resolved] Alerting works again after 10 min",  # 640 s
    ]
    assert "owed" not in [line for line in setting.ask("/metrics")[1].splitlines() if line.endswith("} 1.0")]
    assert 'sla_notifications_owed{type="watchdog_outage"} 0.0' in setting.ask("/metrics")[1]


def test_a_restart_neither_repeats_nor_forgets_an_outage(setting: Setting) -> None:
    with Mailbox(setting.smtp_port) as mailbox:
        step_at(setting, START + 600)
        setting.close()
        setting.now = START + 800.0
        setting.start()
        assert metric(setting, "sla_watchdog_outage") == 1  # before its first step
        for now in (801, 1400, 2000):
            step_at(setting, START + now)
        assert subjects(mailbox) == [DOWN]
        arrive(setting)
        setting.close()  # between the Watchdog and the mail about it
        setting.start()
        step_at(setting, START + 2001)
    assert subjects(mailbox) == [
        DOWN,
        "[resolved] Alerting works again after 33 min",
    ]  # 2,000 s


def test_time_in_which_the_worker_was_down_is_no_outage(setting: Setting) -> None:
    setting.now = START + 100.0
    arrive(setting)
    setting.close()
    setting.now = START + 5000.0
    setting.start()
    with Mailbox(setting.smtp_port) as mailbox:
        step_at(setting, START + 5599)
        assert subjects(mailbox) == []
        step_at(setting, START + 5600)
        text = mailbox.part("text/plain")
    assert "Down since:    2023-11-14 23:39 UTC" in text  # the start: 22:15:45 and 5,000 s
    assert "Last Watchdog: 2023-11-14 22:17 UTC" in text  # 100 s after the first start


def test_with_0_seconds_nobody_watches(tmp_path: Path) -> None:
    setting = Setting(tmp_path, SLA_WATCHDOG_SECONDS="0")
    with Mailbox(setting.smtp_port) as mailbox:
        step_at(setting, START + 30_000)
        assert "Alerting is down" not in setting.ask("/")[1]
    setting.close()
    assert subjects(mailbox) == []


def test_the_seconds_are_a_setting(tmp_path: Path) -> None:
    assert read_settings({}).watchdog_seconds == 600
    setting = Setting(tmp_path, SLA_WATCHDOG_SECONDS="40")
    with Mailbox(setting.smtp_port) as mailbox:
        step_at(setting, START + 39)
        assert subjects(mailbox) == []
        step_at(setting, START + 40)
    setting.close()
    assert subjects(mailbox) == ["[critical] Alerting is down: no Watchdog for 40 s"]


def test_the_status_page_says_when_alerting_is_down(setting: Setting) -> None:
    assert "no Watchdog yet" in setting.ask("/")[1]
    setting.now = START + 10.0
    arrive(setting)
    setting.now = START + 30.0
    assert "last Watchdog 20 s ago" in setting.ask("/")[1]
    step_at(setting, START + 910)
    page = setting.ask("/")[1]
    assert "<b>Alerting is down</b> since 2023-11-14 22:15 UTC, for 15 min" in page
    assert 'href="/runbooks/Watchdog"' in page
    assert "last Watchdog" not in page


def test_of_the_watchdog_only_the_newest_is_kept_among_the_alerts(setting: Setting) -> None:
    arrive(setting, "WorkerUnhealthy")
    for second in range(1, 4):
        setting.now = START + float(second)
        arrive(setting)
    alerts = json.loads(setting.ask("/api/alerts")[1])["alerts"]
    assert [(each["alertname"], each["received_at"]) for each in alerts] == [
        ("Watchdog", START + 3),
        ("WorkerUnhealthy", START),
    ]
    assert 'sla_webhook_alerts_total{status="firing"} 4.0' in setting.ask("/metrics")[1]


def test_both_mails_say_the_same_in_text_and_html_and_lead_on(setting: Setting) -> None:
    with Mailbox(setting.smtp_port) as mailbox:
        step_at(setting, START + 600)
        parts = mailbox.part("text/plain"), mailbox.part("text/html")
        assert len(mailbox.mails[0].as_bytes()) < 20_000
    for part in parts:
        assert "nobody hears of a failure" in part
        assert "2023-11-14 22:15 UTC" in part
        for link in (
            "http://localhost:8080/runbooks/Watchdog",
            "http://localhost:9090/",
            "http://localhost:9093/",
        ):
            assert link in part
        assert "http://localhost:9090/alerts" not in part  # 404 where Debian's Prometheus runs
    assert parts[0].count("\n1. ") == 1
    assert parts[0].count("\n4. ") == 1


def test_the_mails_say_when_an_outage_is_over() -> None:
    outage = WatchdogOutage(1, 1_700_000_000, 1_700_000_000, 1_700_000_600, 1_700_003_900)
    # 2023-11-14 22:13 UTC to 23:18 UTC: 3,900 s
    late, end = (make(outage, 1_700_009_999, ZoneInfo("UTC"), {}) for make in (outage_mail, outage_end_mail))
    assert late.subject == "[critical] Alerting was down: no Watchdog for 10 min"
    assert end.subject == "[resolved] Alerting works again after 1 h 5 min"
    for mail in (late, end):
        assert "Ended:         2023-11-14 23:18 UTC, after 1 h 5 min" in mail.text
        assert "First steps" not in mail.text + mail.html
    assert 'bgcolor="#c62828"' in late.html
    assert 'bgcolor="#c62828"' not in end.html


def test_a_database_of_the_former_version_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "sla.db"
    with sqlite3.connect(path) as former:
        former.executescript(
            (files("sla_worker") / "database" / "migrations" / "0001_ledger.sql").read_text("utf-8")
        )
        former.executescript(
            "CREATE TABLE schema_migrations"
            " (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL);"
            "INSERT INTO schema_migrations VALUES (1, '0001_ledger.sql', 0);"
            "INSERT INTO ledger VALUES (1, 300, 0);"
            "INSERT INTO sla_notifications (id, type, notification_key, period_end, created_at,"
            " next_attempt_at, attempts) VALUES (7, 'daily', 'daily:2023-11-14', 1700000000, 1, 1, 3);"
        )
    former.close()
    database = SLADatabase(path, clock=lambda: START)
    [owed] = database.outbox.due(START)
    assert (owed.id, owed.key, owed.attempts, owed.outage_id) == (7, "daily:2023-11-14", 3, None)
    assert database.outages.last_received() is None
    database.outages.begin(START - 600, START)
    assert [each.key for each in database.outbox.due(START)] == ["daily:2023-11-14", "watchdog_outage:1"]
    database.close()
    with sqlite3.connect(path) as now:
        versions = now.execute("SELECT version, name FROM schema_migrations ORDER BY version").fetchall()
    now.close()
    shipped = sorted(each.name for each in (files("sla_worker") / "database" / "migrations").iterdir())
    assert versions == [(int(name[:4]), name) for name in shipped if name.endswith(".sql")]
    assert versions[:2] == [(1, "0001_ledger.sql"), (2, "0002_watchdog.sql")]


def test_without_its_web_side_the_loop_waits_for_no_watchdog(
    tmp_path: Path,
) -> None:
    """`sla_calculator --continuous` takes no webhook: an outage would be of its own making."""
    now = [float(START)]
    environ = {"SLA_DATABASE_PATH": str(tmp_path / "sla.db"), "SLA_DEFINITIONS": str(THREE)}
    service = build(
        read_settings(environ),
        clock=lambda: now[0],
        monotonic=lambda: now[0],
        transport=FakePrometheus(),
        takes_alerts=False,
    )
    now[0] += 600  # the default limit
    service.worker.step()
    assert service.database.outages.active() is None
    service.close()


def test_a_clock_that_goes_back_gives_an_outage_no_negative_length() -> None:
    """It was noticed after 600 s; that it took at least so long is all that is known."""
    outage = WatchdogOutage(
        id=1, started_at=START, last_received_at=START, noticed_at=START + 600, ended_at=START - 3600
    )
    mail = outage_end_mail(outage, START - 3600, ZoneInfo("UTC"), {})
    assert mail.subject == "[resolved] Alerting works again after 10 min"
    lasting = WatchdogOutage(
        id=1, started_at=START, last_received_at=START, noticed_at=START + 600, ended_at=None
    )
    assert lasting.duration_seconds(START - 3600) == 600
    assert lasting.duration_seconds(START + 700) == 700
