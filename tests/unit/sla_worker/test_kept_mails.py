"""The daily report and the mail of a breach: figures by hand, and as they are kept in reports/."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from e2e.report_tables import day_table_of_html, day_table_of_text
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.delivery.kinds import Sources, breach, daily, long
from sla_worker.grid import Grid
from sla_worker.model import Mail
from sla_worker.settings import read_settings
from unit.sla_worker.fake_prometheus import THREE
from unit.sla_worker.report_ledger import BERLIN, ERRORS, HOSTILE, HOUR, NOW, UPTIME, epoch, ledger

KEPT = Path(__file__).parent / "reports"
HOURS = Grid(HOUR, 15)
END = epoch("2026-11-22T00:00")
TITLES = {"API Error Rate", "API Response Time P95", "Platform Uptime"}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SLADatabase]:
    database = ledger(tmp_path_factory.mktemp("mails") / "sla.db")
    yield database
    database.close()


def mail(database: SLADatabase, kind: str) -> Mail:
    if kind == "daily":
        return mail_of_day(database)
    sources = Sources(database, read_settings({"REPORT_TIMEZONE": BERLIN.key}), NOW)
    [found] = [each for each in database.breaches_between(END - 86_400, END) if each.key == ERRORS]
    return breach(sources, found.id)


def test_the_figures_of_the_day_are_those_of_a_count_by_hand(known: SLADatabase) -> None:
    """On 21 November 24,000 requests came and 336 of them failed: 1.40 % bad, 98.60 % good.

    The month had 21 days until then: of 504,000 requests 504 may fail, and 336 did; 0.1 % of 30,240
    minutes are 30.24. The latency was not measured on the 18th: 5 % of 480,000 requests may be slow.
    """
    made = mail(known, "daily")
    table = day_table_of_text(made.text, TITLES)
    assert table == {
        "API Error Rate": [
            "API Error Rate", "≤ 0.1 %", "1.40 %", "98.60 %", "100.00 %", "−1.40 points", "33.33 %",
            "168 of 504 bad events", "fail",
        ],
        "API Response Time P95": [
            "API Response Time P95", "≤ 5 s", "100.00 % within 5 s", "100.00 %", "100.00 %", "no change",
            "100.00 %", "24,000 of 24,000 bad events", "pass",
        ],
        "Platform Uptime": [
            "Platform Uptime", "≥ 99.9 %", "100.00 %", "100.00 %", "100.00 %", "no change", "100.00 %",
            "30.2 of 30.2 min", "pass",
        ],
    }  # fmt: skip
    assert day_table_of_html(made.html, TITLES) == table
    said = (
        "66.67 % (targets missed)",
        "100.00 % (−33.33 points), 3 of 3 SLAs met their target, 100.00 % measured",
    )
    assert all(words in made.text for words in said)
    assert "−33.33 points from the day before" in made.html
    for part in (made.text, made.html):
        assert "1 in the period" in part  # of its breaches none lasts
    assert made.subject == "Daily SLA report 2026-11-22: targets missed, no active breach"  # 2 of 3 are met


def mail_of_day(database: SLADatabase) -> Mail:
    return daily(Sources(database, read_settings({"REPORT_TIMEZONE": BERLIN.key}), NOW), END)


def of_day(database: SLADatabase, end: str, title: str) -> list[str]:
    """Change, budget left and what is still allowed, as the daily report that ends then says it."""
    settings = read_settings({"REPORT_TIMEZONE": BERLIN.key})
    made = daily(Sources(database, settings, NOW), epoch(end))
    cells = day_table_of_text(made.text, TITLES)[title]
    assert day_table_of_html(made.html, TITLES)[title] == cells
    return cells[5:8]


def test_a_change_that_cannot_be_known_is_a_dash_and_why(known: SLADatabase) -> None:
    """The latency was not measured on 18 November; the ledger begins with 1 September."""
    latency = "API Response Time P95"
    assert of_day(known, "2026-11-19T00:00", latency)[0] == "— (no data)"
    assert of_day(known, "2026-11-20T00:00", latency)[0] == "— (no data before)"
    assert of_day(known, "2026-11-21T00:00", latency)[0] == "no change"
    # 5 % of the 24,000 requests of one day
    assert of_day(known, "2026-09-02T00:00", latency) == [
        "— (not there before)", "100.00 %", "1,200 of 1,200 bad events",
    ]  # fmt: skip


def test_the_budget_is_that_of_the_month_that_the_day_belongs_to(known: SLADatabase) -> None:
    """149 errors in October, of 745,000 requests in 745 hours; November has 9,000 until nine."""
    errors = "API Error Rate"
    assert of_day(known, "2026-11-01T00:00", errors)[1:] == ["80.00 %", "596 of 745 bad events"]
    assert of_day(known, "2026-11-01T09:00", errors)[1:] == ["100.00 %", "9 of 9 bad events"]
    # 60 minutes of 20 October, of the 29.34 allowed in the 489 hours until nine o'clock of the 21st
    uptime = of_day(known, "2026-10-21T09:00", "Platform Uptime")
    assert uptime == ["+4.17 points", "−104.50 %", "−30.7 of 29.3 min"]


def test_figures_of_two_versions_are_not_compared(tmp_path: Path) -> None:
    """From 22 November, 9:00, 0.2 % may fail: nothing is compared with what was judged by 0.1 %."""
    ledger(tmp_path / "sla.db").close()
    then, border = epoch("2026-11-22T08:30"), epoch("2026-11-22T09:00")
    looser = [replace(each, target=0.002) if each.key == ERRORS else each for each in read_definitions(THREE)]
    with closing(SLADatabase(tmp_path / "sla.db", grid=HOURS, zone=BERLIN, clock=lambda: then)) as changing:
        changing.sync_definitions(looser)
        assert changing.versions()[ERRORS][1].valid_from == border
    with closing(SLADatabase(tmp_path / "sla.db", grid=HOURS, zone=BERLIN, clock=lambda: NOW)) as database:
        errors = "API Error Rate"
        changes = {day: of_day(database, f"2026-11-{day}T09:00", errors)[0] for day in (21, 22, 23, 24)}
        assert changes == {
            21: "no change", 22: "−1.40 points", 23: "— (new version)", 24: "no change",
        }  # fmt: skip
        sources = Sources(database, read_settings({"REPORT_TIMEZONE": BERLIN.key}), NOW)
        content = json.loads(daily(sources, border + 86_400).attachments[1].content)
        [row] = [each for each in content["rows"] if each["sla"] == ERRORS]
        assert (row["compliance_change"], row["no_change_because"]) == (None, "new version")
        week = long(sources, "weekly", epoch("2026-11-23T00:00")).text
        assert re.search("^API Error Rate: .*; change — \\(new version\\); ", week, re.MULTILINE)


def test_the_files_of_the_day_hold_the_same_figures(known: SLADatabase) -> None:
    table, content = mail(known, "daily").attachments
    assert (table.name, content.name) == ("sla-daily-2026-11-22.csv", "sla-daily-2026-11-22.json")
    said = json.loads(content.content)
    rows = {each["sla"]: each for each in csv.DictReader(io.StringIO(table.content.decode("utf-8-sig")))}
    [errors] = [each for each in said["rows"] if each["sla"] == ERRORS]
    assert (errors["month_bad"], errors["month_allowed"]) == (336, pytest.approx(504))
    assert errors["month_budget_left_ratio"] == pytest.approx(168 / 504)
    assert errors["compliance_change"] == pytest.approx(-336 / 24_000)
    assert errors["no_change_because"] is None
    assert rows[ERRORS]["month_budget_left_ratio"] == str(errors["month_budget_left_ratio"])
    assert rows[ERRORS]["compliance_change"] == str(errors["compliance_change"])
    assert said["slas_met"] == 2


def test_names_that_people_wrote_are_escaped_in_the_mail_of_the_day(tmp_path: Path) -> None:
    names = {ERRORS: HOSTILE, UPTIME: "=HYPERLINK(1)"}
    with closing(ledger(tmp_path / "sla.db", names=names, begin="2026-11-19T00:00")) as database:
        made = mail_of_day(database)
    assert "<b>{{" not in made.html
    assert "&lt;b&gt;{{ 7*7 }}&lt;/b&gt;" in made.html
    assert "49</b>" not in made.html
    rows = list(csv.DictReader(io.StringIO(made.attachments[0].content.decode("utf-8-sig"))))
    assert {each["name"] for each in rows} >= {"'=HYPERLINK(1)", HOSTILE}


def test_a_row_of_the_day_is_small_enough_for_42_of_them_in_half_of_100_kilobytes(known: SLADatabase) -> None:
    """The rest of a daily mail of the shipped SLAs takes 20 KB on the wire, and a row of its text 0.2 KB."""
    rows = re.findall(r'<tr class="figures[^>]*><td.*?</tr>', mail(known, "daily").html, re.DOTALL)
    assert len(rows) == 3
    assert max(map(len, rows)) < 450


def test_no_line_ends_between_a_number_and_its_unit(known: SLADatabase) -> None:
    """On a phone "after 1 h" does not fit beside the time, and "h" stood in a line of its own."""
    assert "after 1\N{NO-BREAK SPACE}h" in mail(known, "breach").html
    assert "33.60\N{NO-BREAK SPACE}%" in mail(known, "breach").html


def test_the_mail_of_a_breach_says_all_that_there_is(known: SLADatabase) -> None:
    """In the hour from 10:00 on 336 of 1,000 requests failed."""
    made = mail(known, "breach")
    plain = re.sub("</?span[^>]*>", "", html.unescape(made.html)).replace("\N{NO-BREAK SPACE}", " ")
    assert made.subject == "[critical] SLA breached: API Error Rate"
    for words in (
        "2026-11-21 10:00 CET",  # since
        "2026-11-21 11:00 CET, after 1 h",  # ended
        "≤ 0.1 %",
        "33.60 %",
        "critical",
        # One hour before the breach to one after it, in milliseconds.
        "http://localhost:3002/d/insa-sla-monitoring?viewPanel=81&var-sla=api-error-rate"
        f"&from={epoch('2026-11-21T09:00')}000&to={epoch('2026-11-21T12:00')}000",
        "http://localhost:8080/explain?sla=api-error-rate&period=2026-11-21",
    ):
        assert words in made.text
        assert words in plain


@pytest.mark.parametrize("kind", ["daily", "breach"])
def test_the_mail_is_as_it_is_kept(known: SLADatabase, kind: str) -> None:
    """WRITE_REPORTS=1 writes them again; look at what changed."""
    made = mail(known, kind)
    for ending, text in (("txt", made.text), ("html", made.html)):
        kept = KEPT / f"{kind}.{ending}"
        if os.environ.get("WRITE_REPORTS"):
            kept.write_text(text, encoding="utf-8")
        assert text == kept.read_text(encoding="utf-8"), f"{kept.name}: WRITE_REPORTS=1 pytest {__file__}"
