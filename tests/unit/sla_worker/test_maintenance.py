"""`sla_maintenance`: by itself, and beside a service that has the ledger open."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sla_worker import cli
from sla_worker.delivery.kinds import Sources, daily
from unit.sla_worker.fake_prometheus import GOOD, SLOT
from unit.sla_worker.setting import Setting
from unit.sla_worker.test_measure_again import command, serving

KEY = "api-error-rate"
# SLOT is 2023-11-14 22:15 UTC; the ledger has twelve slots of 5 minutes from 22:10 on.
WHO = ("--author", "ann", "--reason", "new disks")


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    """A ledger whose third slot is bad, and nobody has open."""
    made = Setting(tmp_path)
    made.step()
    made.now += 300
    made.step()
    made.prometheus.values[GOOD] = 900.0
    made.now += 300
    made.step()
    made.prometheus.values[GOOD] = 1000.0
    made.now += 300
    made.step()
    made.close()
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    return made


def total(setting: Setting) -> float:
    setting.start()
    found = setting.service.database.get_current_sla_status(1)
    setting.close()
    return next(each.total for each in found if each.key == KEY)


def error_rate(setting: Setting, exclusions: str) -> tuple[float, float, int]:
    setting.start()
    status, text = setting.ask(f"/api/status?hours=1&exclusions={exclusions}")
    setting.close()
    assert status == "200 OK"
    [found] = [each for each in json.loads(text)["slas"] if each["key"] == KEY]
    return found["good"], found["total"], found["excluded_seconds"]


def test_a_window_is_added_listed_and_revoked(setting: Setting, capsys: pytest.CaptureFixture[str]) -> None:
    assert total(setting) == 4000
    window = ("--from", "2023-11-14T22:21", "--to", "2023-11-14T22:24")
    assert cli.main(["maintenance", "add", *window, "--sla", KEY, *WHO]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "maintenance 1 of api-error-rate: 2023-11-14 22:20 UTC to 2023-11-14 22:25 UTC",
        "its borders were moved outward, to those of slots: you gave 2023-11-14 22:21 UTC"
        " to 2023-11-14 22:24 UTC",
    ]
    assert total(setting) == 3000
    assert error_rate(setting, "on") == (3000, 3000, 300)
    assert error_rate(setting, "off") == (4000, 4000, 0)
    assert cli.main(["maintenance", "revoke", "1", "--author", "bob", "--reason", "wrong day"]) == 0
    assert total(setting) == 4000
    assert cli.main(["maintenance", "list"]) == 0
    *_, line = capsys.readouterr().out.splitlines()
    for words in ("revoked", "api-error-rate", "ann: new disks", "by bob: wrong day", "added afterwards"):
        assert words in line


def test_counters_of_events_count_what_was_measured(setting: Setting) -> None:
    """They never go back: after a restart they stand where they stood, whatever was excluded meanwhile."""

    def counted() -> str:
        setting.start()
        text = setting.ask("/metrics")[1]
        setting.close()
        return next(line for line in text.splitlines() if re.match(rf'sla_total_.*"{KEY}"', line))

    before = counted()
    assert before.endswith(" 4000.0")
    window = ("--from", "2023-11-14T22:21", "--to", "2023-11-14T22:24")
    assert cli.main(["maintenance", "add", *window, "--sla", KEY, *WHO]) == 0
    assert counted() == before


def test_a_recurring_window_covers_each_of_its_times(
    setting: Setting, capsys: pytest.CaptureFixture[str]
) -> None:
    window = ("--from", "2023-11-12T23:20", "--to", "2023-11-12T23:25", "--timezone", "Europe/Berlin")
    assert cli.main(["maintenance", "add", *window, "--rrule", "FREQ=DAILY;COUNT=9", "--all", *WHO]) == 0
    assert "9 times, by the wall clock of Europe/Berlin; the last one" in capsys.readouterr().out
    assert total(setting) == 3000  # the slot of the 14th from 22:20 UTC on
    assert cli.main(["maintenance", "list"]) == 0
    assert "FREQ=DAILY;COUNT=9 (Europe/Berlin) from 2023-11-12 22:20 UTC" in capsys.readouterr().out
    setting.start()  # it is 22:30 of the 14th there: that day's time is over, the next one comes
    line = "planned: 2023-11-15 22:20 UTC to 2023-11-15 22:25 UTC (one of 9 times), all SLAs: new disks (ann)"
    assert line in setting.ask("/")[1]
    setting.close()
    with pytest.raises(SystemExit):
        cli.main(["maintenance", "add", *window[:-1], "Berlin", "--all", *WHO])
    assert "invalid timezone: 'Berlin'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["add", "--from", "2023-11-14", "--to", "2023-11-13", "--all", *WHO], "ends before it begins"),
        (["add", "--from", "2023-11-13", "--to", "2023-11-14", "--sla", "x", *WHO], "--sla x: there is no"),
        (["end", "4", "--author", "ann"], "there is no maintenance 4; `sla maintenance list` shows all"),
    ],
)
@pytest.mark.usefixtures("setting")
def test_what_cannot_be_done_is_one_clear_line(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["maintenance", *words]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert line in error
    assert cli.main(["maintenance", "list"]) == 0
    assert capsys.readouterr().out == "no maintenance\n"


def test_a_correction_is_added_listed_and_revoked(
    setting: Setting, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four slots of 1000 good events; of those from 22:20 to 22:25 ten were bad after all."""
    slot = ("correct", "add", KEY, "--from", "2023-11-14T22:20")
    assert cli.main([*slot, "--good", "990", "--total", "1000", *WHO]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "correction 1 of api-error-rate, 2023-11-14 22:20 UTC to 2023-11-14 22:25 UTC: 990 good of 1000,"
        " in each slot"
    ]
    assert error_rate(setting, "on") == (3990, 4000, 0)
    assert error_rate(setting, "off") == (4000, 4000, 0)
    assert cli.main(["explain", KEY, "2023-11-14T22:25"]) == 0
    explained = capsys.readouterr().out
    assert "all: 990 good of 1000 = 99.00 %" in explained
    assert re.search(r"1 +2023-11-14 22:20 UTC  .*990 good of 1000  ann +new disks", explained)
    assert re.search(r"1000 +1000 +1 .* met .* 990 +1000 +breached", explained)
    setting.start()
    [row] = [
        each
        for each in json.loads(setting.ask(f"/api/measurements?sla={KEY}")[1])["measurements"]
        if each["counted"] is not None
    ]
    assert (row["good"], row["counted"]["good"], row["version"]) == (1000, 990, 1)
    [listed] = json.loads(setting.ask("/api/corrections")[1])["corrections"]
    assert (listed["sla"], listed["good"], listed["revoked_at"]) == (KEY, 990, None)
    line = "2023-11-14 22:20 UTC to 2023-11-14 22:25 UTC, api-error-rate: 990 good of 1000: new disks (ann)"
    assert line in setting.ask("/")[1]
    mail = daily(Sources(setting.service.database, setting.service.settings, int(setting.now)))
    assert line in mail.html
    assert line in mail.text
    setting.close()
    assert cli.main(["correct", "revoke", "1", "--author", "bob", "--reason", "wrong day"]) == 0
    assert error_rate(setting, "on") == (4000, 4000, 0)
    assert cli.main(["correct", "list"]) == 0
    *_, line = capsys.readouterr().out.splitlines()
    for words in ("revoked", KEY, "990 good of 1000", "ann: new disks", "by bob: wrong day"):
        assert words in line


@pytest.mark.usefixtures("setting")
def test_what_cannot_be_corrected_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    slot = ("correct", "add", KEY, "--from", "2023-11-14T22:20")
    for words, line in (
        ([*slot, "--good", "9", *WHO], "say what counts: --good and --total, or --counts-as"),
        ([*slot, "--good", "x", "--total", "9", *WHO], "--good: invalid number: 'x'"),
        ([*slot[:-1], "22:20", "--counts-as", "good", *WHO], "invalid time: '22:20'"),
    ):
        with pytest.raises(SystemExit):
            cli.main(words)
        assert line in capsys.readouterr().err.splitlines()[0]
    assert cli.main(["correct", "revoke", "4", "--author", "ann", "--reason", "r"]) == 1
    assert capsys.readouterr().err == "error: there is no correction 4; `sla correct list` shows all\n"
    assert cli.main(["correct", "list"]) == 0
    assert capsys.readouterr().out == "no corrections\n"


def test_of_what_must_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["maintenance", "add", "--from", "2023-11-14", "--to", "2023-11-15", *WHO])
    assert capsys.readouterr().err.splitlines() == [
        "error: say of what: --sla, --category or --all is missing",
        "fix:   give one of them",
    ]


def test_the_service_that_runs_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = "a-token-of-enough-letters"  # noqa: S105 - a test's
    with serving(tmp_path, SLA_WEBHOOK_TOKEN=token) as setting:
        window = ("--from", "2023-11-14T22:10", "--to", "2023-11-14T22:20")
        words = ("maintenance", "add", *window, "--category", "reliability", *WHO)
        assert command(monkeypatch, setting, *words, SLA_WEBHOOK_TOKEN="") == 1
        assert "a change needs the header" in capsys.readouterr().err
        assert command(monkeypatch, setting, *words) == 0
        assert capsys.readouterr().out == (
            "maintenance 1 of category reliability: 2023-11-14 22:10 UTC to 2023-11-14 22:20 UTC\n"
        )
        [found] = json.loads(setting.ask("/api/maintenance")[1])["maintenance"]
        assert (found["state"], found["planned"]["author"]) == ("over", "ann")
        assert found["spans"] == [[SLOT - 300, SLOT + 300]]
        assert command(monkeypatch, setting, "maintenance", "end", "1", "--author", "bob") == 1
        assert "maintenance 1 is over; revoke it" in capsys.readouterr().err
        status, text = setting.ask(
            "/api/maintain", "POST", b'{"ledger": "x"}', HTTP_AUTHORIZATION=f"Bearer {token}"
        )
        assert (status, "another ledger" in text) == ("409 Conflict", True)


def test_page_mail_terminal_and_metrics_name_it(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    setting.step()
    planned = {
        "scope": {"slas": [KEY]},
        "start": int(setting.now) - 60,
        "end": int(setting.now) + 60,
        "author": "ann",
        "reason": "new <disks>",
    }
    asked = {"ledger": str(Path(setting.environ["SLA_DATABASE_PATH"]).resolve()), "action": "add"}
    body = json.dumps({**asked, "planned": planned}).encode()
    assert setting.ask("/api/maintain", "POST", body)[0] == "200 OK"
    setting.step()
    line = "active: 2023-11-14 22:10 UTC to 2023-11-14 22:20 UTC, api-error-rate: new &lt;disks&gt; (ann)"
    assert line in setting.ask("/")[1]
    assert 'sla_maintenance_active{sla="api-error-rate"} 1.0' in setting.ask("/metrics")[1]
    setting.now += 300
    setting.step()
    assert "sla_maintenance_active{" not in setting.ask("/metrics")[1]
    sources = Sources(setting.service.database, setting.service.settings, int(setting.now))
    mail = daily(sources)
    assert line.replace("active", "over") in mail.html
    assert "Maintenance (does not count)" in mail.text
    setting.close()
