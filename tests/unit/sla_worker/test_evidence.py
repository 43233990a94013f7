"""The evidence of a month: the same bytes twice, and whatever is changed in it is found and named."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sla_worker import cli
from sla_worker.errors import SLAWorkerError
from sla_worker.evidence import EvidenceError, verify, write_evidence, write_former
from sla_worker.evidence.archive import write_archive
from sla_worker.evidence.files import CONTENTS, FORMER, LINES, SUMS
from sla_worker.model import BeganBreach, BreachAlert, Causes, CountsAs
from sla_worker.months import written
from unit.sla_worker.databases import Place
from unit.sla_worker.month_ledger import BAD, END, ERRORS, LATENCY, START, STEP, March, at, with_credits

LATER = END + 3 * STEP


def evidence(march: March, target: Path) -> Path:
    month = march.database.months.get("2026-03")
    assert month is not None
    write_evidence(march.database, month, target)
    return target


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, files: Mapping[str, bytes]) -> Path:
    """An archive of these files, as somebody else would make it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[March]:
    """March with three hours of errors excluded, and two of web alone by a correction; errors have credits.

    When the one breach began, two alerts fired, of which one did long before.
    """
    made = March(tmp_path_factory.mktemp("evidence") / "sla.db", definitions=with_credits())
    made.fill()
    [breach] = made.database.breaches_between(START, END)
    began = BeganBreach(breach.id, breach.key, breach.started_at, 0)
    alerts = (
        BreachAlert("HighErrorRate", "critical", {"agent": "crm, 1"}, BAD - STEP + 60),
        BreachAlert("DiskSpaceLow", "critical", {}, None),
    )
    made.database.causes.store(began, Causes(alerts, 3, BAD))
    made.exclude(at("2026-03-29T00:00"), at("2026-03-29T04:00"), ERRORS.key)  # three hours: one is missing
    made.correct(at("2026-03-12T00:00"), at("2026-03-12T02:00"), CountsAs.EXCLUDED, "web")
    made.turn(LATER)
    yield made
    made.close()


@pytest.fixture(scope="module")
def archive(ledger: March, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evidence(ledger, tmp_path_factory.mktemp("archive") / "one.zip")


def test_it_is_the_same_bytes_twice_and_its_own_check_accepts_it(
    ledger: March, archive: Path, tmp_path: Path
) -> None:
    again = evidence(ledger, tmp_path / "two.zip")
    assert again.read_bytes() == archive.read_bytes()
    assert verify(archive) == []
    assert list(contents(archive)) == [*CONTENTS, LINES, SUMS]


def test_the_counts_are_those_of_each_hour(archive: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(contents(archive)["counts.csv"].decode())))
    # 743 hours of five series.
    assert len(rows) == 743 * 5
    crm = [row for row in rows if (row["sla"], row["component"]) == (ERRORS.key, "crm")]
    [bad] = [row for row in crm if row["start"] == "2026-03-10T10:00:00Z"]  # 11:00 in Berlin
    assert [bad[name] for name in ("end", "good", "total", "measured_slots", "version")] == [
        "2026-03-10T11:00:00Z", "60", "100", "1", "1",
    ]  # fmt: skip
    # Of the three hours that are excluded nothing counts; what was measured stands beside it.
    assert sum(float(row["total"]) for row in crm) == 74_000
    assert sum(float(row["total_as_measured"]) for row in crm) == 74_300
    report = json.loads(contents(archive)["report.json"])
    [figure] = [each for each in report["slas"] if each["component"] == "crm"]
    assert (figure["good"], figure["total"]) == (73_960, 74_000)
    assert figure["excluded_seconds"] == 3 * 3600


def test_it_says_which_alerts_fired_at_a_breach_and_what_is_owed_by_the_tiers(archive: Path) -> None:
    files = {name: data.decode() for name, data in contents(archive).items()}
    # 40 of 100 failed in the slot from 11:00 to 12:00 in Berlin, 10:00 to 11:00 UTC.
    assert files["breach_alerts.csv"].splitlines() == [
        "breach,alertname,severity,since,labels,remark",
        '1,HighErrorRate,critical,2026-03-10T10:01:00Z,"{""agent"": ""crm, 1""}",',
        "1,DiskSpaceLow,critical,,{},since long before",
        "1,,,,,1 more alerts",
    ]
    tiers = "below 99.95: 10; below 99.9: 25,60,10,2026-04-30"
    # 73,960 of 74,000 are 99.946 %. Of web 738 hours count: 743, less three of maintenance and two corrected.
    assert files["credits.csv"].splitlines() == [
        "sla,component,good,total,compliance_ratio,coverage_ratio,credit_percent,below_percent,reason,tiers,"
        "yearly_cap,least_amount,claim_until",
        f"{LATENCY.key},all,0,0,,1.0,,,no events,{tiers}",
        f"{ERRORS.key},crm,73960,74000,{73960 / 74000!r},1.0,10,99.95,,{tiers}",
        f"{ERRORS.key},web,73800,73800,1.0,1.0,0,,,{tiers}",
    ]
    text = "2026-03-10 11:00 CET: HighErrorRate, critical, since 2026-03-10 11:01 CET; DiskSpaceLow"
    assert text in files["report.txt"]


def test_what_a_former_version_has_written_is_checked_as_it_was(archive: Path, tmp_path: Path) -> None:
    """It had neither alerts nor credits; who leaves out one of them, or takes them out, is named."""
    texts = {name: [data.decode()] for name, data in contents(archive).items()}
    former = {name: text for name, text in texts.items() if name in FORMER}
    write_archive(tmp_path / "former.zip", former)
    assert list(contents(tmp_path / "former.zip")) == [*FORMER, LINES, SUMS]
    assert verify(tmp_path / "former.zip") == []
    write_archive(tmp_path / "one.zip", {**former, "credits.csv": texts["credits.csv"]})
    assert [str(each) for each in verify(tmp_path / "one.zip")] == ["breach_alerts.csv: is missing"]
    files = {
        name: data
        for name, data in contents(archive).items()
        if name not in {"credits.csv", "breach_alerts.csv"}
    }
    found = [str(each) for each in verify(packed(tmp_path / "taken.zip", files))]
    assert any("names no file of the archive" in each and "credits.csv" in each for each in found)


def test_the_checksums_are_those_of_sha256sum(archive: Path) -> None:
    files = contents(archive)
    for line in files[SUMS].decode().splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256(files[name]).hexdigest() == digest


@pytest.mark.parametrize("name", [*CONTENTS, LINES, SUMS])
@pytest.mark.parametrize("which", [0.1, 0.5, 0.95])
def test_one_changed_digit_in_any_file_is_found_and_named(
    archive: Path, tmp_path: Path, name: str, which: float
) -> None:
    files = contents(archive)
    digits = [match.start() for match in re.finditer(rb"[0-9]", files[name])]
    at_ = digits[int(which * len(digits))]
    data = bytearray(files[name])
    data[at_] = ord("0") + (data[at_] - ord("0") + 1) % 10
    files[name] = bytes(data)
    found = verify(packed(tmp_path / "changed.zip", files))
    line = data[:at_].count(b"\n") + 1
    named = [(each.file, each.line) for each in found]
    assert (name, line) in named, found
    if name in CONTENTS:  # with what it says now
        said = [str(each) for each in found if (each.file, each.line) == (name, line)]
        assert f"{name}:{line}: was changed: {data.decode().splitlines()[line - 1][:160]}" in said


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        # Who makes the checksums again is found by the counts.
        ("report.json", '"good": 73960.0', '"good": 73990.0', '73990.0, but the counts give "good": 73960.0'),
        ("counts.csv", "crm,1,60,100,", "crm,1,90,100,", 'but the counts give "good": 73990.0'),
        ("counts.csv", "crm,1,60,100,1,", "crm,1,60,100,0,", "but the counts give \"coverage_ratio\": 0.99"),
        ("definitions.json", '"target": 0.001', '"target": 0.5', "its content has another target"),
        ("series.csv", "web,2026-02-28T23", "web,2026-03-01T23", 'by report.json it is'),
        ("left_out.csv", "03-29T02:00:00Z", "03-29T03:00:00Z", "by report.json it is"),
        ("breach_alerts.csv", "10:01:00Z", "10:02:00Z", "report.json has"),
        ("credits.csv", ",10,99.95,", ",25,99.9,", "but the counts give"),
        ("report.json", "DiskSpaceLow", "DiskSpaceOk", "report.json has"),
        ("breaches.csv", "2026-03-10T11:00:00Z", "2026-03-10T12:00:00Z", "report.json has"),
    ],
)  # fmt: skip
def test_a_change_with_new_checksums_is_found_by_what_the_rest_says(
    archive: Path, tmp_path: Path, *, name: str, old: str, new: str, said: str
) -> None:
    texts = {each: [data.decode()] for each, data in contents(archive).items()}
    [text] = texts[name]
    assert old in text
    texts[name] = [text.replace(old, new, 1)]
    changed = tmp_path / "changed.zip"
    write_archive(changed, texts)
    found = verify(changed)
    assert any(said in str(each) for each in found), found


def _other(name: str, value: Any) -> Callable[[dict[str, str]], None]:
    """Another value in the report, written as a report is."""

    def change(texts: dict[str, str]) -> None:
        texts["report.json"] = written(json.loads(texts["report.json"]) | {name: value})

    return change


def _text(name: str, old: str, new: str) -> Callable[[dict[str, str]], None]:
    def change(texts: dict[str, str]) -> None:
        assert old in texts[name]
        texts[name] = texts[name].replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_other("month", "2026-04"), "its start and end are not those of 2026-04 in Europe/Berlin"),
        (_other("start", -(10**15)), "its start and end are not those of 2026-03 in Europe/Berlin"),
        (_other("end", 10**25), "its start and end are not those of 2026-03"),
        (_other("timezone", "Europe"), "no timezone 'Europe'"),
        (_other("slot_seconds", 1e300), "no slot has 1e+300 seconds"),
        (_other("slot_seconds", 10**30), "no slot has 1000000"),
        (_text("report.txt", "2026-03", "2026-02"), "report.json makes it"),
        (_text("counts.csv", "crm,1,60,", "crm,2,60,"), "version 2, but version 1 was in force"),
        (_text("counts.csv", "crm,1,60,", f"crm,{10**30},60,"), "but version 1 was in force"),
        (
            _text("counts.csv", "2026-03-10T11:00:00Z,api", "2026-03-10T13:00:00Z,api"),
            "is no hour of the month",
        ),
        (_text("counts.csv", ",1,0,60,", f",1,{10**30},60,"), "counts.csv: cannot be counted again"),
        (_text("definitions.json", '"version": 1', f'"version": {10**30}'), "version 1: is missing"),
        (lambda texts: texts.update({"report.json": "[" * 100_000}), "report.json: cannot be counted again"),
        (
            lambda texts: texts.update({"definitions.json": "[" * 100_000}),
            "definitions.json: cannot be counted",
        ),
        (lambda texts: texts.update({"definitions.json": _without_content(texts)}), "its content is missing"),
    ],
)
def test_what_somebody_has_made_up_is_named_and_ends_nothing(
    archive: Path, tmp_path: Path, change: Callable[[dict[str, str]], None], said: str
) -> None:
    texts = {each: data.decode() for each, data in contents(archive).items()}
    change(texts)
    write_archive(tmp_path / "changed.zip", {name: [text] for name, text in texts.items()})
    found = verify(tmp_path / "changed.zip")
    assert any(said in str(each) for each in found), [str(each) for each in found[:5]]


def _without_content(texts: Mapping[str, str]) -> str:
    made = json.loads(texts["definitions.json"])
    for each in made:
        for version in each["versions"]:
            version["content"] = None
    return json.dumps(made)


def test_archives_that_no_evidence_is_are_named_without_reading_them_whole(
    archive: Path, tmp_path: Path
) -> None:
    files = contents(archive)
    [found] = verify(packed(tmp_path / "bomb.zip", {**files, "README.txt": bytes((64 << 20) + 1)}))
    assert str(found) == "README.txt: has 67108865 bytes unpacked; more than 67108864 are not read"
    [found] = verify(packed(tmp_path / "named.zip", {**files, "../x\x1b[1m\nerror: no": b""}))
    assert str(found) == "../x\\x1b[1m\\nerror: no: does not belong here"
    sums = files[SUMS].decode().encode("utf-16")
    assert verify(packed(tmp_path / "utf16.zip", {**files, SUMS: sums}))[0].file == SUMS
    newer = bytearray(archive.read_bytes())
    newer[newer.index(b"PK\x01\x02") + 6] = 99  # the version of zip that is needed
    (tmp_path / "newer.zip").write_bytes(newer)
    with pytest.raises(SLAWorkerError, match=r"newer.zip: cannot be read as an archive \(zip file version"):
        verify(tmp_path / "newer.zip")


def test_a_file_that_is_missing_or_added_is_named(archive: Path, tmp_path: Path) -> None:
    files = contents(archive)
    del files["counts.csv"]
    found = verify(packed(tmp_path / "a.zip", {**files, "more.txt": b""}))
    assert [str(each) for each in found] == ["counts.csv: is missing", "more.txt: does not belong here"]


def test_a_line_that_was_removed_is_found(archive: Path, tmp_path: Path) -> None:
    files = contents(archive)
    lines = files["counts.csv"].splitlines(keepends=True)
    del lines[100]
    files["counts.csv"] = b"".join(lines)
    found = verify(packed(tmp_path / "a.zip", files))
    assert found[0].file == "counts.csv"
    assert found[0].line == 101


@pytest.mark.parametrize("cut", [0.3, 0.999])
def test_what_is_no_archive_any_more_is_one_clear_error(archive: Path, tmp_path: Path, cut: float) -> None:
    data = archive.read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[: int(cut * len(data))])
    with pytest.raises(SLAWorkerError, match=r"cut.zip: cannot be read as an archive .*; give one that"):
        verify(tmp_path / "cut.zip")
    with pytest.raises(SLAWorkerError, match=r"none.zip: cannot be read as an archive"):
        verify(tmp_path / "none.zip")


def test_a_damaged_byte_is_named(archive: Path, tmp_path: Path) -> None:
    data = bytearray(archive.read_bytes())
    data[data.index(b"counts.csv") + 2000] ^= 255
    (tmp_path / "damaged.zip").write_bytes(data)
    [found] = verify(tmp_path / "damaged.zip")
    assert (found.file, found.what.startswith("is damaged")) == ("counts.csv", True)


def test_of_postgresql_it_is_the_same(place: Place, tmp_path: Path) -> None:
    march = March(place.location)
    march.fill(range(END - 47 * STEP, END + 1, STEP))
    march.exclude(END - 4 * STEP, END - 2 * STEP)
    march.turn(LATER)
    assert verify(evidence(march, tmp_path / "one.zip")) == []
    march.close()


def test_the_evidence_of_what_has_changed_since_is_refused(ledger: March, tmp_path: Path) -> None:
    shutil.copy(ledger.location, tmp_path / "sla.db")
    shutil.copy(f"{ledger.location}-wal", tmp_path / "sla.db-wal")
    march = March(tmp_path / "sla.db", definitions=with_credits())
    march.now = LATER
    march.exclude(BAD - STEP, BAD, LATENCY.key, ERRORS.key)
    first = march.database.months.get("2026-03", 1)
    assert first is not None
    with pytest.raises(EvidenceError, match=r"2026-03: was changed .* and is not frozen again yet"):
        write_evidence(march.database, first, tmp_path / "no.zip")
    march.turn(LATER)
    assert verify(evidence(march, tmp_path / "second.zip")) == []
    first = march.database.months.get("2026-03", 1)
    assert first is not None
    with pytest.raises(EvidenceError, match="the ledger has the counts of revision 2 only"):
        write_evidence(march.database, first, tmp_path / "no.zip")
    # What the counts do not give is not handed out: nobody said that they changed.
    march.database._engine.execute("UPDATE sla_hours SET good_events = 1 WHERE hour_start = ?", (START,))
    march.database._engine.execute(
        "UPDATE sla_daily_summaries SET good_events = 1 WHERE day_start = ?", (START,)
    )
    with pytest.raises(EvidenceError, match=r"2026-03: the counts do not give what is frozen: report.json:"):
        evidence(march, tmp_path / "no.zip")
    assert not (tmp_path / "no.zip").exists()
    march.close()


def test_a_former_revision_is_made_again_byte_by_byte_where_it_can_be(tmp_path: Path) -> None:
    """In a copy a window and a correction are undone; another measurement cannot be."""
    march = March(tmp_path / "sla.db", definitions=with_credits())
    march.fill(range(BAD - 30 * STEP, BAD + 10 * STEP, STEP))
    window = march.exclude(BAD - 4 * STEP, BAD - 2 * STEP, ERRORS.key)
    march.turn(LATER)
    first = evidence(march, tmp_path / "first.zip").read_bytes()
    march.revoke(window)
    march.exclude(BAD - STEP, BAD, ERRORS.key)
    march.correct(BAD + STEP, BAD + 2 * STEP, CountsAs.BAD, "web")
    march.turn()

    def again(revision: int) -> bytes:
        month = march.database.months.get("2026-03", revision)
        assert month is not None
        target = tmp_path / f"again-{revision}.zip"
        write_former(march.database, Path(march.location), month, target, zone=ZoneInfo("Europe/Berlin"))
        return target.read_bytes()

    second = evidence(march, tmp_path / "second.zip").read_bytes()
    assert again(1) == first
    assert evidence(march, tmp_path / "unchanged.zip").read_bytes() == second
    march.again(BAD, 10)
    march.correct(BAD + 2 * STEP, BAD + 3 * STEP, CountsAs.BAD, "web")
    march.turn()
    words = r"2026-03: revision 1 cannot be made again, its evidence is what was written then: "
    with pytest.raises(EvidenceError, match=words + "2026-03: the counts do not give what is frozen"):
        again(1)
    assert not list(tmp_path.glob("again-1*.partial"))
    month = march.database.months.get("2026-03", 1)
    assert month is not None
    with pytest.raises(EvidenceError, match="is made from a copy of a ledger in a file only"):
        write_former(march.database, "postgresql://x/y", month, tmp_path / "no.zip", zone=ZoneInfo("UTC"))
    march.close()


def test_the_command_writes_and_checks(
    ledger: March,
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SLA_DATABASE_PATH", str(ledger.location))
    monkeypatch.setenv("SLA_INTERVAL_SECONDS", str(STEP))
    monkeypatch.setenv("REPORT_TIMEZONE", "Europe/Berlin")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["evidence", "2026-03"]) == 0
    target = tmp_path / "sla-evidence-2026-03-r1.zip"
    assert target.read_bytes() == archive.read_bytes()
    assert cli.main(["evidence", "2026-03"]) == 1
    assert "is there already" in capsys.readouterr().err
    # The check reads no settings: these would be refused.
    monkeypatch.setenv("SLA_INTERVAL_SECONDS", "nonsense")
    monkeypatch.setenv("SLA_DATABASE_PATH", "/nowhere/at/all")
    assert cli.main(["evidence", "--verify", str(target)]) == 0
    assert "every figure follows from the counts" in capsys.readouterr().out
    files = contents(target)
    files["counts.csv"] = files["counts.csv"].replace(b"crm,1,60,", b"crm,1,61,")
    assert cli.main(["evidence", "--verify", str(packed(tmp_path / "changed.zip", files))]) == 1
    said = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"error: counts.csv:[0-9]+: was changed: 2026-03-10T10:00:00Z,.*", said[0])
    assert said[-1].startswith("fix:   ask for the archive again")
