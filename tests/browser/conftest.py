"""A real Chromium, an app of its own, and pages that are watched for what no page of ours may do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from programs import running_chromium
from unit.demo_app.process import App
from waiting import patience, poll

WIDE, NARROW = (1440, 900), (360, 740)


def milliseconds(seconds: float) -> float:
    """How long Playwright is to wait at most for what an idle machine does within `seconds`."""
    return 1000 * patience(seconds)


expect.set_options(timeout=milliseconds(5))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@contextlib.contextmanager
def running_app(**settings: object) -> Iterator[App]:
    """An app with these settings that answers; it is ended at the exit."""
    app = App(**settings)
    try:
        poll(app.answers, "the demo-app", seconds=30)
        yield app
    finally:
        app.close()


@pytest.fixture(scope="module")
def shared_app() -> Iterator[App]:
    with running_app(DEMO_RATE=20) as app:
        yield app


@pytest.fixture
def app(shared_app: App) -> App:
    """An app without a fault, and with its parts up again."""
    shared_app.client.delete(f"{shared_app.api}/faults").raise_for_status()
    return shared_app


@dataclass
class Watched:
    """A page, and what it did that was wrong."""

    page: Page
    origin: str
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note every error and every request to another place from now on."""
        self.page.on(
            "console",
            lambda message: (
                self.errors.append(message.text) if message.type in {"error", "warning"} else None
            ),
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._look(request.url))

    def _look(self, url: str) -> None:
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.elsewhere.append(url)

    def forgive(self, words: str) -> None:
        """Forget the errors that hold `words`: the test brought them about. There must be one."""
        kept = [error for error in self.errors if words not in error]
        assert len(kept) < len(self.errors), f"no error speaks of {words!r}"
        self.errors[:] = kept


Open = Callable[..., Watched]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens an address as a page; at the end, none of them may have erred or asked elsewhere."""
    pages: list[Watched] = []

    def open_(
        url: str,
        size: tuple[int, int] = WIDE,
        *,
        dark: bool = False,
        before: Callable[[Page], None] | None = None,
    ) -> Watched:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
        )
        context.set_default_timeout(milliseconds(10))
        watched = Watched(context.new_page(), url)
        watched.watch()
        pages.append(watched)
        if before is not None:
            before(watched.page)
        watched.page.goto(url)
        watched.page.locator(".fault").first.wait_for()
        return watched

    yield open_
    for watched in pages:
        # The page asks every second: an answer that a test changes just then would fail as the page closes.
        watched.page.unroute_all(behavior="wait")
        watched.page.context.close()
    assert [watched.errors for watched in pages] == [[] for _ in pages]
    assert [watched.elsewhere for watched in pages] == [[] for _ in pages]
