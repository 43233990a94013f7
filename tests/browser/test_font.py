"""The browser of the tests has one font, the one that they bring, whatever the machine has."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

WORD = "Wij"


def fonts_of(browser: Browser, family: str, weight: int, text: str) -> list[dict[str, Any]]:
    """The fonts with which Chromium draws a text."""
    page = browser.new_page()
    page.set_content(f'<p style="font-family: {family}; font-weight: {weight}">{text}</p>')
    tools = page.context.new_cdp_session(page)
    tools.send("DOM.enable")
    tools.send("CSS.enable")
    root = tools.send("DOM.getDocument")["root"]["nodeId"]
    node = tools.send("DOM.querySelector", {"nodeId": root, "selector": "p"})["nodeId"]
    found: list[dict[str, Any]] = tools.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    page.close()
    return found


@pytest.mark.parametrize("family", ["Arial", "system-ui", "monospace", "serif", "sans-serif", "'Noto Sans'"])
@pytest.mark.parametrize(("weight", "name"), [(400, "DejaVuSans"), (700, "DejaVuSans-Bold")])
def test_every_family_is_the_font_of_the_tests(browser: Browser, family: str, weight: int, name: str) -> None:
    [font] = fonts_of(browser, family, weight, WORD)
    assert (font["postScriptName"], font["glyphCount"]) == (name, len(WORD))


def test_it_has_the_signs_that_pages_and_mails_show(browser: Browser) -> None:
    signs = "✓✗→▲●…·÷≥≤≈№Яж€"
    [font] = fonts_of(browser, "sans-serif", 400, signs)
    assert (font["familyName"], font["glyphCount"]) == ("DejaVu Sans", len(signs))


def test_a_digit_is_as_wide_on_every_machine(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content('<span style="font: 100px sans-serif">0000000000</span>')
    width = page.evaluate("document.querySelector('span').getBoundingClientRect().width")
    # 1303 of 2048 units: 63.6 px of 100, or 64 where glyphs stand on whole pixels. Liberation Sans has 55.6.
    assert 636 <= width <= 640
    page.close()
