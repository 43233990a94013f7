"""The status page with its strips and its search, and the archive of incidents and reports."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sla_worker.maintaining import to_correct
from sla_worker.model import Category, CountsAs, SLAStatus, Wrong
from sla_worker.render.format import budget_left, moment, ratio
from sla_worker.render.groups import MANY, grouped
from sla_worker.settings import read_settings
from unit.sla_worker.setting import Mailbox, Setting
from unit.sla_worker.web_ledger import PUBLIC, UPTIME, change, filled


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """Some days after the story of web_ledger.py, with a daily and a weekly report sent."""
    made = filled(tmp_path_factory.mktemp("page"), SLA_CATCH_UP_SECONDS="3600")
    with Mailbox(made.smtp_port):
        for _ in range(7):
            made.now += 86_400
            made.step()
            made.step()
    yield made
    made.close()


def page(setting: Setting, path: str) -> str:
    status, text = setting.ask(path)
    assert status == "200 OK", text
    return text


def strips(text: str) -> list[str]:
    """The strips of a page, one after the other."""
    found = re.findall(r'<div class="strip"[^>]*>(.*?)</div>', text)
    return ["".join(re.findall(r">([^<]+)</span>", each)) for each in found]


def test_each_sla_has_ninety_days_and_those_before_the_ledger_are_no_gap(setting: Setting) -> None:
    """It began eight days ago: 82 days of nothing to judge, then a day that failed, and what followed."""
    found = strips(page(setting, "/?all"))
    assert [len(each) for each in found] == [90, 90, 90]
    assert {each[:82] for each in found} == {"·" * 82}
    assert found[0][82] == "✗"
    assert all("·" not in each[83:] for each in found)
    text = page(setting, "/?all")
    assert '<div class="strip" role="img" aria-label="90 days: ' in text


def test_a_strip_that_is_kept_follows_a_correction(setting: Setting) -> None:
    """The kept days are read again once something of them changes: the day of the breaches is corrected.

    Of its last 105 minutes 40 were measured, so it kept its target only as far as that says.
    """
    before = strips(page(setting, "/?all&q=uptime"))
    [breach] = [
        each
        for each in json.loads(setting.ask(f"/api/breaches?sla={UPTIME}")[1])["breaches"]
        if each["id"] == 1
    ]
    stamps = setting.service.database.changes(("sla_daily_summaries",))
    assert setting.service.database.changes(("sla_daily_summaries",)) == stamps
    start = breach["started_at"] - 600
    change(
        setting, "/api/correct", to_correct(Wrong(UPTIME, start, start + 7200, CountsAs.GOOD, "ann", "lied"))
    )
    assert setting.service.database.changes(("sla_corrections",)) != stamps
    after = strips(page(setting, "/?all&q=uptime"))
    assert (before[0][82], after[0][82]) == ("✗", "~")


def test_search_and_category_work_without_a_script(setting: Setting) -> None:
    text = page(setting, "/?q=api+response")
    assert text.count('class="strip"') == 1
    assert "API Response Time P95" in text
    assert "Platform Uptime" not in text.partition("SLAs by category")[2]
    assert "No SLA matches." in page(setting, "/?q=nothing+of+this")
    text = page(setting, "/?category=reliability&window=30d")
    assert text.count("<details") == 1
    assert '<option value="reliability" selected>' in text
    assert 'name="window" value="30d"' in text
    assert 'value="&#34;&gt;&lt;script&gt;"' in page(setting, "/?q=%22%3E%3Cscript%3E")


def test_a_target_too_long_for_its_column_is_broken_at_its_slash(tmp_path: Path) -> None:
    """Not within a word, as `100 requests/m` and `in`."""
    shipped = Path(__file__).parents[3] / "sla-worker" / "sla_thresholds.yml"
    setting = Setting(tmp_path, SLA_DEFINITIONS=str(shipped))
    assert "≥\N{NO-BREAK SPACE}100\N{NO-BREAK SPACE}requests/<wbr>min</td>" in page(setting, "/?all")
    setting.close()


def test_a_form_may_be_sent_to_the_page_and_nowhere_else(setting: Setting) -> None:
    found: list[Any] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": "localhost"}
    list(setting.service.application(environ, lambda *answer: found.extend(answer)))
    assert "form-action 'self';" in dict(found[1])["Content-Security-Policy"]


def test_incidents_are_filtered_and_lead_to_their_day(setting: Setting) -> None:
    text = page(setting, "/incidents")
    assert re.search(r'"/explain\?sla=platform-uptime&amp;period=2023-11-1\d"', text)
    every = page(setting, "/incidents").count("<tr><td")
    assert 0 < page(setting, f"/incidents?sla={PUBLIC}").count("<tr><td") < every
    assert "None." in page(setting, "/incidents?sla=nothing&state=open")
    status, body = setting.ask("/incidents?state=x")
    assert status == "400 Bad Request"
    assert json.loads(body)["error"] == "state=x: give open or over"


def test_a_report_that_was_sent_can_be_read_again_and_downloaded(setting: Setting) -> None:
    """20 November is a Monday: the week before it."""
    text = page(setting, "/reports")
    assert '<td data-label="Recipients">1 of 1</td>' in text  # the owner's daily ones
    reports = json.loads(setting.ask("/api/reports?type=weekly")[1])["reports"]
    [weekly] = [each for each in reports if each["state"] == "sent"]
    number = weekly["id"]
    assert f'<a href="/reports/{number}">Weekly</a>' in text
    assert "As it was sent, " in page(setting, f"/reports/{number}")
    again = page(setting, f"/reports/{number}?figures=now")
    assert "Weekly SLA report" in again
    assert f"Sent {moment(weekly['sent_at'], read_settings(setting.environ).timezone)}." in again
    assert "are as they are known now, " in again
    rows = list(
        csv.DictReader(io.StringIO(page(setting, f"/reports/{number}.csv").lstrip("\ufeff"), newline=""))
    )
    data = json.loads(page(setting, f"/reports/{number}.json"))
    assert [each["sla"] for each in rows] == [each["sla"] for each in data["rows"]]
    assert [float(each["total"]) for each in rows] == [each["total"] for each in data["rows"]]
    daily = json.loads(setting.ask("/api/reports?type=daily&limit=1")[1])["reports"][0]["id"]
    assert "Daily SLA report" in page(setting, f"/reports/{daily}")
    for path in ("/reports/1?figures=now", "/reports/1.csv", "/reports/99999"):
        assert setting.ask(path)[0].startswith("404"), path


def statuses(setting: Setting, count: int) -> tuple[SLAStatus, ...]:
    [one] = [each for each in setting.service.database.get_current_sla_status(24) if each.key == UPTIME]
    return tuple(replace(one, key=f"sla-{number}", name=f"SLA {number}") for number in range(count))


def test_hundreds_are_cut_to_the_first_of_each_category_which_has_pages(setting: Setting) -> None:
    many = [Category("availability", statuses(setting, 230)), Category("business", statuses(setting, 3))]
    assert [(len(each.shown), each.hidden) for each in grouped(many)] == [(20, 210), (3, 0)]
    [third] = grouped(many, wanted="availability", page=3)
    assert [each.key for each in third.shown] == [f"sla-{number}" for number in range(200, 230)]
    assert (third.page, third.pages) == (3, 3)
    assert grouped(many, wanted="availability", page=99)[0].page == 3
    few = [Category("availability", statuses(setting, MANY))]
    assert [each.hidden for each in grouped(few)] == [0]
    assert [len(each.shown) for each in grouped(many, search="sla 22")] == [12]  # 22, 122, 220 to 229


@pytest.mark.parametrize("window", ["24h", "30d"])
def test_the_page_shows_figures_as_they_were_measured_too(tmp_path: Path, window: str) -> None:
    """The maintenance of the last slot leaves its 100 errors of 1,000 out: as measured they are in."""
    setting = filled(tmp_path)
    shown = {}
    for said in ("on", "off"):
        query = f"window={window}&exclusions={said}"
        answer = json.loads(setting.ask(f"/api/compliance?{query}")[1])
        text = page(setting, f"/?all&{query}")
        found = re.findall(r'<tr><td>(API Error Rate)<.*?period=\w+"[^>]*>([^<]+)</a>', text)
        shown[said] = found[0][1].replace("\N{NO-BREAK SPACE}", " ")
        [errors] = [each for each in answer["slas"] if each["key"] == PUBLIC]
        assert shown[said] == ratio(errors["compliance_ratio"])
        left = budget_left(errors["error_budget"]["left_ratio"])
        assert f"error budget: {left} left" in text.partition("API Error Rate")[2]
        assert ("As it was measured." in text, "as it counts, with maintenance" in text) == (
            said == "off",
        ) * 2
        assert (f'href="/?window={window}&amp;exclusions=off&amp;all"' in text) == (said == "on")
        assert f'href="/?window={window}&amp;all"' in text or said == "on"
    assert shown["on"] != shown["off"]
    active = re.findall(r"<b>(\d+)</b><span[^>]*>active breaches", page(setting, "/?exclusions=off"))
    known = json.loads(setting.ask("/api/status?exclusions=off")[1])["slas"]
    assert active == [str(sum(each["in_breach"] for each in known))]
    setting.close()


def test_the_links_of_the_page_keep_that_figures_are_as_measured(setting: Setting) -> None:
    text = page(setting, "/?exclusions=off&window=30d&q=api&team=")
    assert '<input type="hidden" name="exclusions" value="off">' in text
    found = re.findall(r'href="(/[?"][^>]*)>([^<]+)', text)
    assert {words for link, words in found if "exclusions=off" not in link} == {
        "as it counts",
        "as they count",
    }
    assert {"clear", "show all", "24h", "month"} <= {words for _, words in found}
    assert setting.ask("/?exclusions=perhaps")[0].startswith("400")


@pytest.mark.parametrize("query", ["all", "all&window=30d", "window=30d&q=api&exclusions=off&all", ""])
def test_every_link_of_the_page_to_itself_is_answered(setting: Setting, query: str) -> None:
    """From the unfolded page all but one lead to an unfolded one: they had `&amp;amp;all`, which is none."""
    found = {
        html.unescape(each) for each in re.findall(r'href="(/(?:[?][^"]*)?)"', page(setting, f"/?{query}"))
    }
    assert len(found) > 5
    assert {each: setting.ask(each)[0] for each in found} == dict.fromkeys(found, "200 OK")
    folded = [each for each in found if not re.search(r"[?&]all(&|$)", each)]
    assert len(folded) <= 2 or "all" not in query  # folded up again, and without the words searched for
