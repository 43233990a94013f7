"""axe-core finds nothing on any page of the sla-worker, in real Chromium, wide and narrow, light and dark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from programs import node_modules
from unit.sla_worker.setting import Setting
from unit.sla_worker.web_client import Client, served
from unit.sla_worker.web_ledger import filled

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGES = (
    "/",
    "/?window=30d&q=api",
    "/public",
    "/incidents",
    "/explain?sla=platform-uptime&period=24h",
    "/reports",
    "/months",
    "/runbooks/",
    "/runbooks/Watchdog",
)
PHONE, DESK = (360, 740), (1200, 900)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    made = filled(tmp_path_factory.mktemp("axe"), hostile=True, RUNBOOKS_DIR=str(ROOT / "runbooks"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(setting: Setting) -> Iterator[Client]:
    with served(setting.service.application) as client:
        yield client


@pytest.fixture(scope="module")
def axe() -> str:
    """The program that looks at a page."""
    installed = node_modules(HERE, ROOT / ".run" / "axe", "accessibility was")
    return (installed / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=["light and wide", "dark and narrow"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    light, size = request.param.startswith("light"), DESK if request.param.endswith("wide") else PHONE
    context = browser.new_context(
        color_scheme="light" if light else "dark",
        viewport={"width": size[0], "height": size[1]},
        bypass_csp=True,  # for axe: no page needs a script
    )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(
    page: Page, client: Client, axe: str, path: str
) -> None:
    page.goto(f"http://127.0.0.1:{client.port}{path}")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    said = [
        {"id": each["id"], "help": each["help"], "html": each["nodes"][0]["html"][:200]}
        for each in found["violations"]
    ]
    assert said == [], json.dumps(said, indent=1)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_search_is_used_by_keyboard_alone_and_without_a_script(browser: Browser, client: Client) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{client.port}/")
    page.get_by_label("Search").fill("response")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=response**")
    assert page.locator(".strip").count() == 1
    context.close()
