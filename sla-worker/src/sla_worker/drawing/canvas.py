"""What charts are drawn on: a picture of pixels, or a part of a page (in `paper`)."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Protocol

from PIL import Image, ImageDraw, ImageFont

from sla_worker.drawing.letters import BOLD, REGULAR, shown, width

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

    _PIXELS, _FINER, _COLOURS = 2, 2, 32

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
        text = shown(text)
        x, y = self._at((at[0] - width(text, size, bold=bold) * anchor, at[1]))
        font = ImageFont.truetype(
            BOLD if bold else REGULAR, size * self._scale, layout_engine=ImageFont.Layout.BASIC
        )
        self._pen.text((x, y), text, fill=colour, font=font, anchor="ls")

    def png(self) -> bytes:
        """The picture as a file."""
        smaller = (self._image.width // self._FINER, self._image.height // self._FINER)
        smooth = self._image.resize(smaller, Image.Resampling.BOX)
        few = smooth.quantize(self._COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        file = io.BytesIO()
        few.save(file, "PNG", optimize=True)
        return file.getvalue()
