"""The weekly and the monthly report: figures by hand, both parts alike, and as they are kept in reports/."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from e2e.report_tables import long_table_of_html, long_table_of_text
from programs import pages_of
from sla_worker.database import SLADatabase
from sla_worker.delivery.message import message
from sla_worker.draw import draw
from sla_worker.model import BeganBreach, BreachAlert, Causes, LongReport, Mail, Sheet, seconds_together
from sla_worker.periodic import long_report
from sla_worker.render.data import harmless
from sla_worker.render.periodic import long_mail, points
from sla_worker.render.summary import summary
from unit.sla_worker.report_ledger import BERLIN, ERRORS, HOSTILE, LATENCY, NOW, UPTIME, epoch, ledger

KEPT = Path(__file__).parent / "reports"
ENDS = {"weekly": "2026-11-23T00:00", "monthly": "2026-11-01T00:00"}
TITLES = {"API Error Rate", "API Response Time P95", "Platform Uptime"}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SLADatabase]:
    database = ledger(tmp_path_factory.mktemp("reports") / "sla.db")
    yield database
    database.close()


def report(database: SLADatabase, kind: str) -> LongReport:
    title = f"{kind.capitalize()} SLA report"
    made = long_report(database, kind=kind, title=title, end=epoch(ENDS[kind]), now=NOW, zone=BERLIN)
    assert re.fullmatch("[0-9a-f]{12}", made.revision)
    return replace(made, revision="0123456789ab")  # what is kept does not change with every key of a policy


def mail(database: SLADatabase, kind: str) -> Mail:
    return long_mail(report(database, kind), BERLIN, {"Status page": "http://localhost:8080/"})


def test_the_figures_of_the_week_are_those_of_a_count_by_hand(known: SLADatabase) -> None:
    """A week has 168 hours: 168,000 requests, of which 168 may fail and 336 did; 167,664 are 99.80 %.

    On Saturday 23,664 of 24,000 were good: 98.60 %. The uptime may miss 0.1 % of 10,080 minutes. Of the
    latency six days of seven were measured, 144,000 requests, of which 5 % may be slow.
    """
    wanted = {
        "API Error Rate": [
            "API Error Rate", "≤ 0.1 %", "98.60 %", "99.80 %", "100.00 %", "100.00 %", "fail", "✓✓✓✓✓✗✓",
            "change −0.20 points; error budget left −100.00 % (−168 of 168 bad events);"
            " in breach 60 of 10,080 min, 0 min excluded",
        ],
        "Platform Uptime": [
            "Platform Uptime", "≥ 99.9 %", "100.00 %", "100.00 %", "100.00 %", "100.00 %", "pass", "✓✓✓✓✓✓✓",
            "no change; error budget left 100.00 % (10 of 10 min); in breach 0 of 10,080 min, 0 min excluded",
        ],
        "API Response Time P95": [
            "API Response Time P95", "≤ 5 s", "100.00 %", "100.00 %", "100.00 %", "85.71 %", "pass so far",
            "✓✓?✓✓✓✓",
            "no change; error budget left 100.00 % (7,200 of 7,200 bad events);"
            " in breach 0 of 10,080 min, 0 min excluded",
        ],
    }  # fmt: skip
    made = mail(known, "weekly")
    assert long_table_of_text(made.text, TITLES) == wanted
    assert long_table_of_html(made.html, TITLES) == wanted
    assert made.subject == "Weekly SLA report 2026-11-16 to 2026-11-22: targets missed, 1 breach"


def test_the_figures_of_the_month_are_those_of_a_count_by_hand(known: SLADatabase) -> None:
    """October has 745 hours in Berlin, 44,700 minutes; 0.1 % of 745,000 requests are 745, and 149 failed.

    744 of 745 hours of scrapes are 99.866 %; 0.1 % of 44,700 minutes are 44.7, and 60 were missed.
    On the 20th 23 of 24 hours were good, 95.83 %; on the 10th 23,851 of 24,000 requests, 99.38 %.
    """
    made = mail(known, "monthly")
    table = long_table_of_text(made.text, TITLES)
    assert long_table_of_html(made.html, TITLES) == table
    assert table["Platform Uptime"][2:7] == ["95.83 %", "99.87 %", "100.00 %", "100.00 %", "fail"]
    assert table["Platform Uptime"][7] == "✓" * 19 + "✗" + "✓" * 11
    assert table["Platform Uptime"][8] == (
        "change −0.13 points; error budget left −34.23 % (−15.3 of 44.7 min);"
        " in breach 60 of 44,700 min, 0 min excluded"
    )  # 1 - 60 / 44.7 = -34.228 %
    assert table["API Error Rate"][2:7] == ["99.38 %", "99.98 %", "100.00 %", "100.00 %", "pass"]
    assert "80.00 % (596 of 745 bad events)" in table["API Error Rate"][8]
    for words in (
        "2 of 3 SLAs kept their target (66.67 %); 3 of 3 did in the period before.",
        "Missed: Platform Uptime (99.87 % good, 99.90 % wanted).",
        "There were 2 breaches, 2 h in total; the longest was API Error Rate,"
        " 1 h from 2026-10-10 12:00 CEST.",
        "An availability SLA was in breach for 1 h.",
        "One incident alone burned 134 % of the error budget of Platform Uptime, from 2026-10-20 03:00 CEST.",
    ):
        assert words in made.text.splitlines()
        assert words in made.html
    assert re.search(r"Platform Uptime +critical +2026-10-20 03:00 CEST +1 h +134.2 %", made.text)
    assert re.search(r"API Error Rate +critical +2026-10-10 12:00 CEST +1 h +20.0 %", made.text)


@pytest.mark.parametrize("kind", ENDS)
def test_the_report_is_as_it_is_kept(known: SLADatabase, kind: str) -> None:
    """WRITE_REPORTS=1 writes them again; look at what changed."""
    made = mail(known, kind)
    for ending, text in (("txt", made.text), ("html", made.html)):
        kept = KEPT / f"{kind}.{ending}"
        if os.environ.get("WRITE_REPORTS"):
            kept.write_text(text, encoding="utf-8")
        assert text == kept.read_text(encoding="utf-8"), f"{kept.name}: WRITE_REPORTS=1 pytest {__file__}"


def test_a_row_is_small_enough_for_42_of_them_in_half_of_200_kilobytes(known: SLADatabase) -> None:
    """The rest of a weekly mail of the shipped SLAs, its chart and its text, takes 65 KB on the wire."""
    rows = re.findall(
        r'<tr class="figures"[^>]*>\s*<td.*?</tr>.*?</tr>', mail(known, "weekly").html, re.DOTALL
    )
    assert len(rows) == 3
    assert max(map(len, rows)) < 750


def test_the_files_hold_the_same_figures(known: SLADatabase) -> None:
    table, content = mail(known, "weekly").attachments
    assert (table.name, content.name) == ("sla-weekly-2026-11-16.csv", "sla-weekly-2026-11-16.json")
    rows = {each["sla"]: each for each in csv.DictReader(io.StringIO(table.content.decode("utf-8-sig")))}
    said = json.loads(content.content)
    assert (said["slas_met"], said["slas_measured"], said["down_seconds"]) == (2, 3, 0)
    for each in said["rows"]:
        row = rows[each["sla"]]
        assert (float(row["good"]), float(row["total"])) == (each["good"], each["total"])
        assert row["result"] == each["result"]
    assert (rows[ERRORS]["good"], rows[ERRORS]["total"]) == ("167664.0", "168000.0")
    assert rows[ERRORS]["period_end"] == "2026-11-23T00:00:00+01:00"
    [latency] = [each for each in said["rows"] if each["sla"] == LATENCY]
    assert latency["days"] == [1, 1, None, 1, 1, 1, 1]
    [breach] = said["breaches"]
    assert (breach["seconds_in_period"], breach["bad_events"], breach["budget_burned_ratio"]) == (
        3600,
        336,
        pytest.approx(2),
    )


def test_figures_agree_with_what_page_and_terminal_read(known: SLADatabase) -> None:
    made = report(known, "monthly")
    hours = (made.whole.end - made.whole.start) / 3600
    status = {each.key: each for each in known.get_current_sla_status(hours, end=made.whole.end)}
    assert {line.status.key: line.status for line in made.lines} == status
    assert status[UPTIME].compliance_ratio == pytest.approx(744 / 745)


def test_names_that_people_wrote_are_escaped_everywhere(tmp_path: Path) -> None:
    names = {ERRORS: HOSTILE, UPTIME: "=HYPERLINK(1)"}
    database = ledger(tmp_path / "sla.db", names=names, begin="2026-11-09T00:00")
    made = mail(database, "weekly")
    database.close()
    assert "<b>{{" not in made.html
    assert "&lt;b&gt;{{ 7*7 }}&lt;/b&gt;" in made.html
    assert "49</b>" not in made.html
    sent = message(made, sender="a@example.com", recipients=["b@example.com"], key="k", now=NOW, zone=BERLIN)
    assert sent["Bcc"] is None
    assert sent["Auto-Submitted"] == "auto-generated"
    assert [each.get_content_type() for each in sent.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/csv", "application/json",
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(made.attachments[0].content.decode("utf-8-sig"))))
    assert {each["name"] for each in rows} >= {"'=HYPERLINK(1)", HOSTILE}


def test_the_summary_names_what_passed_only_so_far(known: SLADatabase) -> None:
    """Of the latency one day of seven was not measured: 85.71 %. Of all together 95.24 % was."""
    found = summary(report(known, "weekly"), BERLIN)
    assert found[-1] == "Passed only so far, for less than 90 % was measured: API Response Time P95."


@pytest.mark.parametrize(
    ("text", "harmless_text"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("  =1+1", "'  =1+1"),
        ("\N{NO-BREAK SPACE}\ufeff@SUM(1)", "'\N{NO-BREAK SPACE}\ufeff@SUM(1)"),
        ("\N{FULLWIDTH EQUALS SIGN}1+1", "'\N{FULLWIDTH EQUALS SIGN}1+1"),
        ("\t1", "'\t1"),
        ("\r1", "'\r1"),
        ("db-7; =1+1", "db-7; '=1+1"),  # a program of a country whose lists have semicolons
        ("a\t-1", "a\t'-1"),
        ("API; P95 = 5 s", "API; P95 = 5 s"),
        ("web-1, web-2", "web-1, web-2"),
        ("", ""),
    ],
)
def test_no_text_begins_a_formula_in_any_cell(text: str, harmless_text: str) -> None:
    assert harmless(text) == harmless_text


def test_the_worst_incidents_have_the_alerts_that_fired_then(tmp_path: Path) -> None:
    database = ledger(tmp_path / "sla.db", begin="2026-11-16T00:00")
    [breach] = [each.breach for each in report(database, "weekly").incidents]
    fired = BreachAlert("High<b>ErrorRate", "critical", {}, breach.started_at + 60)
    database.causes.store(BeganBreach(breach.id, breach.key, breach.started_at, 0), Causes((fired,), 1))
    found, made = report(database, "weekly"), mail(database, "weekly")
    database.close()
    said = "ErrorRate, critical, since 2026-11-21 10:01 CET"
    assert f"API Error Rate, 2026-11-21 10:00 CET: likely cause: High<b>{said}" in made.text.splitlines()
    assert f"<br>likely cause: High&lt;b&gt;{said}" in made.html
    drawn = draw(Sheet(found, BERLIN.key, "Example Ltd", charts=False))
    assert drawn.trouble is None
    assert f"likely cause: High<b>{said}" in " ".join(" ".join(pages_of(drawn.pdf or b"")).split())


def test_changes_are_in_points_and_never_hidden_by_rounding() -> None:
    assert [points(each) for each in (None, 0.0, 0.0012, -0.5, 0.00001, -0.00001)] == [
        "—", "no change", "+0.12 points", "−50.00 points", "less than +0.01 points", "less than −0.01 points",
    ]  # fmt: skip


def test_time_that_several_share_counts_once() -> None:
    assert seconds_together([(0, 10), (5, 20), (30, 40), (32, 35)]) == 30


def test_the_year_to_date_is_that_of_a_count_by_hand(known: SLADatabase) -> None:
    """All three kept their target over all of it, though the uptime missed that of October.

    Two months of 720 + 745 hours: of 351,600 scrapes 240 failed, 99.93 % were good; of 1,465,000 requests
    149 failed.
    """
    made = report(known, "monthly")
    assert [(each.name, each.start, each.meeting, each.measured) for each in made.wholes] == [
        ("Year to date", epoch("2026-01-01T00:00"), 3, 3),
        ("Last twelve months", epoch("2025-10-31T00:00"), 3, 3),
    ]
    assert (
        "Year to date, from 2026-01-01 00:00 CET: 3 of 3 SLAs kept their target over all of it (100.00 %),"
        " 100.00 % measured."
    ) in mail(known, "monthly").text
