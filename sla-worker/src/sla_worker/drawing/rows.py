"""The row of an SLA in the PDF: figures, a coloured cell with a sign for each day, and the facts below."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sla_worker.drawing.letters import lines_of, width
from sla_worker.drawing.paper import MARGIN, MM, ROOM, SOFT, WHITE, Column, Paper
from sla_worker.model import Line
from sla_worker.render.format import compliance, ratio, target, verdict, verdict_colour
from sla_worker.render.periodic import line_facts, runs

_NAME, _DAYS, _FIGURE, _RESULT = 56.0, 58.0, 16.0, 16.0
_DAYS_A_ROW = 31
_CELL_HIGH, _WIDEST_CELL = 3.6, 4.0
_TITLE, _FINE, _SIGN = 8.0, 6.5, 5.0
_MOST_LINES = 6


def sla_columns(days: str) -> tuple[Column, ...]:
    """The table's columns; `days` says which ones the strips are about."""
    return (
        Column("SLA", _NAME),
        Column(days, _DAYS),
        Column("Min", _FIGURE, right=True),
        Column("Average", _FIGURE, right=True),
        Column("Max", _FIGURE, right=True),
        Column("Result", ROOM - _NAME - _DAYS - 3 * _FIGURE, right=True),
    )


class SlaRow:
    """The row of one SLA; `high` is known before it is drawn."""

    def __init__(self, line: Line, zone: ZoneInfo) -> None:
        status = line.status
        self._line = line
        room = _NAME - 4
        self._title = lines_of(status.title, _TITLE * MM, room, bold=True, most=_MOST_LINES)
        kept = target(status.target, status.comparison, status.unit)
        measured = f"target {kept}, {ratio(status.coverage_ratio)} measured"
        self._below = lines_of(measured, _FINE * MM, room, most=_MOST_LINES)
        self._facts = lines_of(line_facts(line, zone), _FINE * MM, ROOM - 4, most=_MOST_LINES)
        self._signs = [(sign, colour) for signs, colour in runs(line) for sign in signs]
        strips = -(-len(self._signs) // _DAYS_A_ROW)
        names = len(self._title) * _TITLE * MM * 1.3 + len(self._below) * _FINE * MM * 1.4
        self._upper = max(names, strips * (_CELL_HIGH + 0.5) + 1) + 1.5
        self.high = self._upper + len(self._facts) * _FINE * MM * 1.4 + 2

    def draw(self, paper: Paper) -> None:
        """Draw it where the paper is, and go below it."""
        status = self._line.status
        y = paper.y + 1.2
        for line in self._title:
            y += _TITLE * MM * 1.3
            paper.text(MARGIN + 2, y - 0.6, line, _TITLE, bold=True)
        for line in self._below:
            y += _FINE * MM * 1.4
            paper.text(MARGIN + 2, y - 0.6, line, _FINE, SOFT)
        self._strip(paper, MARGIN + _NAME + 2, paper.y + 1.6)
        x, base = MARGIN + _NAME + _DAYS, paper.y + 1.2 + _TITLE * MM * 1.3 - 0.6
        figures = ratio(self._line.lowest_ratio), compliance(status), ratio(self._line.highest_ratio)
        for number, text in enumerate(figures, 1):
            paper.right(x + number * _FIGURE - 2, base, text, _TITLE, bold=number == 2)  # noqa: PLR2004
        paper.right(MARGIN + ROOM - 2, base, verdict(status), _TITLE, verdict_colour(status), bold=True)
        y = paper.y + self._upper
        for line in self._facts:
            y += _FINE * MM * 1.4
            paper.text(MARGIN + 2, y - 0.6, line, _FINE, SOFT)
        paper.y += self.high
        paper.rule()

    def _strip(self, paper: Paper, x: float, y: float) -> None:
        """A cell a day, its sign in it: several rows of a month each for a long range."""
        many = max(min(len(self._signs), _DAYS_A_ROW), 1)
        wide = min((_DAYS - 3) / many, _WIDEST_CELL)
        for number, (sign, colour) in enumerate(self._signs):
            row, column = divmod(number, _DAYS_A_ROW)
            left, top = x + column * wide, y + row * (_CELL_HIGH + 0.5)
            paper.box(left, top, wide - 0.2, _CELL_HIGH, colour)
            middle = left + (wide - 0.2 - width(sign, _SIGN * MM, bold=True)) / 2
            paper.text(middle, top + 2.45, sign, _SIGN, WHITE, bold=True)
