"""The worker with injected clock, Prometheus and a real SMTP server: mails, health, web side."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.report_tables import result_on_page
from unit.sla_worker.fake_prometheus import GOOD, SLOT, THREE
from unit.sla_worker.setting import Mailbox, Setting


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path)
    yield made
    made.close()


def break_all(setting: Setting) -> None:
    """From now on every SLA has 100 bad of 1,000."""
    setting.prometheus.values[GOOD] = 900.0


def test_a_breach_mail_survives_a_lost_server_and_a_restart_and_is_sent_once(setting: Setting) -> None:
    break_all(setting)
    setting.step()  # nobody listens on the SMTP port: the round ends with the first mail, to two recipients
    assert 'sla_notifications_total{result="failure",type="breach"} 2.0' in setting.ask("/metrics")[1]
    setting.close()
    setting.start()
    with Mailbox(setting.smtp_port) as mailbox:
        setting.now += 15
        setting.step()
        setting.step()
        setting.now += 3600
        setting.step()
    subjects = sorted(str(mail["Subject"]) for mail in mailbox.mails)
    assert subjects == [
        "[critical] SLA breached: API Error Rate",
        "[critical] SLA breached: Platform Uptime",
        "[high] SLA breached: API Response Time P95",
    ]
    assert mailbox.recipients == [["owner@example.com", "on-call@example.com"]] * 3


def test_the_daily_report_goes_out_at_its_hour_once_even_over_restarts(tmp_path: Path) -> None:
    # SLOT is 2023-11-14 22:15 UTC, which is 23:15 in Berlin; nine o'clock there is 08:00 UTC.
    setting = Setting(tmp_path, REPORT_TIMEZONE="Europe/Berlin")
    with Mailbox(setting.smtp_port) as mailbox:
        setting.step()
        nine = SLOT + 9 * 3600 + 45 * 60
        setting.now = nine - 1.0
        setting.step()
        assert mailbox.mails == []
        setting.close()  # down while the hour strikes
        setting.now = nine + 1800.0
        setting.start()
        setting.step()
        setting.close()
        setting.start()
        setting.step()
    setting.close()
    [mail] = mailbox.mails
    assert mail["Subject"] == "Daily SLA report 2023-11-15: all targets met, no active breach"
    assert mail["To"] == "owner@example.com"
    html, text = mailbox.part("text/html"), mailbox.part("text/plain")
    assert len(mail.as_bytes()) < 50_000
    for part in (html, text):
        assert "Platform Uptime" in part
        assert "2023-11-15 09:00 CET" in part
        assert "http://localhost:3002/d/insa-sla-monitoring" in part


def test_a_fresh_ledger_owes_no_report_of_yesterday(setting: Setting) -> None:
    with Mailbox(setting.smtp_port) as mailbox:
        setting.step()
    assert mailbox.mails == []


def test_it_is_healthy_while_passes_succeed_and_says_why_not(setting: Setting) -> None:
    assert setting.ask("/healthz") == ("200 OK", '{"status": "ok"}\n')  # the grace after the start
    setting.step()
    setting.prometheus.down = True
    setting.now += 3 * 300 + 45
    setting.step()
    assert setting.ask("/healthz")[0] == "200 OK"
    setting.now += 1
    status, body = setting.ask("/healthz")
    assert status == "503 Service Unavailable"
    assert json.loads(body)["reason"] == (
        "the last pass that succeeded was 946 s ago, more than 945 s; Prometheus does not answer"
    )
    metrics = setting.ask("/metrics")[1]
    assert 'sla_worker_passes_total{result="failure"} 1.0' in metrics
    assert "sla_slots_missing 9.0" in metrics  # 3 SLAs, 3 slots
    setting.prometheus.down = False
    setting.now += 60
    setting.step()
    assert setting.ask("/healthz")[0] == "200 OK"
    assert "sla_slots_missing 0.0" in setting.ask("/metrics")[1]


def test_a_database_that_cannot_be_used_is_unhealthy(setting: Setting) -> None:
    setting.close()
    assert setting.ask("/healthz")[0] == "503 Service Unavailable"


def test_the_metrics_follow_the_ledger(setting: Setting) -> None:
    break_all(setting)
    setting.step()
    metrics = setting.ask("/metrics")[1].splitlines()
    where = 'component="all",sla="api-error-rate"'
    assert f'sla_compliance_ratio{{category="reliability",{where}}} 0.9' in metrics
    assert f'sla_target_ratio{{category="reliability",{where}}} 0.999' in metrics
    assert f'sla_actual{{{where},unit="ratio"}} 0.1' in metrics
    assert f'sla_status{{{where},status="critical"}} 1.0' in metrics
    assert f'sla_status{{{where},status="good"}} 0.0' in metrics
    assert 'sla_active_breaches{severity="critical"} 2.0' in metrics
    assert "sla_worker_last_pass_timestamp_seconds 1.700000145e+09" in metrics  # SLOT + 45


def test_the_status_page_shows_the_slas(setting: Setting) -> None:
    assert "no pass yet" in setting.ask("/")[1]
    break_all(setting)
    setting.step()
    setting.now += 10
    status, page = setting.ask("/")
    assert status == "200 OK"
    assert "last pass 10 s ago" in page
    assert page.count("API Error Rate") == 2  # among the SLAs and the active breaches
    assert "src=" not in page
    assert "<script" not in page


def test_categories_in_which_all_is_healthy_are_folded_up(setting: Setting) -> None:
    """Three SLAs of three categories: all met, then a slot in which each has 100 bad events of 1,000.

    Of both slots 1,900 of 2,000 are good, which P95 allows: it is in breach now, and not missed.
    """
    setting.step()
    assert (setting.ask("/")[1].count("<details"), setting.ask("/")[1].count(" open>")) == (3, 0)
    assert setting.ask("/?all")[1].count(" open>") == 3
    setting.now += 300
    break_all(setting)
    setting.step()
    page = setting.ask("/")[1]
    assert page.count(" open>") == 3
    assert (page.count(">1 missed<"), page.count(">1 in breach<")) == (2, 1)
    assert [result_on_page(page, title) for title in ("API Error Rate", "API Response Time P95")] == [
        "fail", "pass",
    ]  # fmt: skip


def test_a_worker_that_was_killed_loses_no_slot(setting: Setting) -> None:
    setting.step()
    setting.close()  # the lock and the file are all that a killed process leaves
    setting.now += 1500
    setting.start()
    setting.step()
    assert "sla_slots_missing 0.0" in setting.ask("/metrics")[1]
    rows = sqlite3.connect(setting.environ["SLA_DATABASE_PATH"])
    stored = rows.execute("SELECT slot - ?, late FROM sla_measurements WHERE sla_id = 1", (SLOT,)).fetchall()
    rows.close()
    assert stored == [(0, 0), (300, 1), (600, 1), (900, 1), (1200, 1), (1500, 0)]


def test_the_service_stays_below_45_megabytes_reports_included(tmp_path: Path) -> None:
    program = """if True:
        import sys
        from sla_worker import cli, lean_openssl
        from sla_worker.commands.worker import speaks_tls
        from sla_worker.settings import read_settings
        settings = read_settings({"SLA_DATABASE_PATH": sys.argv[1], "SLA_DEFINITIONS": sys.argv[2]})
        assert not speaks_tls(settings)
        lean_openssl.forgo()  # as the command sla_worker does
        from sla_worker.delivery.kinds import Sources, daily, long
        from sla_worker.render.pages import runbook_page
        from sla_worker.service import build
        from sla_worker.web import server
        from unit.sla_worker.fake_prometheus import SLOT, FakePrometheus
        service = build(settings, clock=lambda: SLOT + 45, transport=FakePrometheus())
        service.worker.step()
        for path in ("/", "/metrics"):
            environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "HTTP_HOST": "localhost"}
            assert b"".join(service.application(environ, lambda *_: None))
        assert runbook_page("A", "# A", {})
        sources = Sources(service.database, settings, SLOT + 45)
        assert daily(sources).html
        end = SLOT - SLOT % 86400
        assert long(sources, "monthly", end).attachments[0].name.endswith(".pdf")
        assert not any(name.startswith(("fpdf", "PIL", "fontTools")) for name in sys.modules)
        assert not any(sys.modules.get(name) for name in ("ssl", "_ssl", "_hashlib"))
        with open("/proc/self/status") as status:
            [line] = [line for line in status if line.startswith("VmRSS")]
        print(line.split()[1])
        service.close()
    """
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(tmp_path / "sla.db"), str(THREE)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 45 * 1024  # KiB


ALERT = {
    "status": "firing", "labels": {"alertname": "WorkerUnhealthy"}, "annotations": {"summary": "s"},
    "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "abc",
}  # fmt: skip


def test_the_webhook_stores_what_it_is_sent(setting: Setting) -> None:
    body = json.dumps({"receiver": "worker", "alerts": [ALERT, {**ALERT, "status": "resolved"}]}).encode()
    assert setting.ask("/webhook/alertmanager", "POST", body) == ("200 OK", '{"stored": 2}\n')
    [newest] = json.loads(setting.ask("/api/alerts?limit=1")[1])["alerts"]
    assert newest == {
        "status": "resolved", "alertname": "WorkerUnhealthy", "receiver": "worker",
        "labels": {"alertname": "WorkerUnhealthy"}, "annotations": {"summary": "s"},
        "starts_at": "2026-01-01T00:00:00Z", "ends_at": "0001-01-01T00:00:00Z",
        "received_at": SLOT + 45, "fingerprint": "abc",
    }  # fmt: skip
    assert 'sla_webhook_alerts_total{status="resolved"} 1.0' in setting.ask("/metrics")[1]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"{", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "`alerts` must be a list"),
        (b'{"alerts": [1]}', "alert 1 is not an object"),
        (b'{"alerts": [{"status": "odd"}]}', "`status` is 'odd'; it must be firing or resolved"),
        (b'{"alerts": [{"status": "firing", "labels": {"a": 1}}]}', "`labels` must be an object of texts"),
    ],
)
def test_a_bad_webhook_is_one_clear_line(setting: Setting, body: bytes, line: str) -> None:
    status, answer = setting.ask("/webhook/alertmanager", "POST", body)
    assert status == "400 Bad Request"
    assert line in json.loads(answer)["error"]
    assert json.loads(setting.ask("/api/alerts")[1]) == {"alerts": []}


def test_the_ledger_can_be_read_newest_slot_first(setting: Setting) -> None:
    setting.prometheus.values[GOOD] = 999.0
    setting.step()
    [row] = json.loads(setting.ask("/api/measurements?sla=api-error-rate&limit=1")[1])["measurements"]
    # 1 bad of 1,000: the 0.1 % that is just allowed.
    assert row == {
        "sla": "api-error-rate", "component": "all", "slot": SLOT, "good": 999.0, "total": 1000.0,
        "coverage": 1.0, "actual": 0.001, "target": 0.001, "state": "met", "status": "good", "late": False,
        "final": True, "version": 1, "counted": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/api/measurements", "GET", "400 Bad Request"),
        ("/api/measurements?sla=absent", "GET", "404 Not Found"),
        ("/api/measurements?sla=api-error-rate&limit=x", "GET", "400 Bad Request"),
        ("/nothing", "GET", "404 Not Found"),
        ("/metrics", "POST", "405 Method Not Allowed"),
        ("/api/alerts?limit=0", "GET", "400 Bad Request"),
        ("/api/alerts?limit=-1", "GET", "400 Bad Request"),
        ("/api/alerts?limit=many", "GET", "400 Bad Request"),
        ("/runbooks/../sla.db", "GET", "404 Not Found"),
        ("/runbooks/..", "GET", "404 Not Found"),
        ("/runbooks/Absent", "GET", "404 Not Found"),
        ("/runbooks/sub/Here", "GET", "404 Not Found"),
    ],
)
def test_what_is_not_there_is_refused(setting: Setting, path: str, method: str, status: str) -> None:
    assert setting.ask(path, method)[0] == status


def test_bodies_are_bounded(setting: Setting) -> None:
    where = ("/webhook/alertmanager", "POST", b"{}")
    assert setting.ask(*where, CONTENT_LENGTH=str(4 * 1024 * 1024 + 1))[0] == "413 Content Too Large"
    assert setting.ask(*where, CONTENT_LENGTH="")[0] == "411 Length Required"


def test_runbooks_are_rendered_with_escaping(setting: Setting, tmp_path: Path) -> None:
    assert "There are none" in setting.ask("/runbooks/")[1]
    (tmp_path / "runbooks").mkdir()
    source = "# Meaning\n\n<script>alert(1)</script>\n\na **worker**\n\n[x](javascript:alert(1))\n"
    (tmp_path / "runbooks" / "WorkerUnhealthy.md").write_text(source)
    assert '<a href="/runbooks/WorkerUnhealthy">' in setting.ask("/runbooks/")[1]
    status, page = setting.ask("/runbooks/WorkerUnhealthy")
    assert status == "200 OK"
    assert "<strong>worker</strong>" in page
    for where in (page, setting.ask("/runbooks/")[1]):
        assert '<a href="http://localhost:3002/d/insa-sla-monitoring">SLA dashboard</a>' in where
        assert '<a href="http://localhost:9090/">Prometheus</a>' in where
        assert '<a href="http://localhost:9093/">Alertmanager</a>' in where
    assert "<script>" not in page
    assert "javascript:" not in page
