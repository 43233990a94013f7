"""Programs that a test needs and a machine may lack: then it fails in CI, and is skipped loudly elsewhere."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def not_there(message: str) -> NoReturn:
    """End the test: failed in CI, where nothing may be lacking, skipped with the message elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@contextlib.contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start the Chromium in PATH and stop it at the end.

    Not for a whole session: Playwright keeps an event loop in the thread, where other tests run their own.
    """
    program = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if program is None:
        not_there("no Chromium found: NOT TESTED. Install Debian's package chromium")
    sandbox = [] if os.getuid() else ["--no-sandbox"]  # Chromium has no sandbox for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=sandbox)
        try:
            yield browser
        finally:
            browser.close()
