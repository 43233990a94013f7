"""The cards of the message bus, the users, the machine and the app's own jobs, on an app 15 times as fast."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.conftest import Open, milliseconds, running_app
from unit.demo_app.process import App

FACTOR = 15  # a backup every 4 s, a scan every 20 s


@pytest.fixture(scope="module")
def fast_app() -> Iterator[App]:
    with running_app(DEMO_RATE=20, DEMO_TIME_SCALE=FACTOR) as app:
        yield app


@pytest.fixture
def app(fast_app: App) -> App:
    """An app without a fault."""
    fast_app.client.delete(f"{fast_app.api}/faults").raise_for_status()
    return fast_app


def card(page: Page, heading: str) -> Locator:
    return page.locator(".system .card", has=page.get_by_role("heading", name=heading))


def row(page: Page, heading: str, name: str) -> Locator:
    return card(page, heading).locator("tbody tr", has=page.get_by_role("rowheader", name=name, exact=True))


def start(app: App, name: str, intensity: float) -> None:
    app.client.post(f"{app.api}/faults/{name}", json={"intensity": intensity}).raise_for_status()


def test_a_bus_that_is_down_says_so_and_its_backlog_grows_until_it_is_up_again(
    app: App, open_page: Open
) -> None:
    page = open_page(app.api).page
    bus = card(page, "Message bus")
    expect(bus.locator(".badge")).to_have_text("✓ up")

    start(app, "bus_down", 1)

    expect(bus.locator(".badge")).to_have_text("✗ down")
    expect(page.locator("#health")).to_contain_text("message bus down")
    expect(card(page, "Users")).to_contain_text("No newer events while the message bus is down.")
    waiting = row(page, "Message bus", "requests").locator(".meter")
    # At 20 requests a second, 100 messages wait after some five seconds: the mark of the alert.
    expect(waiting.locator(".figure")).to_have_text(
        re.compile(r"✗ ([1-9]\d\d|1,000) / 1,000"), timeout=milliseconds(20)
    )
    expect(waiting.get_by_role("meter")).to_have_attribute("data-tone", "bad")

    app.client.delete(f"{app.api}/faults/bus_down")

    expect(bus.locator(".badge")).to_have_text("✓ up")
    expect(waiting.locator(".figure")).to_have_text("0 / 1,000", timeout=milliseconds(20))
    expect(page.locator("#health")).not_to_contain_text("message bus")


def test_memory_pressure_moves_its_meter_beyond_the_mark_of_the_alert(app: App, open_page: Open) -> None:
    page = open_page(app.api).page
    memory, disk = row(page, "Machine", "Memory"), row(page, "Machine", "Disk")
    expect(memory).to_contain_text("90 %")
    before = int(memory.get_by_role("meter").get_attribute("aria-valuenow") or 100)
    assert before < 85  # the app at rest

    start(app, "memory_pressure", 0.95)

    expect(memory.locator(".figure")).to_have_text(re.compile(r"✗ 9[45] %"), timeout=milliseconds(20))
    expect(memory.get_by_role("meter")).to_have_attribute("data-tone", "bad")
    expect(memory).to_contain_text(re.compile(r"15[123](\.\d)? MiB of 160 MiB"))  # 0.95 x 160 = 152
    expect(disk.get_by_role("meter")).to_have_attribute("data-tone", "plain")
    bar, mark = memory.locator(".bar").bounding_box(), memory.locator(".bar-mark").bounding_box()
    assert bar is not None
    assert mark is not None
    assert (mark["x"] + mark["width"] / 2 - bar["x"]) / bar["width"] == pytest.approx(0.9, abs=0.01)


def test_a_failed_backup_and_a_gap_in_the_scan_are_seen(app: App, open_page: Open) -> None:
    page = open_page(app.api).page
    backup, scan = row(page, "Own jobs", "Backup"), row(page, "Own jobs", "Scan")
    expect(backup.locator(".badge")).to_have_text("✓ good", timeout=milliseconds(20))
    expect(scan.locator(".badge")).to_have_text("✓ complete", timeout=milliseconds(30))
    expect(backup).to_contain_text(re.compile(r"good copy \d+ s ago"))

    start(app, "backup_failure", 1)
    start(app, "scan_gap", 0.5)

    expect(backup.locator(".badge")).to_have_text("✗ failed", timeout=milliseconds(20))
    expect(backup).to_contain_text("good copy ")  # the last one is still there
    expect(page.locator("#health")).to_contain_text("last backup failed")
    components = app.client.get(f"{app.api}/state").json()["scan"]["components"]
    missed = round(0.5 * components)
    expect(scan.locator(".badge")).to_have_text(f"✗ {missed} missed", timeout=milliseconds(40))
    expect(scan).to_contain_text(f"{components - missed} of {components} components")


def test_users_come_and_what_they_did_last_is_listed(app: App, open_page: Open) -> None:
    page = open_page(app.api).page
    users = card(page, "Users")

    # 20 requests a second over 24 seats: none of them stays empty for long.
    expect(users.locator(".stat", has_text="open now").locator("dd")).to_have_text(
        "24", timeout=milliseconds(20)
    )
    events = users.get_by_role("list", name="Newest activity").locator("li")
    expect(events).to_have_count(5)
    expect(events.first).to_have_text(re.compile(r"^\d\d:\d\d:\d\drequest \d+ (of|was) "))
    first = events.first.inner_text()
    expect(events.first).not_to_have_text(first)  # it goes on


def test_the_batch_client_shows_what_it_keeps_waiting(app: App, open_page: Open) -> None:
    page = open_page(app.api).page
    batch = row(page, "Own jobs", "Batch")
    expect(batch.locator(".badge")).to_have_text(re.compile("idle|busy"))

    start(app, "queue_flood", 150)

    expect(batch.locator(".badge")).to_have_text("→ busy")
    # 150 in the queue, and 32 under way in the slots of the worker
    expect(batch).to_contain_text("182 tasks waiting", timeout=milliseconds(20))
