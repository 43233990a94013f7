"""`python -m readme.pictures ENV_FILE`: takes the pictures of README.md from a demonstration.

alert-mail.png    the mail of an alert: a worker is killed, and its mail waited for
demo-app.png      the page of the demo-app with three faults at work
status-page.png   the status page
daily-report.png  the daily report, and breach-mail.png the mail of a breach; each also -phone and -dark
"""

from __future__ import annotations

import argparse
import base64
import email
import email.policy
import io
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from e2e.live import Stack
from e2e.stack_under_test import connected
from programs import running_chromium
from waiting import poll

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
WIDE, PHONE = 660, 390
HIGHEST = 900
"""A longer mail is cut there."""
COLOURS = 256
REPORTS: Mapping[str, str] = {
    "daily-report": "Daily SLA report",
    "breach-mail": "SLA breached",
}
"""The files by what stands in the subject of their mails."""
FAULTS = ("errors", "memory_pressure", "bus_down")
ALERT, FAULT = "WorkerUnhealthy", "worker_down"

Save = Callable[[str, bytes], None]


def shown(message: EmailMessage) -> str:
    """The HTML of a mail, its pictures inside it."""
    body = message.get_body(preferencelist=("html",))
    html = "" if body is None else str(body.get_content())
    for part in message.walk():
        name = str(part["Content-ID"] or "").strip("<>")
        if name:
            data = base64.b64encode(part.get_payload(decode=True) or b"").decode()  # type: ignore[arg-type]
            html = html.replace(f"cid:{name}", f"data:{part.get_content_type()};base64,{data}")
    return html


def newest(stack: Stack, words: str, since: float = 0) -> EmailMessage:
    """The newest mail with these words in its subject; waits for it."""

    def look() -> EmailMessage | None:
        for item in stack.get(f"{stack.mailhog}/api/v2/messages", limit=250)["items"]:
            message = email.message_from_string(item["Raw"]["Data"], policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            if words in str(message["Subject"]) and message["Date"].datetime.timestamp() >= since:
                return message
        return None

    return poll(look, f"a mail about {words}", seconds=180)


def small(picture: bytes) -> bytes:
    """The same picture with few colours: a quarter of the bytes."""
    made = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        reduced = image.convert("RGB").quantize(
            COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
        reduced.save(made, "PNG", optimize=True)
    return made.getvalue()


def mail(page: Page, html: str, width: int, *, dark: bool = False) -> bytes:
    """A mail as it is read in a window of that width."""
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.set_viewport_size({"width": width, "height": 100})
    page.set_content(html)
    height = min(int(page.evaluate("document.documentElement.scrollHeight")), HIGHEST)
    page.set_viewport_size({"width": width, "height": height})
    return page.screenshot()


def of_mails(stack: Stack, page: Page, save: Save) -> None:
    """The reports and the mail of a breach, wide, on a phone and in dark mode."""
    for name, words in REPORTS.items():
        html = shown(newest(stack, words))
        save(name, mail(page, html, WIDE))
        save(f"{name}-phone", mail(page, html, PHONE))
        save(f"{name}-dark", mail(page, html, WIDE, dark=True))


def of_pages(stack: Stack, browser: Browser, save: Save) -> None:
    """The status page, and the demo-app with faults at work."""
    page = browser.new_page(viewport={"width": 1120, "height": 900})
    page.goto(stack.sla_worker)
    save("status-page", page.screenshot())
    for fault in FAULTS:
        stack.client.post(f"{stack.demo_api}/faults/{fault}").raise_for_status()
    page.set_viewport_size({"width": 1920, "height": 1040})
    page.goto(stack.demo_api)
    page.get_by_text(f"{len(FAULTS)} faults active").wait_for(timeout=60_000)
    page.wait_for_timeout(20_000)  # so that the last minute shows what the faults do
    save("demo-app", page.screenshot())


def of_the_alert(stack: Stack, page: Page, save: Save) -> None:
    """The mail of an alert, from its cause to the mailbox: about a minute and a half."""
    began = time.time()
    stack.client.post(f"{stack.demo_api}/faults/{FAULT}").raise_for_status()
    save("alert-mail", mail(page, shown(newest(stack, ALERT, began)), WIDE))


def main(argv: Sequence[str] | None = None) -> int:
    """Take all of them."""
    parser = argparse.ArgumentParser(
        prog="python -m readme.pictures", description=(__doc__ or "").partition(":")[2]
    )
    parser.add_argument("env_file", type=Path, help="of the demonstration: .run/demo/insa-demo/env")
    parser.add_argument("--to", type=Path, default=IMAGES, help="the directory (docs/images)")
    arguments = parser.parse_args(argv)

    def save(name: str, picture: bytes) -> None:
        path = arguments.to / f"{name}.png"
        path.write_bytes(small(picture))
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB", flush=True)

    with connected(arguments.env_file, 1) as stack, running_chromium() as browser:
        stack.client.delete(f"{stack.demo_api}/faults").raise_for_status()
        page = browser.new_page()
        try:
            of_mails(stack, page, save)
            of_pages(stack, browser, save)
            stack.client.delete(f"{stack.demo_api}/faults").raise_for_status()
            of_the_alert(stack, page, save)
        finally:
            stack.client.delete(f"{stack.demo_api}/faults")
    return 0


if __name__ == "__main__":
    sys.exit(main())
