"""axe-core finds nothing on any page of the sla-worker, in real Chromium, wide and narrow, light and dark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from programs import node_modules
from sla_worker.sent import packed, unpacked
from unit.sla_worker.setting import Setting
from unit.sla_worker.web_client import Client, served
from unit.sla_worker.web_ledger import filled

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGES = (
    "/",
    "/?window=30d&q=api",
    "/?window=30d&exclusions=off",
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


def test_a_mail_as_it_was_sent_is_easy_to_read_and_runs_nothing(
    page: Page, browser: Browser, setting: Setting, client: Client, axe: str
) -> None:
    """A breach mail whose kept HTML somebody has changed: no script of it runs, nothing is sent or loaded."""
    url = f"http://127.0.0.1:{client.port}/reports/1"
    page.goto(url)
    page.evaluate(axe)
    found = page.evaluate("axe.run(document.body.firstElementChild, {resultTypes: ['violations']})")
    assert [each["id"] for each in found["violations"]] == []
    assert page.evaluate("document.body.firstElementChild.scrollWidth <= window.innerWidth")
    store, engine = setting.service.database.sent, setting.service.database._engine
    content = store.content(1, 1)
    assert content is not None
    kept = unpacked(content).mail
    attack = (
        "<script>document.title = 'ran'</script><img src=x onerror=\"document.title = 'ran'\">"
        f'<a id="leave" href="javascript:document.title = \'ran\'">x</a><iframe src="{client.port}"></iframe>'
        f'<form action="/webhook/alertmanager" method="post"><button id="send">x</button></form>'
        "<meta http-equiv='refresh' content='0;url=javascript:document.title=1'></body>"
    )
    with engine.transaction():
        engine.execute(
            "UPDATE sla_sent_reports SET content = ? WHERE notification_id = 1",
            (packed(replace(kept, html=kept.html.replace("</body>", attack))),),
        )
    context = browser.new_context()
    watched, asked = context.new_page(), []
    watched.on("response", lambda response: asked.append((response.request.method, response.url)))
    title = kept.html.partition("<title>")[2].partition("</title>")[0]
    try:
        watched.goto(url)
        for button in ("#leave", "#send"):
            watched.locator(button).click()
        assert unescape(title) == watched.title()
        assert asked == [("GET", url)]
        # What is on top still leads somewhere.
        watched.get_by_role("link", name="Reports").first.click()
        watched.wait_for_url("**/reports")
        with watched.expect_download() as download:
            watched.go_back()
            watched.get_by_role("link", name="text", exact=True).click()
        assert download.value.suggested_filename == "sla-breach-1.txt"
    finally:
        context.close()
        with engine.transaction():
            engine.execute("UPDATE sla_sent_reports SET content = ? WHERE notification_id = 1", (content,))
