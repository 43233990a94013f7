"""Programs that a test needs and a machine may lack: then it fails in CI, and is skipped loudly elsewhere."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONTS = Path(__file__).parent / "fonts"
FONTCONFIG = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


def not_there(message: str) -> NoReturn:
    """End the test: failed in CI, where nothing may be lacking, skipped with the message elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@contextlib.contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start the Chromium in PATH, with the font of the tests and no other; stop it at the end.

    Not for a whole session: Playwright keeps an event loop in the thread, where other tests run their own.
    """
    program = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if program is None:
        not_there("no Chromium found: NOT TESTED. Install Debian's package chromium")
    sandbox = [] if os.getuid() else ["--no-sandbox"]  # Chromium has no sandbox for root
    with tempfile.TemporaryDirectory(prefix="fonts-") as scratch, sync_playwright() as playwright:
        config = Path(scratch) / "fonts.conf"
        config.write_text(FONTCONFIG.format(fonts=FONTS, cache=scratch), encoding="utf-8")
        environment: dict[str, str | float | bool] = {**os.environ, "FONTCONFIG_FILE": str(config)}
        browser = playwright.chromium.launch(executable_path=program, args=sandbox, env=environment)
        try:
            yield browser
        finally:
            browser.close()


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page of a PDF, laid out as a reader sees it."""
    if shutil.which("pdftotext") is None:
        not_there("no pdftotext found: NOT TESTED. Install Debian's package poppler-utils")
    run = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return run.stdout.decode().split("\f")[:-1]
