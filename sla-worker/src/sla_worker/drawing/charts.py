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

WIDE = 552.0
BURN_DOWN_HIGH, SCORES_HIGH = 200.0, 144.0
INK, SOFT, RULE, PALE = "#1d2733", "#5f6b7a", "#d5dce4", "#9db4cc"
_LOOKS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("#1565c0", ()),
    ("#b35c00", (7, 3)),
    ("#6a3d9a", (2, 2.5)),
    ("#00695c", (9, 3, 2, 3)),
)
_LOWEST = -1.0  # what lies deeper is written, not drawn
_SMALL, _NORMAL = 10.0, 10.5


def pictures(report: LongReport, zone: ZoneInfo) -> dict[str, bytes]:
    """The charts that a report has, as PNG."""
    found = {}
    if curves := burn_down(report):
        picture = Picture(WIDE, BURN_DOWN_HIGH)
        draw_burn_down(picture, curves, report, zone)
        found[BURN_DOWN] = picture.png()
    if report.history:
        picture = Picture(WIDE, SCORES_HIGH)
        draw_scores(picture, report.history, zone)
        found[SCORES] = picture.png()
    return found


def draw_burn_down(canvas: Canvas, curves: Sequence[Curve], report: LongReport, zone: ZoneInfo) -> None:
    """A line an SLA, which bears its name and its end; a dotted one shows a budget used evenly."""
    left, right, top, bottom = 48.0, 340.0, 12.0, BURN_DOWN_HIGH - 24
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
    ends = _apart([at(0, each.end_ratio)[1] for each in curves], 30, top + 10, bottom - 8)
    for curve, (colour, dash), y in reversed(list(zip(curves, _LOOKS, ends, strict=False))):
        _curve(canvas, curve, [at(day, value or 0) for day, value in enumerate(curve.left)], colour, dash)
        end = at(len(report.days), curve.end_ratio)
        canvas.disc(end, 3, colour)
        canvas.line([end, (right + 14, y), (right + 18, y)], colour, 0.8)
        title = _short(curve.title, WIDE - right - 24)
        canvas.words((right + 22, y - 1), title, _NORMAL, colour, bold=True)
        below = f"{curve.end_words} left" + (" ↓" if curve.end_ratio < lowest else "")
        canvas.words((right + 22, y + 12), below, _SMALL, INK)


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
    return list(range(0, days, 1 if days <= 7 else max(7, days // 5)))  # noqa: PLR2004 - a week


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


def draw_scores(canvas: Canvas, history: Sequence[Score], zone: ZoneInfo) -> None:
    """A column a month with its figure; a dashed one is not known."""
    top, bottom = 24.0, SCORES_HIGH - 34
    step = WIDE / len(history)
    for number, each in enumerate(history):
        begin = dt.datetime.fromtimestamp(each.start, zone) + dt.timedelta(
            days=14
        )  # the zone may have changed
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
            canvas.words((middle, (top + bottom) / 2), "?", 14, SOFT, bold=True, anchor=CENTRE)
            for below, word in enumerate(("not", "known"), 1):
                canvas.words((middle, (top + bottom) / 2 + 3 + 11 * below), word, 9, SOFT, anchor=CENTRE)
        else:
            y = bottom - (bottom - top) * each.ratio
            corners = [
                (middle - half, y),
                (middle + half, y),
                (middle + half, bottom),
                (middle - half, bottom),
            ]
            canvas.area(corners, INK if last else PALE)
            canvas.words((middle, y - 5), ratio(each.ratio), 9, INK, bold=last, anchor=CENTRE)
        canvas.words((middle, bottom + 15), f"{begin:%b}", _SMALL, INK, bold=last, anchor=CENTRE)
        if number == 0 or begin.month == 1:
            canvas.words((middle, bottom + 27), f"{begin:%Y}", 9, SOFT, anchor=CENTRE)
    canvas.line([(0, bottom), (WIDE, bottom)], SOFT, 0.8)
