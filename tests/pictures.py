"""`python -m pictures`: the four reports as people get them, into docs/images.

From the made-up year of benchmarks/year.py: the mails in Chromium (wide, on a phone, in dark mode) and the
pages of the PDF. Which fonts the mails have depends on the machine.
"""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from benchmarks.reports import MONTH_END, NOW
from benchmarks.year import END, ZONE, year
from programs import CHROMIUM
from sla_worker.database import SLADatabase
from sla_worker.delivery.kinds import Sources, breach, daily, long
from sla_worker.model import Mail
from sla_worker.settings import read_settings

IMAGES = Path(__file__).parents[1] / "docs" / "images"
DAYS = 200
WIDE, PHONE = (660, 1240), (390, 1240)
COLOURS = 128
GAP = 16


SHORT_WIDE, SHORT_PHONE = (660, 560), (390, 560)
"""Of the mail about a breach, which is short."""


def newest_breach(database: SLADatabase) -> int:
    """The newest breach of those that are mailed at once."""
    found = database.breaches_between(END - 30 * 86_400, END)
    return max((each for each in found if each.severity == "critical"), key=lambda each: each.started_at).id


def page_of(mail: Mail) -> str:
    """The HTML of a mail with its pictures in it."""
    html = mail.html
    for each in mail.pictures:
        data = base64.b64encode(each.content).decode()
        html = html.replace(f'"cid:{each.name}"', f'"data:{each.media_type};base64,{data}"')
    return html


def shot(browser: Browser, mail: Mail, size: tuple[int, int], scheme: str = "light") -> Image.Image:
    """The upper part of a mail as a mail program shows it."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_content(page_of(mail))
    made = Image.open(io.BytesIO(page.screenshot()))
    page.close()
    return made.convert("RGB")


def pages(pdf: bytes, first: int, last: int) -> list[Image.Image]:
    """Pages of a PDF as pictures."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "report.pdf"
        file.write_bytes(pdf)
        command = [
            "pdftoppm",
            "-r",
            "80",
            "-png",
            "-f",
            str(first),
            "-l",
            str(last),
            str(file),
            f"{name}/page",
        ]
        subprocess.run(command, check=True)
        return [Image.open(each).convert("RGB") for each in sorted(Path(name).glob("page*.png"))]


def side_by_side(found: list[Image.Image], name: str) -> None:
    """Write pictures beside one another into one file."""
    wide = sum(each.width for each in found) + GAP * (len(found) + 1)
    sheet = Image.new("RGB", (wide, max(each.height for each in found) + 2 * GAP), "#8a94a0")
    x = GAP
    for each in found:
        sheet.paste(each, (x, GAP))
        x += each.width + GAP
    file = IMAGES / f"{name}.png"
    sheet.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    print(file)


def main() -> int:
    """Draw all of them; 1 where a program is missing."""
    program = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if program is None or shutil.which("pdftoppm") is None:
        print(
            "error: Chromium or pdftoppm is missing\nfix:   apt-get install chromium poppler-utils",
            file=sys.stderr,
        )
        return 1
    settings = read_settings({"REPORT_TIMEZONE": ZONE.key, "REPORT_FROM": "sla@example.com"})
    with tempfile.TemporaryDirectory() as name, closing(year(Path(name) / "sla.db", DAYS)) as database:
        sources = Sources(database, settings, NOW)
        weekly, monthly = long(sources, "weekly", END), long(sources, "monthly", MONTH_END)
        of_day, broken = daily(sources, END), breach(sources, newest_breach(database))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        side_by_side([shot(browser, weekly, WIDE), shot(browser, weekly, PHONE, "dark")], "weekly-report")
        side_by_side([shot(browser, monthly, WIDE, "dark"), shot(browser, monthly, PHONE)], "monthly-report")
        side_by_side([shot(browser, of_day, WIDE), shot(browser, of_day, PHONE, "dark")], "daily-mail")
        side_by_side(
            [shot(browser, broken, SHORT_WIDE, "dark"), shot(browser, broken, SHORT_PHONE)], "breach-report"
        )
        browser.close()
    side_by_side(pages(monthly.attachments[0].content, 1, 2), "monthly-report-pdf")
    return 0


if __name__ == "__main__":
    sys.exit(main())
