"""The daily report and the mail of a breach: figures by hand, and as they are kept in reports/."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.report_tables import table_of_html, table_of_text
from sla_worker.database import SLADatabase
from sla_worker.delivery.kinds import Sources, breach, daily
from sla_worker.model import Mail
from sla_worker.settings import read_settings
from unit.sla_worker.report_ledger import BERLIN, ERRORS, NOW, epoch, ledger

KEPT = Path(__file__).parent / "reports"
END = epoch("2026-11-22T00:00")
TITLES = {"API Error Rate", "API Response Time P95", "Platform Uptime"}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SLADatabase]:
    database = ledger(tmp_path_factory.mktemp("mails") / "sla.db")
    yield database
    database.close()


def mail(database: SLADatabase, kind: str) -> Mail:
    settings = read_settings({"REPORT_TIMEZONE": BERLIN.key})
    sources = Sources(database, settings, NOW)
    if kind == "daily":
        return daily(sources, END)
    [found] = [each for each in database.breaches_between(END - 86_400, END) if each.key == ERRORS]
    return breach(sources, found.id)


def test_the_figures_of_the_day_are_those_of_a_count_by_hand(known: SLADatabase) -> None:
    """On 21 November 24,000 requests came and 336 of them failed: 1.40 % bad, 98.60 % good."""
    made = mail(known, "daily")
    table = table_of_text(made.text, TITLES)
    assert table == {
        "API Error Rate": ["API Error Rate", "≤ 0.1 %", "1.40 %", "98.60 %", "100.00 %", "fail"],
        "API Response Time P95": [
            "API Response Time P95", "≤ 5 s", "100.00 % within 5 s", "100.00 %", "100.00 %", "pass",
        ],
        "Platform Uptime": ["Platform Uptime", "≥ 99.9 %", "100.00 %", "100.00 %", "100.00 %", "pass"],
    }  # fmt: skip
    assert table_of_html(made.html, TITLES) == table
    for part in (made.text, made.html):
        assert "1 in the period" in part  # of its breaches none lasts
    assert made.subject == "Daily SLA report 2026-11-22: targets missed, no active breach"  # 2 of 3 are met


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
