"""A worker whose teams have files of their own: what it measures, shows and mails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sla_worker import cli
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_all
from sla_worker.delivery.kinds import KINDS, Sources
from sla_worker.evaluation import evaluate
from sla_worker.model import Drawn, Figures
from sla_worker.schedule import Schedule
from unit.sla_worker.databases import Place
from unit.sla_worker.fake_prometheus import GOOD, SLOT
from unit.sla_worker.setting import Mailbox, Setting
from unit.sla_worker.team_files import Files, team, uptime

NINE = SLOT + 10 * 3600 + 45 * 60  # SLOT is Tuesday, 2023-11-14 22:15 UTC
RECEIVERS = """\
receivers:
  daily: [pay-daily@example.com]
  weekly: [pay-weekly@example.com]
  monthly: [pay-monthly@example.com]
  breach: [pay-on-call@example.com, owner@example.com]
"""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path)
    made.put("payments.yml", team("payments", uptime("pay-uptime"), more=RECEIVERS))
    made.put("search.yml", team("search", uptime("search-uptime")))
    return made


@pytest.fixture
def setting(tmp_path: Path, files: Files) -> Iterator[Setting]:
    made = Setting(tmp_path, SLA_DEFINITIONS=str(files.platform))
    yield made
    made.close()


def test_the_slas_of_all_files_are_measured(setting: Setting) -> None:
    setting.step()
    metrics = setting.ask("/metrics")[1].splitlines()
    assert 'sla_compliance_ratio{category="availability",component="all",sla="pay-uptime"} 1.0' in metrics
    assert [each for each in metrics if each.startswith("sla_team{")] == [
        'sla_team{sla="pay-uptime",team="payments"} 1.0',
        'sla_team{sla="search-uptime",team="search"} 1.0',
    ]
    assert 'sla_definitions_invalid{file="sla_thresholds.yml"} 0.0' in metrics
    assert 'sla_definitions_invalid{file="payments.yml"} 0.0' in metrics
    assert 'sla_definitions_invalid{file="search.yml"} 0.0' in metrics


def test_a_broken_file_is_seen_and_its_slas_go_on(setting: Setting, files: Files) -> None:
    setting.step()
    setting.close()
    path = files.put("payments.yml", team("payments", uptime("pay-uptime", target=99)))
    setting.now += 300
    setting.start()
    setting.step()
    metrics = setting.ask("/metrics")[1].splitlines()
    assert 'sla_definitions_invalid{file="payments.yml"} 1.0' in metrics
    assert 'sla_definitions_invalid{file="search.yml"} 0.0' in metrics
    assert setting.ask("/healthz")[0] == "200 OK"
    assert f"{path}:9: SLA pay-uptime: target is `99`" in setting.ask("/")[1]
    slots = [each.slot - SLOT for each in setting.service.database.newest_measurements("pay-uptime", 9)]
    assert slots == [300, 0]


def _break(setting: Setting) -> None:
    setting.prometheus.values[GOOD] = 900.0


def by_receiver(mailbox: Mailbox) -> dict[str, list[str]]:
    """The subjects that each address got."""
    found: dict[str, list[str]] = {}
    for mail, recipients in zip(mailbox.mails, mailbox.recipients, strict=True):
        for each in recipients:
            found.setdefault(each, []).append(str(mail["Subject"]))
    return found


def test_a_breach_goes_to_its_team_beside_the_others_once(setting: Setting) -> None:
    with Mailbox(setting.smtp_port) as mailbox:
        _break(setting)
        setting.step()
        setting.step()
    got = by_receiver(mailbox)
    # One mail a breach, to each address once; the team's address hears of its own SLA alone.
    assert got["pay-on-call@example.com"] == ["[critical] SLA breached: Pay uptime"]
    assert sorted(got["owner@example.com"]) == sorted(got["on-call@example.com"])
    assert len(got["owner@example.com"]) == 5
    assert len(mailbox.mails) == 5


def texts_of(mail: Message) -> str:
    """All that a mail says, as text and as HTML."""
    parts = (part.get_payload(decode=True) for part in mail.walk() if part.get_content_maintype() == "text")
    return "".join(part.decode() for part in parts if isinstance(part, bytes))


def assert_of_payments_alone(said: str) -> None:
    assert "Pay uptime" in said
    assert "/?team=payments" in said
    for other in ("Search uptime", "Platform Uptime", "API Error Rate"):
        assert other not in said


def test_a_team_gets_its_own_report_of_its_slas_once(setting: Setting) -> None:
    setting.step()
    with Mailbox(setting.smtp_port) as mailbox:
        setting.now = NINE + 60.0
        for _ in range(3):
            setting.step()
        setting.close()
        setting.start()
        setting.step()
    # The owner's is whole, and nobody gets one for a team without receivers.
    assert by_receiver(mailbox) == {
        "pay-daily@example.com": [
            "Daily SLA report of payments 2023-11-15: all targets met, no active breach"
        ],
        "owner@example.com": ["Daily SLA report 2023-11-15: all targets met, no active breach"],
    }
    own, whole = (texts_of(mail) for mail in sorted(mailbox.mails, key=lambda each: len(str(each))))
    assert_of_payments_alone(own)
    assert all(name in whole for name in ("Pay uptime", "Search uptime", "Platform Uptime"))
    assert "?team=" not in whole


def test_each_report_is_owed_to_the_team_too_under_a_key_of_its_own(setting: Setting) -> None:
    setting.step()
    schedule = Schedule(setting.service.database, zone=ZoneInfo("UTC"), hour=9, settle_seconds=45)
    december = NINE + 16 * 86_400  # 2023-12-01, a Friday; the Monday before was 2023-11-27
    for _ in range(2):
        schedule.run(december + 60.0)
    setting.now = december + 60.0
    owed = setting.service.database.outbox.due(int(setting.now))
    assert [(each.key, each.team) for each in owed if not each.key.startswith("daily")] == [
        ("weekly:2023-11-27/payments", "payments"),
        ("weekly:2023-11-27", None),
        ("monthly:2023-12-01/payments", "payments"),
        ("monthly:2023-12-01", None),
    ]
    sources = Sources(setting.service.database, setting.service.settings, december, draw=lambda _: Drawn())
    for each in owed:
        if each.type != "daily" and each.team:
            mail = KINDS[each.type].build(sources, each)
            assert_of_payments_alone(mail.text + mail.html)
            assert mail.subject.startswith(f"{each.type.capitalize()} SLA report of payments 2023-11")


def test_a_team_whose_slas_began_later_gets_no_report_of_the_time_before(
    tmp_path: Path, files: Files
) -> None:
    (files.directory / "payments.yml").rename(tmp_path / "later.yml")
    setting = Setting(tmp_path, SLA_DEFINITIONS=str(files.platform))
    setting.step()
    setting.now = NINE + 600.0
    setting.step()
    setting.close()
    (tmp_path / "later.yml").rename(files.directory / "payments.yml")
    with Mailbox(setting.smtp_port) as mailbox:
        setting.start()
        setting.step()
        assert "pay-daily@example.com" not in by_receiver(mailbox)
        setting.now += 86_400
        setting.step()
        setting.step()
    reports = json.loads(setting.ask("/api/reports?type=daily")[1])["reports"]
    pages = [setting.ask(f"/reports/{each['id']}?figures=now")[1] for each in reports]  # the newest first
    # Whole, of payments, and whole of the day before the SLA was there: read again, it is not in that.
    assert ["Pay uptime" in page for page in pages] == [True, True, False]
    setting.close()
    [subject] = by_receiver(mailbox)["pay-daily@example.com"]
    assert subject.startswith("Daily SLA report of payments 2023-11-16: ")


def test_a_team_whose_slas_are_only_announced_gets_no_report_yet(tmp_path: Path, files: Files) -> None:
    """Its one SLA begins at 12:00 of the first day: the report at 9:00 of the next day is the first one."""
    path = files.directory / "payments.yml"
    begin = "    valid_from: 2023-11-15T12:00+00:00\n"
    path.write_text(f"{path.read_text(encoding='utf-8')}{begin}", encoding="utf-8")
    setting = Setting(tmp_path, SLA_DEFINITIONS=str(files.platform))
    setting.step()
    database = setting.service.database
    schedule = Schedule(database, zone=ZoneInfo("UTC"), hour=9, settle_seconds=45)
    for day in (NINE, NINE + 86_400):
        schedule.run(day + 60.0)
    owed = [each.key for each in database.outbox.due(NINE + 86_460)]
    setting.close()
    assert [each for each in owed if each.endswith("/payments")] == ["daily:2023-11-16/payments"]


def test_mails_of_a_team_whose_file_is_gone_are_dropped(setting: Setting, files: Files) -> None:
    setting.step()
    setting.now = NINE + 60.0
    setting.step()  # nobody listens: the reports stay owed
    [owed, *_] = json.loads(setting.ask("/api/reports?type=daily")[1])["reports"]
    assert "This mail has not been sent yet." in setting.ask(f"/reports/{owed['id']}")[1]
    setting.close()
    (files.directory / "payments.yml").unlink()
    setting.start()
    with Mailbox(setting.smtp_port) as mailbox:
        setting.now += 3600
        setting.step()
        setting.step()
    assert set(by_receiver(mailbox)) == {"owner@example.com"}
    assert setting.service.database.outbox.owed() == {}


def test_a_teams_report_can_be_asked_for(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    setting.step()
    setting.close()
    for name, value in setting.environ.items():
        monkeypatch.setenv(name, value)
    with Mailbox(setting.smtp_port) as mailbox:
        assert cli.main(["reporter", "--daily", "--team", "payments"]) == 0
    assert mailbox.recipients == [["pay-daily@example.com"]]
    [mail] = mailbox.mails
    assert str(mail["Subject"]).startswith("Daily SLA report of payments ")
    assert cli.main(["reporter", "--daily", "--team", "nobody"]) == 1
    assert cli.main(["reporter", "--daily", "--team", "search"]) == 1
    lines = capsys.readouterr().err.splitlines()  # and what was logged meanwhile
    assert [line for line in lines if line.startswith("error: ")] == [
        "error: --team nobody: there is no such team; give one of payments, search",
        "error: --team search: search.yml has no receivers of the daily report; add `daily: [ADDRESS]`",
    ]
    with pytest.raises(SystemExit):
        cli.main(["reporter", "--breach", "1", "--team", "search"])


def test_the_outbox_keeps_a_teams_report_apart(place: Place) -> None:
    database = SLADatabase(place.location, clock=lambda: NINE)
    outbox = database.outbox
    for _ in range(2):
        outbox.owe_report("daily", "daily:2023-11-15/payments", NINE, NINE, team="payments")
    assert outbox.last_report_end("daily", NINE) is None
    outbox.owe_report("daily", "daily:2023-11-15", NINE, NINE)
    assert outbox.last_report_end("daily", NINE) == NINE
    assert [(each.key, each.team) for each in outbox.due(NINE)] == [
        ("daily:2023-11-15/payments", "payments"),
        ("daily:2023-11-15", None),
    ]
    database.close()


def keys(answer: tuple[str, str]) -> list[str]:
    return [each["key"] for each in json.loads(answer[1])["slas"]]


def test_page_and_api_show_one_team(setting: Setting) -> None:
    _break(setting)
    setting.step()
    whole, page = setting.ask("/")[1], setting.ask("/?team=payments")[1]
    # The headings, and the list to choose from.
    assert "<h1>SLA status <" in whole
    assert "<h1>SLA status of payments <" in page
    assert '<option value="payments" selected>payments</option>' in page
    assert '<option value="payments">payments</option>' in whole
    for name in ("Search uptime", "Platform Uptime"):
        assert name in whole
        assert name not in page
    assert "Pay uptime" in page
    assert "Pay uptime" in setting.ask("/?team=payments&window=30d")[1]
    assert "team=payments" in page.partition("Period:")[2]
    assert keys(setting.ask("/api/status?team=payments")) == ["pay-uptime"]
    assert keys(setting.ask("/api/compliance?team=search&window=24h")) == ["search-uptime"]
    breaches = json.loads(setting.ask("/api/breaches?team=payments")[1])["breaches"]
    assert [each["sla"] for each in breaches] == ["pay-uptime"]
    assert len(keys(setting.ask("/api/status"))) == 5
    for path in ("/", "/api/status", "/api/compliance", "/api/breaches"):
        status, said = setting.ask(f"{path}?team=nobody")
        assert status == "400 Bad Request"
        assert "there is no team nobody; give one of payments, search" in said


def test_a_report_of_a_team_is_read_again_as_its_own(setting: Setting) -> None:
    setting.step()
    setting.now = NINE + 60.0
    setting.step()
    [own] = [each for each in json.loads(setting.ask("/api/reports")[1])["reports"] if each["team"]]
    assert (own["type"], own["team"]) == ("daily", "payments")
    assert "Daily of payments</a>" in setting.ask("/reports")[1]
    assert_of_payments_alone(setting.ask(f"/reports/{own['id']}")[1])


def test_breaches_of_the_past_reach_a_team_as_its_part_of_the_mail_about_them(setting: Setting) -> None:
    setting.step()
    database = setting.service.database
    uptimes = [
        each
        for each in read_all(setting.service.settings.definitions_path)
        if each.category == "availability"
    ]
    for slot, good in ((SLOT - 900, 20), (SLOT - 600, 0), (SLOT - 300, 20)):
        rows = [replace(evaluate(each, slot, Figures(good, 20, 1)), late=True) for each in uptimes]
        database.store(rows)
    with Mailbox(setting.smtp_port) as mailbox:
        for _ in range(4):
            setting.now += 130  # more of them may follow for two minutes
            setting.step()
    # The owner is a receiver of the team, too.
    assert sorted(mailbox.recipients) == [
        ["owner@example.com", "on-call@example.com"],
        ["pay-on-call@example.com", "owner@example.com"],
    ]
    whole, own = (
        texts_of(mailbox.mails[mailbox.recipients.index(each)]) for each in sorted(mailbox.recipients)
    )
    assert "Pay uptime" in own
    assert "Search uptime" not in own
    assert all(name in whole for name in ("Pay uptime", "Search uptime", "Platform Uptime"))
