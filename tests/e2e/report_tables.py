"""The table of a report as a reader finds it in the two parts of a mail: the same cells, whatever the layout.

The live tests read mails with it; tests/unit holds it to the templates, and so tells a changed layout first.
"""

from __future__ import annotations

import html
import html.parser
import itertools
import re
from collections.abc import Collection, Iterable

COLUMNS = ("SLA", "target", "actual", "compliance", "coverage", "result")

Table = dict[str, list[str]]
"""By the SLA's title its cells, in the order of COLUMNS."""


def table_of_text(text: str, names: Collection[str], columns: Collection[str] = COLUMNS) -> Table:
    """The rows about the SLAs of these names, with or without a component."""
    rows = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
    return {cells[0]: cells for cells in rows if _is_named(cells[0], names) and len(cells) == len(columns)}


DAY_COLUMNS = (
    "SLA",
    "target",
    "actual",
    "compliance",
    "coverage",
    "change",
    "budget left",
    "still allowed",
    "result",
)
"""Those of the daily report."""
NOTHING = "—"


def day_table_of_text(text: str, names: Collection[str]) -> Table:
    """The rows of the daily report about the SLAs of these names, with or without a component."""
    return table_of_text(text, names, DAY_COLUMNS)


def day_table_of_html(source: str, names: Collection[str]) -> Table:
    """The same from the HTML part: target and coverage stand below the title, other things below a figure.

    Of a composite nothing stands below its budget.
    """
    found = {}
    for cells in _rows(source):
        if len(cells) not in {len(DAY_COLUMNS) - 2, len(DAY_COLUMNS) - 1} or not _is_named(cells[0], names):
            continue
        title, below, actual, compliance, change, left, *allowed, result = cells
        told = re.fullmatch(r"([≤≥] .+), ([^,]+) measured", below)
        if told is not None:
            allowed = allowed or [NOTHING]
            found[title] = [title, told[1], actual, compliance, told[2], change, left, *allowed, result]
    return found


def _rows(source: str) -> list[list[str]]:
    """The texts of each row of each table."""
    rows: list[list[str]] = []

    class Cells(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            del attrs
            if tag == "tr":
                rows.append([])

        def handle_data(self, data: str) -> None:
            words = " ".join(data.split())  # a space that ends no line counts as any other
            if rows and words:
                rows[-1].append(words)

    Cells().feed(source)
    return rows


LONG_COLUMNS = ("SLA", "target", "min", "average", "max", "coverage", "result")
"""Those of the weekly and the monthly report."""


def long_table_of_text(text: str, titles: Collection[str]) -> Table:
    """The rows of the weekly or monthly report about these SLAs, and what stands below each."""
    lines = text.splitlines()
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines]
    below = {
        title: line.removeprefix(f"{title}: ")
        for title in titles
        for line in lines
        if line.startswith(f"{title}: ")
    }
    return {
        cells[0]: [*cells, *below[cells[0]].split("; ", 1)]
        for cells in rows
        if cells[0] in titles and len(cells) == len(LONG_COLUMNS)
    }


def long_table_of_html(source: str, titles: Collection[str]) -> Table:
    """The same from the HTML part."""
    rows = _rows(source)
    found = {}
    for cells, after in itertools.pairwise(rows):
        if len(cells) != len(LONG_COLUMNS) - 1 or cells[0] not in titles or not after:
            continue
        title, below, least, average, most, result = cells
        told = re.fullmatch(r"target (.+), ([^,]+) measured", below)
        if told is not None:
            facts = after[-1]
            found[title] = [title, told[1], least, average, most, told[2], result, "".join(after[:-1]), facts]
    return found


PDF_COLUMNS = ("SLA", "days", "min", "average", "max", "result")


def long_table_of_pdf(pages: Iterable[str], titles: Collection[str]) -> Table:
    """The rows of the monthly report's PDF, without the days, from its pages as pdftotext lays them out.

    A title that takes two lines there is passed over.
    """
    rows = [re.split(r" {2,}|(?<=%) |(?<=—) ", line.strip()) for page in pages for line in page.splitlines()]
    return {
        cells[0]: [cells[0], *cells[2:]]
        for cells in rows
        if cells[0] in titles and len(cells) == len(PDF_COLUMNS)
    }


def cause_in_mail(text: str) -> str:
    """What the mail about a breach says of its likely cause, from its text."""
    return " ".join(re.findall(r"^Likely cause: (.+?)\r?$", text, re.MULTILINE))


def causes_on_page(page: str) -> list[str]:
    """What the page of incidents says of the likely causes of its breaches, the newest first."""
    found: list[str] = re.findall(r'<div class="soft fine">likely cause: ([^<]+)</div>', page)
    return [" ".join(html.unescape(each).split()) for each in found]


def _is_named(title: str, names: Collection[str]) -> bool:
    return title in names or title.partition(" / ")[0] in names


def result_on_page(page: str, title: str) -> str:
    """What the status page says of an SLA, or of one component of it, over the last 24 hours."""
    row = page[page.index(f"<tr><td>{title}") :].partition("</tr>")[0]
    found: list[str] = re.findall(r">([^<>]+)</span></td>", row)
    return found[-1]
