"""The page of an app that goes away, comes back, or wants a token."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from browser.conftest import Open, milliseconds, running_app
from unit.demo_app.process import App
from waiting import wait_for

TOKEN = "a-token-of-20-signs!"  # noqa: S105  # no secret


@pytest.fixture
def own_app() -> Iterator[App]:
    with running_app() as app:
        yield app


@pytest.fixture
def locked_app() -> Iterator[App]:
    with running_app(DEMO_TOKEN=TOKEN) as app:
        yield app


def active(app: App) -> dict[str, float]:
    faults: dict[str, float] = app.client.get(f"{app.api}/state").json()["faults"]
    return faults


def test_it_says_since_when_there_is_no_answer_and_recovers_by_itself(own_app: App, open_page: Open) -> None:
    own_app.client.post(f"{own_app.api}/faults/errors")
    watched = open_page(own_app.api)
    page = watched.page
    expect(page.locator("#active-count")).to_have_text("1 fault active")
    outage = page.locator("#outage")
    expect(outage).to_be_hidden()

    own_app.end(signal.SIGKILL)

    expect(outage).to_be_visible()
    text = outage.inner_text()
    assert text.startswith("No answer since ")
    assert text.removeprefix("No answer since ")[:8].count(":") == 2  # the time of the last answer
    expect(page.locator("#health")).to_have_text("✗ no answer")
    expect(page).to_have_title("no answer: demo-app")
    page.get_by_role("switch", name="Latency", exact=True).click()
    expect(page.locator("#fault-latency").get_by_role("alert")).to_have_text(
        "Nothing was changed: the app does not answer."
    )
    expect(page.get_by_role("switch", name="Latency", exact=True)).not_to_be_checked()

    own_app.start()

    expect(outage).to_be_hidden(timeout=milliseconds(20))
    expect(page.locator("#health")).to_have_text("✓ all parts are up")
    expect(page.locator("#active-count")).to_have_text("no faults active")  # a new app has none
    watched.forgive("ERR_CONNECTION")  # the browser's own words on every poll in between


def test_with_a_token_it_asks_once_keeps_it_for_the_tab_and_forgets_a_wrong_one(
    locked_app: App, open_page: Open
) -> None:
    watched = open_page(locked_app.api)
    page = watched.page
    dialog = page.get_by_role("dialog")
    page.get_by_role("switch", name="Errors", exact=True).click()
    expect(dialog).to_be_visible()

    page.get_by_label("Token", exact=True).fill("not-the-token-at-all")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("the token does not match DEMO_TOKEN")
    assert active(locked_app) == {}
    watched.forgive("401")
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.keyboard.press("Enter")

    wait_for({"errors": 0.2}, lambda: active(locked_app), "the fault")
    expect(dialog).to_be_hidden()
    page.reload()
    expect(page.locator("#active-count")).to_have_text("1 fault active")
    page.get_by_role("button", name="Clear all faults").click()  # without being asked again
    wait_for({}, lambda: active(locked_app), "the end of the fault")
    assert page.evaluate("[localStorage.length, document.cookie, location.href]") == [
        0,
        "",
        f"{locked_app.api}/",
    ]

    page.get_by_role("button", name="Forget the token").click()
    assert page.evaluate("sessionStorage.length") == 0
    page.get_by_role("switch", name="Errors", exact=True).click()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#fault-errors").get_by_role("alert")).to_have_text(
        "Nothing was changed: a token is needed."
    )
    expect(page.get_by_role("switch", name="Errors", exact=True)).not_to_be_checked()
    assert active(locked_app) == {}
