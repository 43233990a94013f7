"""The pages of a PDF: their margins, heads and feet, and what stands on them. In millimetres."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from fpdf import FPDF, ViewerPreferences
from fpdf.fonts import TTFFont

from sla_worker.drawing.canvas import LEFT, Point, dashes
from sla_worker.drawing.letters import BOLD, REGULAR, cut, lines_of, shown, width

INK, SOFT, RULE, SHADE, WHITE = "#1d2733", "#5f6b7a", "#dfe5ec", "#f5f7fa", "#ffffff"
WIDE, HIGH, MARGIN = 210.0, 297.0, 16.0
ROOM = WIDE - 2 * MARGIN
TOP, BOTTOM = 24.0, HIGH - 20
MM = 25.4 / 72  # of a point


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its head, its width, and whether it is of figures, which stand on the right."""

    head: str
    wide: float
    right: bool = False


class Paper:
    """Pages that are written from above downwards; `y` is where the next thing stands.

    `group` is what the rows of a table belong to: its name stands again where they go on.
    """

    def __init__(self, *, title: str, author: str, made_at: dt.datetime) -> None:
        self.pdf = pdf = FPDF(unit="mm", format="A4")
        pdf.set_auto_page_break(auto=False)
        pdf.add_font("Inter", "", str(REGULAR))
        pdf.add_font("Inter", "B", str(BOLD))
        pdf.set_title(shown(title))
        pdf.set_author(shown(author))
        pdf.set_creator("sla-worker")
        pdf.set_lang("en")
        pdf.set_creation_date(made_at)
        pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)
        pdf.page_mode = cast(Any, "USE_OUTLINES")
        self.y = 0.0
        self.group: str | None = None
        self._head: Callable[[], float] | None = None
        self.page()

    def page(self) -> None:
        """Begin a page; a table that goes on has its head on it."""
        self.pdf.add_page()
        self.y = TOP
        if self._head is not None:
            self.y += self._head()
        if self._head is not None and self.group is not None:
            self.text(MARGIN, self.y + 6, self.group, 9.5, bold=True)
            wide = width(self.group, 9.5 * MM, bold=True)
            self.text(MARGIN + wide + 1.5, self.y + 6, "continued", 8, SOFT)
            self.y += 9

    def room(self, high: float) -> None:
        """Begin a page where less than this is left."""
        if self.y + high > BOTTOM:
            self.page()

    def text(
        self, x: float, y: float, text: str, size: float, colour: str = INK, *, bold: bool = False
    ) -> None:
        """A text on its base line."""
        self.pdf.set_font("Inter", "B" if bold else "", size)
        self.pdf.set_text_color(colour)
        self.pdf.text(x, y, shown(text))

    def right(
        self, x: float, y: float, text: str, size: float, colour: str = INK, *, bold: bool = False
    ) -> None:
        """A text that ends at `x`."""
        text = shown(text)
        self.text(x - width(text, size * MM, bold=bold), y, text, size, colour, bold=bold)

    def box(self, x: float, y: float, wide: float, high: float, colour: str, *, round_: bool = False) -> None:
        """A filled area."""
        self.pdf.set_fill_color(colour)
        self.pdf.rect(x, y, wide, high, style="F", round_corners=round_, corner_radius=2 if round_ else 0)

    def rule(self, colour: str = RULE) -> None:
        """A thin line over the whole width."""
        self.pdf.set_draw_color(colour)
        self.pdf.set_line_width(0.2)
        self.pdf.line(MARGIN, self.y, WIDE - MARGIN, self.y)

    def heading(self, text: str, keep: float = 20, level: int = 0) -> None:
        """The name of a section, which the outline has too, on one page with what follows in `keep`."""
        size, above = ((13, 9), (9.5, 6))[level]
        self.room(above + 4 + keep)
        self.y += above
        self.pdf.set_font("Inter", "B", size)
        self.pdf.start_section(text, level=level)
        self.text(MARGIN, self.y, text, size, bold=True)
        self.y += 4

    def paragraph(
        self, text: str, size: float = 9, colour: str = INK, *, indent: float = 0, sign: str = ""
    ) -> None:
        """A text over the whole width, with a sign before it or none."""
        high = size * MM * 1.45
        for number, line in enumerate(lines_of(text, size * MM, ROOM - indent)):
            self.room(high)
            self.y += high
            if sign and not number:
                self.text(MARGIN, self.y, sign, size, SOFT)
            self.text(MARGIN + indent, self.y, line, size, colour)
        self.y += size * MM * 0.5

    def columns(self, columns: Sequence[Column], size: float = 7) -> None:
        """Begin a table: its head stands again on each page, until `end_columns`."""

        def head() -> float:
            self.box(MARGIN, self.y, ROOM, 6, SHADE)
            x = MARGIN
            for each in columns:
                place = self.right if each.right else self.text
                place(x + (each.wide - 2 if each.right else 2), self.y + 4, each.head, size, SOFT)
                x += each.wide
            return 6.0

        self.room(20)
        self.y += head()
        self._head = head

    def end_columns(self) -> None:
        """The table is over."""
        self._head = self.group = None

    def row(self, columns: Sequence[Column], cells: Sequence[str], size: float = 8) -> None:
        """A row of texts, each in as many lines as it takes."""
        high = size * MM * 1.4
        found = [lines_of(cell, size * MM, each.wide - 4) for each, cell in zip(columns, cells, strict=True)]
        tall = max(map(len, found)) * high + 3
        self.room(tall)
        x = MARGIN
        for each, lines in zip(columns, found, strict=True):
            for number, line in enumerate(lines):
                place = self.right if each.right else self.text
                y = self.y + 1.2 + high * (number + 0.8)
                place(x + (each.wide - 2 if each.right else 2), y, line, size, bold=each is columns[0])
            x += each.wide
        self.y += tall
        self.rule()

    def finish(self, head: tuple[str, str], foot: str) -> bytes:
        """Write heads and feet, now that the number of pages is known. Returns the file."""
        pages = len(self.pdf.pages)
        for number in range(1, pages + 1):
            self.pdf.page = number
            self.pdf.set_font("Inter", "", 4)  # a page knows only what was set on it, font and colour
            self.pdf.set_draw_color(WHITE)
            if number > 1:
                self.text(MARGIN, 13, cut(head[0], 8 * MM, ROOM * 0.6, bold=True), 8, bold=True)
                self.right(WIDE - MARGIN, 13, head[1], 8, SOFT)
                self.y = 16
                self.rule()
            self.y = HIGH - 14
            self.rule()
            count = f"page {number} of {pages}"
            self.text(MARGIN, HIGH - 9.5, cut(foot, 7 * MM, ROOM - 25), 7, SOFT)
            self.right(WIDE - MARGIN, HIGH - 9.5, count, 7, SOFT)
        return bytes(self.pdf.output())

    def close(self) -> None:
        """Close the files of its fonts, also of pages that were never finished."""
        for font in self.pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.close()


class Part:
    """A part of a page of a PDF, from a corner on; `unit` is how many millimetres one of the drawing is."""

    _POINT = 72 / 25.4

    def __init__(self, pdf: FPDF, corner: Point, unit: float) -> None:
        self._pdf, self._corner, self._unit = pdf, corner, unit

    def _at(self, point: Point) -> Point:
        return self._corner[0] + point[0] * self._unit, self._corner[1] + point[1] * self._unit

    def line(self, points: Sequence[Point], colour: str, thick: float, dash: Sequence[float] = ()) -> None:
        """See Canvas."""
        self._pdf.set_draw_color(colour)
        self._pdf.set_line_width(thick * self._unit)
        for piece in dashes(points, dash):
            self._pdf.polyline([self._at(each) for each in piece])

    def area(self, points: Sequence[Point], colour: str) -> None:
        """See Canvas."""
        self._pdf.set_fill_color(colour)
        self._pdf.polygon([self._at(each) for each in points], style="F")

    def disc(self, centre: Point, radius: float, colour: str) -> None:
        """See Canvas."""
        self._pdf.set_fill_color(colour)
        x, y = self._at(centre)
        self._pdf.circle(x, y, radius * self._unit, style="F")

    def words(
        self, at: Point, text: str, size: float, colour: str, *, bold: bool = False, anchor: float = LEFT
    ) -> None:
        """See Canvas."""
        text = shown(text)
        self._pdf.set_font("Inter", "B" if bold else "", size * self._unit * self._POINT)
        self._pdf.set_text_color(colour)
        x, y = self._at((at[0] - width(text, size, bold=bold) * anchor, at[1]))
        self._pdf.text(x, y, text)
