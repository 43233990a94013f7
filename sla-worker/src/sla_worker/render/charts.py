"""What the charts of a report show, and the same in words for who does not see them.

The burn-down is what is left of an SLA's error budget after each day: 1 - bad so far ÷ what the whole period
allows. It ends at the figure of the table.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sla_worker.model import Line, LongReport
from sla_worker.render.format import budget_left, ratio

BURN_DOWN, SCORES = "burn-down", "scores"
_MOST_CURVES = 4
_MOST_NAMED = 20
_ROUNDING = 1e-9
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Curve:
    """What is left of an SLA's error budget, at first and after each day; None: not measured that day."""

    title: str
    left: tuple[float | None, ...]
    end_ratio: float

    @property
    def end_words(self) -> str:
        """What is left at the end, as the table says it."""
        return budget_left(self.end_ratio).replace("-", _MINUS)


def burn_down(report: LongReport) -> list[Curve]:
    """The curves of the SLAs that decide the period: those with least of their budget left, the least first.

    Only of those that may miss something and have events of their own, and whose days are those of their
    figure: when a frozen month is measured again they are not, until it is frozen again.
    """
    return [Curve(line.status.title, _days(line), left) for left, line in _deciding(report)]


def deciding(report: LongReport) -> list[Line]:
    """The lines of which there are curves."""
    return [line for _, line in _deciding(report)]


def _deciding(report: LongReport) -> list[tuple[float, Line]]:
    found = [(left, each) for each in report.lines if (left := _left(each)) is not None and _adds_up(each)]
    return sorted(found, key=lambda one: one[0])[:_MOST_CURVES]


def _adds_up(line: Line) -> bool:
    """Whether the days have the bad events of the whole period; one that is not drawn came without days."""
    if not line.days:
        return False
    bad = sum(day.bad for day in line.days if day is not None)
    return abs(bad - line.bad) <= _ROUNDING * max(line.status.total, 1)


def _left(line: Line) -> float | None:
    left = line.status.budget_left_ratio
    return None if left is None or line.allowed <= 0 or line.kind == "composite" else left


def _days(line: Line) -> tuple[float | None, ...]:
    found: list[float | None] = [1.0]
    bad = 0.0
    for day in line.days:
        bad += 0.0 if day is None else day.bad
        measured = day is not None and day.coverage_ratio > 0
        found.append(1 - bad / line.allowed if measured else None)
    return tuple(found)


def burn_down_words(report: LongReport) -> str:
    """The ends of the curves in a sentence; nothing without any."""
    curves = burn_down(report)
    if not curves:
        return ""
    told = ", ".join(f"{each.title} {each.end_words}" for each in curves)
    odd = [each.status.title for each in report.lines if _left(each) is not None and not _adds_up(each)]
    named = ", ".join(odd[:_MOST_NAMED])
    rest = len(odd) - _MOST_NAMED
    named += f" and {rest} more" if rest > 0 else ""
    more = f" Not shown, since measured again after the month was frozen: {named}." if odd else ""
    return f"Error budget left at the end, least first: {told}.{more}"


def month_name(start: int, zone: ZoneInfo) -> str:
    """`2026-10`, of the month that begins about then."""
    return f"{dt.datetime.fromtimestamp(start, zone) + dt.timedelta(days=14):%Y-%m}"


def scores_words(report: LongReport, zone: ZoneInfo) -> str:
    """The scores of the last months in a sentence; nothing where there are none."""
    if not report.history:
        return ""
    known = [each for each in report.history if each.ratio is not None]
    told = ", ".join(f"{month_name(each.start, zone)} {ratio(each.ratio)}" for each in known)
    rest = len(report.history) - len(known)
    more = f"; of {rest} nothing is known" if rest else ""
    return f"SLAs that kept their target, of the last twelve months: {told or 'none known'}{more}."
