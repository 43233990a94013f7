"""The spans of time that people name: `24h`, `30d`, `month`, `quarter`, `year`, `12m`, a day, FROM/TO.

Those of the calendar are in a timezone, whose days may have 23 or 25 hours.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sla_worker.conventions import MONTH
from sla_worker.errors import SLAWorkerError

QUARTER, YEAR, TWELVE_MONTHS = "quarter", "year", "12m"
TO_DATE = (MONTH, QUARTER, YEAR)
"""Windows of the calendar so far: they grow until the calendar's period is over, and then begin again."""

NAMED = ("24h", "30d", *TO_DATE, TWELVE_MONTHS)
"""The windows that end now, as pages and commands offer them."""

_MONTHS_OF_A_QUARTER = 3
_LENGTH = re.compile(r"([1-9][0-9]{0,4})([hd])")
_HOURS = {"h": 1, "d": 24}
_OF_CALENDAR = re.compile(r"(?P<year>[0-9]{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>[0-9]{2})))?")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIX = (
    "give a time like 2026-03-01T09:00, or a period like 24h, 30d, month, quarter, year, 12m, 2026-03,"
    " 2026-Q1, 2026, 2026-03-01 or FROM/TO"
)


@dataclass(frozen=True, slots=True)
class Span:
    """The slots in (start, end], and what comes next.

    `moves`: the window moves on (True), or grows with the calendar (False). None: neither; it is over, or
    both its ends are given.
    """

    start: int
    end: int
    moves: bool | None = None


def window_start(name: str, end: int, zone: ZoneInfo) -> int | None:
    """Where a window begins that ends with the slot that ends at `end`; None: the name is that of no window.

    The last twelve months begin with the day a year ago: whole days are kept for good.
    """
    if match := _LENGTH.fullmatch(name):
        return end - int(match[1]) * _HOURS[match[2]] * 3600
    inside = dt.datetime.fromtimestamp(end - 1, zone).date()
    if name == TWELVE_MONTHS:
        day = inside if (inside.month, inside.day) != (2, 29) else inside - dt.timedelta(days=1)
        return _midnight(day.replace(year=day.year - 1), zone)
    if name not in TO_DATE:
        return None
    month = {
        MONTH: inside.month,
        QUARTER: (inside.month - 1) // _MONTHS_OF_A_QUARTER * _MONTHS_OF_A_QUARTER + 1,
        YEAR: 1,
    }[name]
    return _midnight(dt.date(inside.year, month, 1), zone)


def month_start(end: int, zone: ZoneInfo) -> int:
    """The beginning of the calendar month that the slot ending at `end` belongs to."""
    inside = dt.datetime.fromtimestamp(end - 1, zone)
    return _midnight(dt.date(inside.year, inside.month, 1), zone)


def month_of(start: int, end: int, zone: ZoneInfo) -> str:
    """`2026-03`: the calendar month that a period is; after a change of the timezone, was."""
    return f"{dt.datetime.fromtimestamp((start + end) // 2, zone):%Y-%m}"


def calendar_month(label: str, zone: ZoneInfo) -> tuple[int, int]:
    """Where a month like 2026-03 begins and ends. Raises ValueError or OverflowError."""
    match = _MONTH.fullmatch(label)
    if match is None:
        raise ValueError("not a month")
    return _months(int(match[1]), int(match[2]), 1, zone)


def months_within(start: int, end: int, zone: ZoneInfo) -> list[tuple[int, int]]:
    """The calendar months of a period, each cut to it."""
    found = []
    begin = start
    while begin < end:
        day = dt.datetime.fromtimestamp(begin, zone).date()
        until = min(_months(day.year, day.month, 1, zone)[1], end)
        found.append((begin, until))
        begin = until
    return found


def read_span(text: str, end: int, step: int, zone: ZoneInfo) -> Span:
    """The slots that a text means, up to `end` at most.

    A time is the slot of `step` seconds that ends then, or in which it lies; windows end at `end`. Raises
    SLAWorkerError.
    """
    try:
        begin = window_start(text, end, zone)
        if begin is not None:
            return Span(begin, end, moves=text not in TO_DATE)
        of_calendar = True
        if match := _OF_CALENDAR.fullmatch(text):
            begin, until = _calendar(match, zone)
        elif _DAY.fullmatch(text):
            day = dt.date.fromisoformat(text)
            begin, until = (_midnight(each, zone) for each in (day, day + dt.timedelta(days=1)))
        elif "/" in text:
            first, _, last = text.partition("/")
            begin, until, of_calendar = _moment(first, zone), _moment(last, zone), False
        else:
            slot = -(-_moment(text, zone) // step) * step
            return Span(slot - step, slot)
    except (ValueError, OverflowError):
        raise SLAWorkerError(f"invalid time or period: {text[:40]!r}; {_FIX}") from None
    begin, until = -(-begin // step) * step, until // step * step
    if begin >= min(until, end):
        raise SLAWorkerError(f"no slot lies in {text[:40]!r} up to now; {_FIX}")
    return Span(begin, min(until, end), moves=False if of_calendar and until > end else None)


def _calendar(match: re.Match[str], zone: ZoneInfo) -> tuple[int, int]:
    year = int(match["year"])
    if match["month"]:
        return _months(year, int(match["month"]), 1, zone)
    if match["quarter"]:
        first = (int(match["quarter"]) - 1) * _MONTHS_OF_A_QUARTER + 1
        return _months(year, first, _MONTHS_OF_A_QUARTER, zone)
    return _months(year, 1, 12, zone)


def _months(year: int, month: int, count: int, zone: ZoneInfo) -> tuple[int, int]:
    after = month - 1 + count
    begin, until = dt.date(year, month, 1), dt.date(year + after // 12, after % 12 + 1, 1)
    return _midnight(begin, zone), _midnight(until, zone)


def _midnight(day: dt.date, zone: ZoneInfo) -> int:
    return _within_reach(dt.datetime.combine(day, dt.time(), tzinfo=zone))


def _moment(text: str, zone: ZoneInfo) -> int:
    found = dt.datetime.fromisoformat(text)
    return _within_reach(found if found.tzinfo else found.replace(tzinfo=zone))


def _within_reach(moment: dt.datetime) -> int:
    """In epoch seconds. Raises ValueError for a day that has not both its neighbours in every timezone."""
    if not dt.MINYEAR < moment.year < dt.MAXYEAR:
        raise ValueError(f"year {moment.year} is out of range")
    return int(moment.timestamp())
