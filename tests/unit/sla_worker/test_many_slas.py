"""Reports of hundreds of SLAs: mails that are shown whole, files that have all, what the child is given."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from programs import pages_of
from sla_worker import draw
from sla_worker.database import SLADatabase
from sla_worker.drawing.__main__ import drawn
from sla_worker.model import PRINTED, Attachment, Breach, Comparison, Line, LongReport, Mail, Sheet
from sla_worker.periodic import day_report, long_report
from sla_worker.render.charts import burn_down, deciding
from sla_worker.render.daily import daily_mail
from sla_worker.render.periodic import long_mail
from sla_worker.render.room import Room, fitted
from sla_worker.sent import packed, unpacked
from unit.sla_worker.report_ledger import BERLIN, ERRORS, NOW, UPTIME, epoch, ledger

ENDS = {"daily": "2026-11-22T00:00", "weekly": "2026-11-23T00:00", "monthly": "2026-11-01T00:00"}
MOST = 100_000  # bytes of HTML


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SLADatabase]:
    database = ledger(tmp_path_factory.mktemp("many") / "sla.db")
    yield database
    database.close()


def report(database: SLADatabase, kind: str) -> LongReport:
    end = epoch(ENDS[kind])
    if kind == "daily":
        return day_report(database, title="Daily", end=end, now=NOW, zone=BERLIN)
    return long_report(database, kind=kind, title=kind, end=end, now=NOW, zone=BERLIN)


def many(one: LongReport, times: int, name: str = "") -> LongReport:
    """The report with its three SLAs so many times, each under its own key and name."""
    lines = tuple(copied(line, number, name) for number in range(times) for line in one.lines)
    whole = replace(one.whole, statuses=tuple(each.status for each in lines))
    return replace(one, whole=whole, lines=lines)


def copied(line: Line, number: int, name: str) -> Line:
    status = replace(
        line.status, key=f"{line.status.key}-{number}", name=f"{name or line.status.name} {number:03d}"
    )
    return replace(line, status=status)


def mail(of: LongReport) -> Mail:
    return daily_mail(of, BERLIN, {}) if of.kind == "daily" else long_mail(of, BERLIN, {})


def content(file: Attachment) -> bytes:
    """What is in a file, or in the archive that it went in."""
    if file.media_type != "application/zip":
        return file.content
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert archive.namelist() == [file.name.removesuffix(".zip")]
        return archive.read(archive.namelist()[0])


def named(text: str) -> set[str]:
    """The SLAs that a mail names."""
    return set(re.findall(r"(?:API Error Rate|API Response Time P95|Platform Uptime) \d{3}", text))


@pytest.mark.parametrize("kind", ENDS)
def test_a_mail_has_room_for_the_worst_of_hundreds_and_its_files_have_all(
    known: SLADatabase, kind: str
) -> None:
    """Of 1,200 SLAs 400 missed their target: 40 of them are in both parts, and 1,160 others are counted.

    In October the uptime did, on 21 November the errors. All rows would be 0.5 to 1.5 MB of HTML.
    """
    made = mail(many(report(known, kind), 400))
    assert len(made.html.encode()) <= MOST
    failed = "Platform Uptime" if kind == "monthly" else "API Error Rate"
    for part in (made.text, made.html):
        rows = {each for each in named(part) if each.startswith(failed)}
        assert len(rows) == 40
        if kind == "daily":
            assert "1,160 more: 360 fail, 800 pass. All are in the CSV and the JSON" in part
        else:
            assert "Of 1,200 SLAs and components these are the 40 to look at first." in part
            assert re.search(r"\b360 more: 360 fail\.|\b400 SLAs and components: 400 pass", part)
            counts = [int(each) for each in re.findall(r"(\d+) (?:more:|SLAs and components:)", part)]
            assert sum(counts) == 1160
    table, data = made.attachments
    assert (data.media_type, data.name[-9:]) == ("application/zip", ".json.zip")
    rows = list(csv.DictReader(io.StringIO(content(table).decode("utf-8-sig"))))
    assert len(rows) == len({each["sla"] for each in rows}) == 1200
    found: dict[str, Any] = json.loads(content(data))
    assert [each["sla"] for each in found["rows"]] == [each["sla"] for each in rows]
    assert sum(len(each.content) for each in made.attachments) < 300_000


@pytest.mark.parametrize("kind", ENDS)
def test_sixty_stand_in_it_whole(known: SLADatabase, kind: str) -> None:
    made = mail(many(report(known, kind), 20))
    for part in (made.text, made.html):
        assert len(named(part)) == 60
        assert "more:" not in part
        assert "to look at first" not in part
    assert [each.media_type for each in made.attachments] == ["text/csv", "application/json"]


@pytest.mark.parametrize("kind", ENDS)
def test_long_names_leave_room_for_fewer(known: SLADatabase, kind: str) -> None:
    """Sixty names of 1,500 letters are 90 KB, without anything else."""
    made = mail(many(report(known, kind), 20, name="long " * 300))
    assert len(made.html.encode()) <= MOST
    assert "… and" in made.text or "more:" in made.text


def test_where_not_even_a_few_fit_a_few_are_shown() -> None:
    html, room = fitted(lambda room: "x" * 30_000 * len(room.of(range(100))))
    assert (len(html), room) == (120_000, Room(4, 4))


def test_of_many_breaches_the_most_severe_are_named() -> None:
    found = [breach(number, "low" if number else "critical") for number in range(100, -1, -1)]
    room = Room(60, 40)
    assert [each.id for each in room.breaches(found)] == [0, *range(100, 61, -1)]
    assert room.breaches(found[:60]) == found[:60]
    assert room.lines(["a"] * 61)[-1] == "… and 21 more."
    assert room.lines(["a"] * 60) == ["a"] * 60


def breach(number: int, severity: str) -> Breach:
    return Breach(
        id=number, name="A", key="a", component="all", description="", severity=severity, unit="ratio",
        comparison=Comparison.AT_LEAST, target=0.9, worst=0.5, started_at=0, ended_at=None,
    )  # fmt: skip


def test_a_file_in_an_archive_is_kept_and_given_as_it_is(known: SLADatabase) -> None:
    made = mail(many(report(known, "daily"), 400))
    again = mail(many(report(known, "daily"), 400))
    assert made.attachments == again.attachments  # byte by byte: one is kept for all who got the same
    kept = unpacked(packed(made))
    for media_type, file in zip(("text/csv", "application/json"), made.attachments, strict=True):
        found = kept.file(media_type)
        assert found is not None
        assert (found.name, found.media_type) == (file.name.removesuffix(".zip"), media_type)
        assert found.content == content(file)
    assert kept.file("application/pdf") is None


# --- what the child that draws is given


def test_the_child_is_given_the_days_of_what_it_prints(known: SLADatabase) -> None:
    """Of 900 SLAs those of 500: the 300 that missed their target, and of the others the first."""
    october = many(report(known, "monthly"), 300)
    sheet = Sheet(october, BERLIN.key, "x")
    lean = draw._lean(sheet).report
    with_days = [each for each in lean.lines if each.days]
    assert len(lean.lines) == 900
    assert len(with_days) == PRINTED
    assert sum(each.status.key.startswith(UPTIME) for each in with_days) == 300
    assert burn_down(lean) == burn_down(october)
    size = len(msgspec.msgpack.encode(draw._lean(sheet)))
    assert size < 0.7 * len(msgspec.msgpack.encode(sheet))


def test_charts_alone_take_the_few_that_they_show(known: SLADatabase) -> None:
    october = many(report(known, "monthly"), 300)
    sheet = draw._lean(Sheet(october, BERLIN.key, "x", pdf=False))
    assert list(sheet.report.lines) == deciding(october)
    assert len(msgspec.msgpack.encode(sheet)) < 50_000
    one = drawn(replace(sheet, charts=True))
    assert one.trouble is None
    assert one.charts == drawn(Sheet(october, BERLIN.key, "x", pdf=False)).charts


def test_the_pdf_prints_what_failed_in_the_last_category_too(known: SLADatabase) -> None:
    """With room for 500 of 1,500, all 500 that missed their target are in it, whatever stands before them."""
    made = drawn(Sheet(many(report(known, "monthly"), PRINTED), BERLIN.key, "x", charts=False))
    assert made.trouble is None
    text = "".join(pages_of(made.pdf or b""))
    assert set(re.findall(r"(\S+ \S+) \d{3} +[✓✗]{31} ", text)) == {"Platform Uptime"}
    assert len(re.findall(r" \d{3} +[✓✗]{31} ", text)) == PRINTED
    assert "The 500 to look at first; 1,000 more are in the CSV and the JSON" in " ".join(text.split())


# --- what breaches burned


def test_the_sums_of_a_breach_are_those_of_all_series_at_that_time(known: SLADatabase) -> None:
    """By slots, by hours and days, and of what is not there."""
    found = known.breaches_between(0, NOW)
    assert {each.key for each in found} == {ERRORS, UPTIME}
    spans = [(each.started_at, each.ended_at or NOW) for each in found]
    longer = [(start - 3 * 86_400, end + 86_400) for start, end in spans]
    for wanted in (spans, longer, [(0, 0)] * len(spans)):
        whole = known.sums_between(wanted)
        alone = known.sums_of_breaches(list(zip(found, wanted, strict=True)))
        assert alone == [
            sums.get((each.key, each.component)) for each, sums in zip(found, whole, strict=True)
        ]
    gone = replace(found[0], key="gone")
    assert known.sums_of_breaches([(gone, spans[0])]) == [None]
    assert known.sums_of_breaches([]) == []
