"""What charts are drawn on: a picture of pixels, or a part of a page. Lengths are those of the drawing."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Protocol

from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

from sla_worker.drawing.letters import BOLD, REGULAR, width

Point = tuple[float, float]
LEFT, CENTRE, RIGHT = 0.0, 0.5, 1.0


class Canvas(Protocol):
    """Takes lines, areas and words."""

    def line(self, points: Sequence[Point], colour: str, thick: float, dash: Sequence[float] = ()) -> None:
        """A line through the points; `dash` is how long it is drawn and left out in turn."""

    def area(self, points: Sequence[Point], colour: str) -> None:
        """A filled polygon."""

    def disc(self, centre: Point, radius: float, colour: str) -> None:
        """A filled circle."""

    def words(
        self, at: Point, text: str, size: float, colour: str, *, bold: bool = False, anchor: float = LEFT
    ) -> None:
        """A text on its base line, which begins, has its middle or ends at the point."""


def dashes(points: Sequence[Point], dash: Sequence[float]) -> Iterator[list[Point]]:
    """The pieces of a dashed line."""
    if not dash:
        yield list(points)
        return
    lengths = itertools.cycle(dash)
    left, drawn = next(lengths), True
    piece = [points[0]]
    for begin, end in itertools.pairwise(points):
        distance = math.dist(begin, end)
        gone = 0.0
        while distance - gone > left:
            gone += left
            share = gone / distance
            at = (begin[0] + (end[0] - begin[0]) * share, begin[1] + (end[1] - begin[1]) * share)
            if drawn:
                yield [*piece, at]
            piece, drawn, left = [at], not drawn, next(lengths)
        left -= distance - gone
        piece.append(end)
    if drawn and len(piece) > 1:
        yield piece


class Picture:
    """A PNG with two pixels for each unit, as sharp screens have; drawn twice as large, for smooth edges."""

    _PIXELS, _FINER, _COLOURS = 2, 2, 48

    def __init__(self, wide: float, high: float, paper: str = "#ffffff") -> None:
        self._scale = self._PIXELS * self._FINER
        self._image = Image.new("RGB", (round(wide * self._scale), round(high * self._scale)), paper)
        self._pen = ImageDraw.Draw(self._image)

    def _at(self, point: Point) -> Point:
        return point[0] * self._scale, point[1] * self._scale

    def line(self, points: Sequence[Point], colour: str, thick: float, dash: Sequence[float] = ()) -> None:
        """See Canvas."""
        for piece in dashes(points, dash):
            found = [self._at(each) for each in piece]
            self._pen.line(found, fill=colour, width=max(round(thick * self._scale), 1), joint="curve")

    def area(self, points: Sequence[Point], colour: str) -> None:
        """See Canvas."""
        self._pen.polygon([self._at(each) for each in points], fill=colour)

    def disc(self, centre: Point, radius: float, colour: str) -> None:
        """See Canvas."""
        (x, y), reach = self._at(centre), radius * self._scale
        self._pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)

    def words(
        self, at: Point, text: str, size: float, colour: str, *, bold: bool = False, anchor: float = LEFT
    ) -> None:
        """See Canvas."""
        x, y = self._at((at[0] - width(text, size, bold=bold) * anchor, at[1]))
        font = ImageFont.truetype(
            BOLD if bold else REGULAR, size * self._scale, layout_engine=ImageFont.Layout.BASIC
        )
        self._pen.text((x, y), text, fill=colour, font=font, anchor="ls")

    def png(self) -> bytes:
        """The picture as a file."""
        smaller = (self._image.width // self._FINER, self._image.height // self._FINER)
        smooth = self._image.resize(smaller, Image.Resampling.LANCZOS)
        few = smooth.quantize(self._COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        file = io.BytesIO()
        few.save(file, "PNG", optimize=True)
        return file.getvalue()


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
        self._pdf.set_font("Inter", "B" if bold else "", size * self._unit * self._POINT)
        self._pdf.set_text_color(colour)
        x, y = self._at((at[0] - width(text, size, bold=bold) * anchor, at[1]))
        self._pdf.text(x, y, text)
