"""A real Chromium, to see how a mail lies in a window."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextlib.contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start the Chromium in PATH and stop it at the end.

    Without one the test fails in CI and is skipped, with the reason, elsewhere.
    """
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        message = "no chromium found: NOT TESTED. Install Debian's package chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        # Root, as in CI, may start it without its own sandbox only; it is shown mails of our own alone.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
