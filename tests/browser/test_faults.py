"""Faults go in and out on the page, in a real browser against a real app."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, Route, expect

from browser.conftest import Open
from unit.demo_app.process import App
from waiting import poll, wait_for


def card(page: Page, name: str) -> Any:
    return page.locator(f"#fault-{name}")


def status(page: Page, name: str) -> Any:
    return card(page, name).locator(".fault-status")


def active(app: App) -> dict[str, float]:
    faults: dict[str, float] = app.client.get(f"{app.api}/state").json()["faults"]
    return faults


def seconds_left(app: App, name: str) -> float:
    return float(app.client.get(f"{app.api}/state").json()["faults_remaining_seconds"][name])


def countdown(page: Page, name: str) -> int:
    """The seconds that the page says are left; the fault is shown as active."""
    left = re.fullmatch(r"on, (\d+):(\d\d) left", status(page, name).inner_text())
    assert left is not None
    return 60 * int(left[1]) + int(left[2])


def test_a_fault_goes_in_by_slider_and_switch_and_counts_down(app: App, open_page: Open) -> None:
    page = open_page(app.api).page
    page.get_by_role("slider", name="Intensity of Errors", exact=False).fill("0.5")
    page.get_by_label("Duration of Errors in").fill("3000")
    page.get_by_role("switch", name="Errors", exact=True).check()

    expect(status(page, "errors")).to_have_text(re.compile(r"^on, \d+:\d\d left$"))
    assert active(app) == {"errors": 0.5}
    expect(page.locator("#active-count")).to_have_text("1 fault active")
    first = countdown(page, "errors")
    assert 300 < first <= 3000  # of the duration that was chosen, and not of the 300 s that are the default
    poll(lambda: first - countdown(page, "errors"), "less to be left")


def test_a_fault_that_ends_by_itself_is_off_on_the_page(app: App, open_page: Open) -> None:
    page = open_page(app.api).page
    switch = page.get_by_role("switch", name="Errors", exact=True)
    page.get_by_label("Duration of Errors in").fill("1")
    with page.expect_response("**/faults/errors") as taken:
        switch.click()
    assert taken.value.status == 200
    assert taken.value.request.post_data_json["duration_seconds"] == 1

    expect(status(page, "errors")).to_have_text("off")
    expect(switch).not_to_be_checked()
    expect(page.locator("#active-count")).to_have_text("no faults active")
    assert active(app) == {}


def test_what_others_do_shows_within_a_poll(app: App, open_page: Open) -> None:
    page = open_page(app.api).page
    app.client.post(f"{app.api}/faults/latency", json={"intensity": 7, "duration_seconds": 3000})

    expect(page.get_by_role("switch", name="Latency", exact=True)).to_be_checked()
    expect(page.get_by_role("slider", name="Intensity of Latency", exact=False)).to_have_value("7")
    expect(page).to_have_title("1 active: demo-app")
    app.client.delete(f"{app.api}/faults/latency")
    expect(page.get_by_role("switch", name="Latency", exact=True)).not_to_be_checked()


def test_the_slider_of_an_active_fault_changes_its_strength_and_not_its_end(
    app: App, open_page: Open
) -> None:
    app.client.post(f"{app.api}/faults/errors", json={"intensity": 0.2, "duration_seconds": 100})
    page = open_page(app.api).page
    expect(page.get_by_role("switch", name="Errors", exact=True)).to_be_checked()

    page.get_by_role("slider", name="Intensity of Errors", exact=False).fill("0.75")

    wait_for({"errors": 0.75}, lambda: active(app), "the new strength")
    # What is left of the first 100 s, as the page knew it, and not the page's own 300.
    assert seconds_left(app, "errors") < 150


def test_the_switch_takes_a_fault_out_again(app: App, open_page: Open) -> None:
    page = open_page(app.api).page
    switch = page.get_by_role("switch", name="Database down", exact=True)
    switch.check()
    wait_for({"database_down": 1}, lambda: active(app), "the fault")
    expect(card(page, "database_down").get_by_role("slider")).to_have_count(0)  # on or off, nothing between
    expect(page.locator("#health")).to_have_text("✗ database down")

    switch.uncheck()

    expect(status(page, "database_down")).to_have_text("off")
    assert active(app) == {}


def test_clear_all_ends_every_fault(app: App, open_page: Open) -> None:
    for name in ("errors", "latency", "cache_down"):
        app.client.post(f"{app.api}/faults/{name}")
    page = open_page(app.api).page
    expect(page.locator("#active-count")).to_have_text("3 faults active")

    page.get_by_role("button", name="Clear all faults").click()

    expect(page.locator("#active-count")).to_have_text("no faults active")
    expect(page.locator(".fault[data-active]")).to_have_count(0)
    assert active(app) == {}


def test_what_the_app_refuses_stands_in_the_card_and_the_switch_goes_back(app: App, open_page: Open) -> None:
    watched = open_page(app.api)
    page = watched.page
    card(page, "worker_down").get_by_role("spinbutton", name="as a number", exact=False).fill("9")
    page.get_by_role("switch", name="Worker down").click()

    expect(card(page, "worker_down").get_by_role("alert")).to_have_text(
        "invalid intensity of worker_down: 9.0; give a whole number from 1 to 4 (workers)"
    )
    expect(page.get_by_role("switch", name="Worker down")).not_to_be_checked()
    assert active(app) == {}
    watched.forgive("422")


def test_the_filter_finds_names_alerts_and_parts(app: App, open_page: Open) -> None:
    app.client.post(f"{app.api}/faults/errors")
    page = open_page(app.api).page
    faults = app.client.get(f"{app.api}/faults").json()["faults"]
    shown = page.locator(".fault:visible")
    expect(shown).to_have_count(len(faults))

    page.get_by_role("searchbox").fill("multipleworkersdown")
    expect(shown).to_have_count(sum("MultipleWorkersDown" in fault["alerts"] for fault in faults))
    expect(page.locator("#filter-count")).to_have_text(f"{shown.count()} of {len(faults)} faults")

    page.get_by_role("searchbox").fill("")
    page.get_by_label("Part").select_option("Caches")
    expect(shown).to_have_count(sum(fault["group"] == "Caches" for fault in faults))
    page.get_by_label("Part").select_option("all parts")
    page.get_by_label("active only").check()
    expect(shown).to_have_count(1)
    expect(page.locator(".group:visible")).to_have_count(1)


def test_a_change_that_follows_another_at_once_is_not_taken_back_by_its_answer(
    app: App, open_page: Open
) -> None:
    page = open_page(app.api).page
    held: list[Route] = []
    page.route("**/faults/latency", lambda route: held.append(route), times=1)  # noqa: PLW0108 - it is marked
    page.locator("#fault-latency-switch").check()
    wait_for(1, lambda: page.evaluate("1") and len(held), "the first change to be on its way")
    slider = page.locator("#fault-latency-slider")
    slider.press("ArrowRight")
    held[0].continue_()  # the answer says 12, which is no longer wanted
    expect(page.locator("#fault-latency")).not_to_have_attribute("aria-busy", "true")
    wait_for({"latency": 13}, lambda: active(app), "one second more")
    expect(slider).to_have_value("13")


def test_the_keyboard_is_enough(app: App, open_page: Open) -> None:
    page = open_page(app.api).page
    press = page.keyboard.press

    def focused() -> str:
        return str(
            page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label')")
        )

    def tab_to(wanted: str) -> None:
        for _ in range(30):
            if focused() == wanted:
                return
            press("Tab")
        raise AssertionError(f"30 tabs did not reach {wanted}, the last was {focused()}")

    press("/")
    assert focused() == "filter-text"
    page.keyboard.type("insa_agent_requests_in_flight")  # of all faults, latency alone moves it
    expect(page.locator(".fault:visible")).to_have_count(1)
    tab_to("fault-latency-switch")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"  # where the focus is can be seen
    press("Space")
    wait_for({"latency": 12}, lambda: active(app), "the fault")
    tab_to("fault-latency-slider")
    press("ArrowRight")
    wait_for({"latency": 13}, lambda: active(app), "one second more")

    page.reload()
    page.locator(".fault").first.wait_for()
    press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the faults"
    tab_to("clear-all")
    press("Enter")
    wait_for({}, lambda: active(app), "the end of every fault")
