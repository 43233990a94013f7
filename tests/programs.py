"""Programs that a test needs and a machine may lack: then it fails in CI, and is skipped loudly elsewhere."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONTS = Path(__file__).parent / "fonts"
FONTCONFIG = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


def not_there(message: str) -> NoReturn:
    """End the test: failed in CI, where nothing may be lacking, skipped with the message elsewhere.

    A program that is not run by pytest, as a benchmark, ends with the message.
    """
    if "PYTEST_VERSION" not in os.environ:
        what, fix = re.split(r":[^:]*NOT TESTED\W*|$", message, maxsplit=1)
        raise SystemExit(f"error: {what}\nfix:   {fix}" if fix else f"error: {what}")
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


def pdf_pictures(pdf: bytes, last: int, dots: int = 80) -> list[Image.Image]:
    """The first pages of a PDF as pictures, with so many dots an inch."""
    if shutil.which("pdftoppm") is None:
        not_there("no pdftoppm found: NOT TESTED. Install Debian's package poppler-utils")
    with tempfile.TemporaryDirectory() as scratch:
        command = ["pdftoppm", "-r", str(dots), "-png", "-f", "1", "-l", str(last), "-", f"{scratch}/page"]
        subprocess.run(command, input=pdf, check=True)
        return [Image.open(each).convert("RGB") for each in sorted(Path(scratch).glob("page*.png"))]


def pages_of(pdf: bytes, order: str = "-layout") -> list[str]:
    """The text of each page of a PDF, laid out as a reader sees it, or `-raw`: as it was written."""
    if shutil.which("pdftotext") is None:
        not_there("no pdftotext found: NOT TESTED. Install Debian's package poppler-utils")
    run = subprocess.run(["pdftotext", order, "-", "-"], input=pdf, capture_output=True, check=True)
    return run.stdout.decode().split("\f")[:-1]


def node_modules(project: Path, cache: Path, purpose: str) -> Path:
    """A Node project with its modules, installed once for each content of its lock file."""
    if not (shutil.which("node") and shutil.which("npm")):
        not_there(f"node and npm are not on PATH: {purpose} NOT TESTED; install Node 18 or newer")
    inputs = [project / name for name in ("package.json", "package-lock.json", ".npmrc")]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in inputs)).hexdigest()[:16]
    installed = cache / digest
    if not installed.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as fresh:
            for file in inputs:
                shutil.copy(file, fresh)
            run = subprocess.run(["npm", "ci"], cwd=fresh, capture_output=True, text=True, check=False)
            assert run.returncode == 0, f"npm ci failed in {project}:\n{run.stderr}"
            # Only a complete installation gets the name, so an interrupted one is made again.
            with contextlib.suppress(OSError):  # another process was faster
                Path(fresh).rename(installed)
            Path(fresh).mkdir(exist_ok=True)
    return installed
