"""`sla_maintenance import`: a calendar's windows in the ledger, once, and as the file has them now."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from sla_worker import cli
from unit.sla_worker.setting import Setting
from unit.sla_worker.test_maintenance import KEY, WHO, setting, total
from unit.sla_worker.test_measure_again import command, serving

__all__ = ["setting"]

# The ledger has four slots of 1000 events: 22:10 to 22:30 UTC on 2023-11-14. Commands see the clock of today.
ANN = ("--author", "ann")


def calendar(path: Path, *events: str) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", *(line for each in events for line in each.split("\n"))]
    path.write_text("\n".join([*lines, "END:VCALENDAR", ""]), encoding="utf-8")
    return str(path)


def event(uid: str, begins: str, ends: str, *more: str, summary: str = "disks") -> str:
    times = [f"DTSTART:{begins}Z", f"DTEND:{ends}Z"]
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{summary}", *times, *more, "END:VEVENT"])


def listed(setting: Setting) -> list[tuple[str, str, str]]:
    setting.start()
    text = setting.ask("/api/maintenance")[1]
    setting.close()
    found = json.loads(text)["maintenance"]
    return [
        (each["planned"]["uid"], each["planned"]["reason"], each["revoke_reason"] or "") for each in found
    ]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert cli.main(["maintenance", "import", *words, *ANN]) == 0
    return capsys.readouterr().out.splitlines()


def test_an_event_is_excluded_once_and_follows_its_file(
    setting: Setting, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One slot of 1000 events, then two: 4000 are 3000 and 2000."""
    file = tmp_path / "a.ics"
    name = calendar(file, event("u1", "20231114T222000", "20231114T222500"))
    assert run(capsys, name, "--sla", KEY, "--dry-run") == [
        "added: maintenance 1 of api-error-rate: disks (UID u1),"
        " 2023-11-14 22:20 UTC to 2023-11-14 22:25 UTC; added afterwards",
        f"{name}: 1 event, of which 1 would change something",
    ]
    assert (total(setting), listed(setting)) == (4000, [])
    assert run(capsys, name, "--sla", KEY)[-1] == f"{name}: 1 event, of which 1 changed something"
    assert (total(setting), listed(setting)) == (3000, [("u1", "disks", "")])
    assert run(capsys, name, "--sla", KEY) == [f"{name}: 1 event, of which 0 changed something; 1 unchanged"]
    assert listed(setting) == [("u1", "disks", "")]

    calendar(file, event("u1", "20231114T222000", "20231114T223000"))
    assert run(capsys, name, "--sla", KEY)[0] == (
        "changed: maintenance 2 of api-error-rate: disks (UID u1), 2023-11-14 22:20 UTC to"
        " 2023-11-14 22:30 UTC; maintenance 1 revoked; time that is over counts otherwise now"
    )
    assert total(setting) == 2000
    assert listed(setting) == [("u1", "disks", "import of a.ics: changed"), ("u1", "disks", "")]

    calendar(file, event("u1", "20231114T222000", "20231114T223000", "STATUS:CANCELLED"))
    assert run(capsys, name, "--sla", KEY)[0].startswith("cancelled: api-error-rate: disks (UID u1); maint")
    assert total(setting) == 4000
    calendar(file, event("u1", "20231114T222000", "20231114T223000"))
    run(capsys, name, "--sla", KEY)
    assert total(setting) == 2000


def test_what_somebody_revoked_by_hand_stays_revoked_until_the_event_changes(
    setting: Setting, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = calendar(tmp_path / "a.ics", event("u1", "20231114T222000", "20231114T222500"))
    run(capsys, name, "--all")
    assert cli.main(["maintenance", "revoke", "1", *WHO]) == 0
    capsys.readouterr()
    assert (
        "left as it is: maintenance 1 of all SLAs: disks (UID u1); it was ended"
        in run(capsys, name, "--all")[0]
    )
    assert total(setting) == 4000
    calendar(tmp_path / "a.ics", event("u1", "20231114T221500", "20231114T222000"))
    run(capsys, name, "--all")
    assert total(setting) == 3000


def test_categories_say_of_what_and_an_event_that_is_gone_is_only_named(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = event("u1", "20231114T222000", "20231114T222500", "CATEGORIES:Reliability")
    two = event("u2", "20991114T222000", "20991114T222500", f"CATEGORIES:{KEY}", summary="racks")
    name = calendar(tmp_path / "a.ics", one, two)
    run(capsys, name)
    assert total(setting) == 3000
    calendar(tmp_path / "a.ics", one)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((tmp_path / "a.ics").read_bytes())))
    assert run(capsys, "-") == [
        "not in the file: maintenance 2 of api-error-rate: racks (UID u2); if it is not planned any more:"
        " sla maintenance revoke 2",
        "(standard input): 1 event, of which 0 changed something; 1 unchanged",
    ]
    assert [each[0] for each in listed(setting)] == ["u1", "u2"]


def test_the_times_to_come_of_a_recurring_event_change_and_those_that_are_over_stay(
    setting: Setting, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each year on the 14th of November, 22:20 to 22:25; then one time more in 2098."""
    rule = "RRULE:FREQ=YEARLY;UNTIL=20270101T000000Z"
    name = calendar(tmp_path / "a.ics", event("u1", "20231114T222000", "20231114T222500", rule))
    run(capsys, name, "--all", "--from", "2023-01-01")
    assert total(setting) == 3000
    gone = "RDATE:20980301T000000Z"
    calendar(tmp_path / "a.ics", event("u1", "20231114T222000", "20231114T222500", rule, gone))
    assert run(capsys, name, "--all")[0] == (
        "changed: maintenance 2 of all SLAs: disks (UID u1), 2098-03-01 00:00 UTC to 2098-03-01 00:05 UTC"
    )
    assert listed(setting) == [("u1", "disks", ""), ("u1", "disks", "")]  # nothing was revoked
    assert run(capsys, name, "--all")[0].endswith("1 unchanged")
    assert total(setting) == 3000


@pytest.mark.parametrize(
    ("text", "words", "lines"),
    [
        (None, ["--all"], ["error: a.ics: cannot be read (No such file or directory); give an .ics file"]),
        (
            event("u1", "20231114T222000", "20231114T222500"),
            [],
            [
                "error: a.ics:3 (UID 'u1'): the event has no CATEGORIES that say of what it is;"
                " give --sla, --category or --all"
            ],
        ),
        (
            event("u1", "20231114T222000", "20231114T222500", "CATEGORIES:reliabilty"),
            [],
            [
                "error: a.ics:8 (UID 'u1'): CATEGORIES 'reliabilty': names neither an SLA nor a category of"
                " SLAs; correct it (availability, performance, reliability or the key of an SLA), or give"
                " --sla, --category or --all"
            ],
        ),
        (
            event("u1", "20231114T222000", "20231114T222500") + "\n" + event("u2", "x", "y"),
            ["--all"],
            [
                "error: a.ics:12 (UID 'u2'): DTSTART 'xZ': cannot be read; give a time like 20260301T020000Z,"
                " or a day with VALUE=DATE"
            ],
        ),
        (
            event("u1", "20231114T222000", "20231114T222500"),
            ["--sla", "nothing"],
            ["error: a.ics: UID 'u1': --sla nothing: there is no such SLA; give one of"],
        ),
    ],
)
def test_a_calendar_that_cannot_be_imported_changes_nothing(
    setting: Setting,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    text: str | None,
    words: list[str],
    lines: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        calendar(tmp_path / "a.ics", text)
    assert cli.main(["maintenance", "import", "a.ics", *words, *ANN]) == 1
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == len(lines)
    assert all(each.startswith(line) for each, line in zip(printed, lines, strict=True))
    assert listed(setting) == []


def test_the_service_that_runs_imports_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path) as setting:
        name = calendar(tmp_path / "a.ics", event("u1", "20231114T221000", "20231114T222000"))
        words = ("maintenance", "import", name, "--all", *ANN)
        assert command(monkeypatch, setting, *words, "--dry-run") == 0
        assert json.loads(setting.ask("/api/maintenance")[1])["maintenance"] == []
        assert command(monkeypatch, setting, *words) == 0
        assert "added: maintenance 1 of all SLAs: disks (UID u1)" in capsys.readouterr().out
        [found] = json.loads(setting.ask("/api/maintenance")[1])["maintenance"]
        assert (found["planned"]["uid"], found["planned"]["author"]) == ("u1", "ann")
