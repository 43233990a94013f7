"""The two charts of a report: what is left of error budgets day by day, and the scores of the last months."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sla_worker.drawing.canvas import CENTRE, RIGHT, Canvas, Picture, Point
from sla_worker.drawing.letters import cut, width
from sla_worker.model import LongReport, Score
from sla_worker.render.charts import BURN_DOWN, SCORES, Curve, burn_down
from sla_worker.render.format import RED, ratio

WIDE, NARROW = 552.0, 400.0
"""Of a page, with names beside the curves; of a mail, with names below them, to be read on a phone."""

BURN_DOWN_HIGH, SCORES_HIGH = 200.0, 144.0
_BESIDE, _BELOW, _ROW = (
    212.0,
    16.0,
    21.0,
)  # room for names beside the curves, for signs, for a name below them
INK, SOFT, RULE, PALE = "#1d2733", "#5f6b7a", "#d5dce4", "#9db4cc"
_LOOKS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("#1565c0", ()),
    ("#b35c00", (7, 3)),
    ("#6a3d9a", (2, 2.5)),
    ("#00695c", (9, 3, 2, 3)),
)
_LETTERS = "ABCD"
_LOWEST = -1.0  # what lies deeper is written, not drawn
_SMALL, _NORMAL = 10.0, 10.5


def pictures(report: LongReport, zone: ZoneInfo) -> dict[str, bytes]:
    """The charts that a report has, as PNG."""
    found = {}
    if curves := burn_down(report):
        picture = Picture(NARROW, BURN_DOWN_HIGH + 8 + _ROW * len(curves))
        draw_burn_down(picture, curves, report, zone, NARROW)
        found[BURN_DOWN] = picture.png()
    if report.history:
        picture = Picture(NARROW, SCORES_HIGH)
        draw_scores(picture, report.history, zone, NARROW)
        found[SCORES] = picture.png()
    return found


def draw_burn_down(
    canvas: Canvas, curves: Sequence[Curve], report: LongReport, zone: ZoneInfo, wide: float = WIDE
) -> None:
    """A line an SLA with a letter at its end, and its name and end behind the letter again.

    A dotted line shows a budget that is used evenly.
    """
    beside = wide == WIDE
    left, right = 48.0, wide - (_BESIDE if beside else _BELOW)
    top, bottom = 12.0, BURN_DOWN_HIGH - 24
    lowest = max(min([0.0, *(each for curve in curves for each in curve.left if each is not None)]), _LOWEST)
    steps = [1.0, 0.5, 0.0] + [each for each in (-0.5, -1.0) if each > lowest - 0.5 and lowest < 0]
    lowest = steps[-1]

    def at(day: float, value: float) -> Point:
        share = (1 - max(value, lowest)) / (1 - lowest)
        return left + (right - left) * day / len(report.days), top + (bottom - top) * share

    for step in steps:
        y = at(0, step)[1]
        gone = step == 0
        canvas.line([(left, y), (right, y)], RED if gone else RULE, 1.2 if gone else 0.6)
        name = f"{step * 100:.0f} %".replace("-", "\N{MINUS SIGN}")
        canvas.words((left - 6, y + 3.5), name, _SMALL, RED if gone else SOFT, anchor=RIGHT)
    for day in _ticks(len(report.days)):
        begin = dt.datetime.fromtimestamp(report.days[day].start, zone)
        x = at(day + 0.5, 0)[0]
        name = f"{begin:%a %d}" if len(report.days) <= 7 else f"{begin:%d %b}"  # noqa: PLR2004 - a week
        canvas.words((x, bottom + 16), name, _SMALL, SOFT, anchor=CENTRE)
    canvas.line([at(0, 1), at(len(report.days), 0)], SOFT, 0.8, (1, 3))
    canvas.line([(left + 6, bottom - 8), (left + 26, bottom - 8)], SOFT, 0.8, (1, 3))
    canvas.words((left + 30, bottom - 5), "used evenly", 9, SOFT)
    known = list(zip(_LETTERS, curves, _LOOKS, strict=False))
    for _, curve, (colour, dash) in reversed(known):
        _curve(canvas, curve, [at(day, value or 0) for day, value in enumerate(curve.left)], colour, dash)
    wished = [at(len(report.days), curve.end_ratio)[1] for curve in curves]
    ends = _apart(
        wished, 30 if beside else 17, top if not beside else top + 10, bottom - (8 if beside else 0)
    )
    for number, (letter, curve, (colour, _)) in enumerate(known):
        end = (right, wished[number])
        if beside:
            canvas.line([end, (right + 12, ends[number])], colour, 0.8)
            _badge(canvas, (right + 18, ends[number]), letter, colour)
            title = _short(curve.title, wide - right - 30)
            canvas.words((right + 30, ends[number] - 1), title, _NORMAL, colour, bold=True)
            canvas.words((right + 30, ends[number] + 12), _end(curve, lowest), _SMALL, INK)
        else:
            _badge(canvas, (right + 6, ends[number]), letter, colour)
            y = BURN_DOWN_HIGH + 16 + number * _ROW
            _badge(canvas, (left - 34, y - 4), letter, colour)
            told = _end(curve, lowest)
            room = wide - left + 20 - width(told, _NORMAL) - 12
            canvas.words((left - 22, y), _short(curve.title, room), _NORMAL, INK, bold=True)
            canvas.words((wide - 4, y), told, _NORMAL, INK, anchor=RIGHT)


def _end(curve: Curve, lowest: float) -> str:
    return f"{curve.end_words} left" + (" ↓" if curve.end_ratio < lowest else "")


def _badge(canvas: Canvas, centre: Point, letter: str, colour: str) -> None:
    """The letter of a curve."""
    canvas.disc(centre, 7.5, colour)
    canvas.words((centre[0], centre[1] + 3.4), letter, 9.5, "#ffffff", bold=True, anchor=CENTRE)


def _short(title: str, room: float) -> str:
    """The name of an SLA as far as there is room for it; the component behind it is left whole."""
    name, slash, component = title.partition(" / ")
    behind = slash + component
    rest = room - width(behind, _NORMAL, bold=True)
    if rest < room / 3:
        return cut(title, _NORMAL, room, bold=True)
    return cut(name, _NORMAL, rest, bold=True) + behind


def _curve(canvas: Canvas, curve: Curve, points: Sequence[Point], colour: str, dash: Sequence[float]) -> None:
    """The line of an SLA, with a gap where it was not measured."""
    piece: list[Point] = []
    for value, point in zip(curve.left, points, strict=True):
        if value is None:
            piece = _drawn(canvas, piece, colour, dash)
        else:
            piece.append(point)
    _drawn(canvas, piece, colour, dash)


def _drawn(canvas: Canvas, piece: Sequence[Point], colour: str, dash: Sequence[float]) -> list[Point]:
    if len(piece) > 1:
        canvas.line(piece, colour, 2, dash)
    elif piece:
        canvas.disc(piece[0], 1.5, colour)
    return []


def _ticks(days: int) -> list[int]:
    """The days that are named: each of a week, every seventh of a month."""
    if days <= 7:  # noqa: PLR2004 - a week
        return list(range(days))
    return list(range(0, days, max(7, days // 5)))


def _apart(wished: Sequence[float], distance: float, top: float, bottom: float) -> list[float]:
    """Heights near the wished ones, so far apart that none lies on another, in a space that holds them."""
    order = sorted(range(len(wished)), key=lambda each: (wished[each], -each))
    found = dict.fromkeys(order, 0.0)
    lowest = top
    for each in order:
        found[each] = lowest = max(wished[each], lowest)
        lowest += distance
    highest = bottom
    for each in reversed(order):
        found[each] = min(found[each], highest)
        highest = found[each] - distance
    return [found[each] for each in range(len(wished))]


def draw_scores(canvas: Canvas, history: Sequence[Score], zone: ZoneInfo, wide: float = WIDE) -> None:
    """A column a month with its figure; a dashed one is not known."""
    top, bottom = 24.0, SCORES_HIGH - 34
    step = wide / len(history)
    for number, each in enumerate(history):
        begin = dt.datetime.fromtimestamp(each.start, zone) + dt.timedelta(days=14)  # the zone may be another
        middle, half = (number + 0.5) * step, step * 0.36
        last = number == len(history) - 1
        if each.ratio is None:
            edge = [
                (middle - half, bottom),
                (middle - half, top),
                (middle + half, top),
                (middle + half, bottom),
            ]
            canvas.line(edge, RULE, 1, (3, 3))
            canvas.words((middle, (top + bottom) / 2 + 3), "?", 14, SOFT, bold=True, anchor=CENTRE)
        else:
            y = bottom - (bottom - top) * each.ratio
            corners = [
                (middle - half, y),
                (middle + half, y),
                (middle + half, bottom),
                (middle - half, bottom),
            ]
            canvas.area(corners, INK if last else PALE)
            told = ratio(each.ratio)
            told = told if wide == WIDE else told.removesuffix(" %")
            canvas.words((middle, y - 5), told, 9, INK, bold=last, anchor=CENTRE)
        canvas.words((middle, bottom + 15), f"{begin:%b}", _SMALL, INK, bold=last, anchor=CENTRE)
        if number == 0 or begin.month == 1:
            canvas.words((middle, bottom + 27), f"{begin:%Y}", 9, SOFT, anchor=CENTRE)
    canvas.line([(0, bottom), (wide, bottom)], SOFT, 0.8)
    notes = [
        "" if wide == WIDE else "in percent",
        "? not known" if any(each.ratio is None for each in history) else "",
    ]
    canvas.words((wide, bottom + 29), ", ".join(filter(None, notes)), 9, SOFT, anchor=RIGHT)
