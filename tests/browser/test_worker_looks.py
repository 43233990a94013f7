"""The sla-worker's pages and mails as people see them: contrast, and nothing wider than a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page

from sla_worker.model import FrozenMonth
from sla_worker.render.pages import months_page
from unit.sla_worker.fake_prometheus import GOOD
from unit.sla_worker.setting import Mailbox, Setting

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
REPORTS = Path(__file__).parents[1] / "unit" / "sla_worker" / "reports"  # as test_periodic.py keeps them
RUNBOOKS = Path(__file__).parents[2] / "runbooks"
PHONE, DESK = 360, 1200
MONTH = FrozenMonth(
    "2026-03",
    1,
    "UTC",
    1772323200,
    1775001600,
    1775001900,
    "the month is over",
    0.75,
    2,
    0.9987,
    "1.0.0",
    "0" * 64,
)
REASON = f"maintenance 3 by ann@example.com: new disks, https://example.com/{'a-long-path' * 9}"
NAMES = (
    "page healthy",
    "page whole",
    "page in trouble",
    "months",
    "runbooks",
    "runbook",
    "down",
    "breach",
    "works again",
    "daily",
    "weekly",
    "monthly",
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The HTML of every page and mail, of a worker that has seen a breach and an outage of alerting."""
    setting = Setting(
        tmp_path_factory.mktemp("looks"), SLA_WATCHDOG_SECONDS="600", RUNBOOKS_DIR=str(RUNBOOKS)
    )
    found = {"runbooks": setting.ask("/runbooks/")[1], "runbook": setting.ask("/runbooks/Watchdog")[1]}
    setting.step()
    found["page healthy"] = setting.ask("/")[1]
    found["page whole"] = setting.ask("/?all")[1]
    setting.prometheus.values[GOOD] = 900.0
    setting.now += 300
    setting.step()  # a breach, whose mail finds no server
    setting.prometheus.down = True
    setting.now += 1200
    setting.step()
    found["page in trouble"] = setting.ask("/")[1]
    found["page of a month"] = setting.ask("/?window=month&all")[1]
    with Mailbox(setting.smtp_port) as mailbox:
        setting.now += 600
        setting.step()
        watchdog = {"status": "firing", "labels": {"alertname": "Watchdog"}}
        setting.ask("/webhook/alertmanager", "POST", json.dumps({"alerts": [watchdog]}).encode())
        setting.step()
        setting.now += 11 * 3600  # past nine o'clock
        setting.step()
    setting.close()
    for name in ("down", "breach", "works again", "daily"):
        mail = next(each for each in mailbox.mails if name in str(each["Subject"]).lower())
        [part] = [each for each in mail.walk() if each.get_content_type() == "text/html"]
        body = part.get_payload(decode=True)
        assert isinstance(body, bytes)
        found[name] = body.decode()
    found["months"] = months_page([replace(MONTH, revision=2, reason=REASON), MONTH], ZoneInfo("UTC"))
    for name in ("weekly", "monthly"):
        found[name] = (REPORTS / f"{name}.html").read_text(encoding="utf-8")
    return found


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page()
    yield made
    made.close()


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wider_than_the_window(page: Page, sources: dict[str, str], name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.set_content(sources[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("name", "count"), [("daily", 4), ("weekly", 4), ("monthly", 4)])
def test_on_a_phone_a_name_has_the_whole_width_and_its_figures_stand_below(
    page: Page, sources: dict[str, str], name: str, count: int
) -> None:
    page.set_viewport_size({"width": PHONE, "height": 700})
    page.set_content(sources[name])
    name_cell, *figures = page.locator(".slas .figures td").all()[: 1 + count]
    boxes = [each.bounding_box() for each in (page.locator(".slas").first, name_cell, *figures)]
    table, title, *below = [each for each in boxes if each is not None]
    assert title["width"] == pytest.approx(table["width"], abs=2)
    assert len(below) == count
    assert {round(each["y"] - title["y"] - title["height"]) for each in below} == {0}  # one line


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_every_text_has_a_contrast_of_at_least_4_5(
    page: Page, sources: dict[str, str], name: str, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_content(sources[name])
    answer = page.evaluate(CONTRAST, 4.5)
    assert answer["low"] == []
    assert answer["judged"] > 10


def test_what_is_healthy_is_folded_up_and_unfolds_without_a_script(
    browser: Browser, sources: dict[str, str]
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": DESK, "height": 700})
    page = context.new_page()
    page.set_content(sources["page healthy"])
    groups = page.locator("details")
    assert groups.count() == 3  # availability, performance, reliability
    assert page.locator("details[open]").count() == 0
    page.locator("summary").nth(1).click()
    page.get_by_text("API Response Time P95").wait_for()
    assert page.locator("details[open]").count() == 1
    page.set_content(sources["page in trouble"])
    assert page.locator("details[open]").count() == 3
    page.get_by_text("API Response Time P95").first.wait_for()
    context.close()


def test_the_tables_of_all_categories_have_the_same_columns(page: Page, sources: dict[str, str]) -> None:
    page.set_viewport_size({"width": DESK, "height": 700})
    page.set_content(sources["page whole"])
    columns = page.evaluate(
        "[...document.querySelectorAll('.slas')].map((each) =>"
        " [...each.querySelectorAll('th')].map((head) => Math.round(head.getBoundingClientRect().left)))"
    )
    assert len(columns) == 3
    assert columns == [columns[0]] * 3


def test_the_fields_of_the_search_are_of_one_height_and_show_what_they_ask_for(
    page: Page, sources: dict[str, str]
) -> None:
    page.set_viewport_size({"width": DESK, "height": 700})
    page.set_content(sources["page whole"])
    fields = page.locator(".find input, .find select, .find button")
    assert fields.count() == 3
    heights = fields.evaluate_all("found => found.map(each => each.getBoundingClientRect().height)")
    assert max(heights) - min(heights) < 0.5, heights
    search = page.locator(".find input")
    search.evaluate("each => { each.value = each.placeholder }")
    assert search.evaluate("each => each.scrollWidth <= each.clientWidth")
