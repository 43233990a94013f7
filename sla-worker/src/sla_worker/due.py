"""When the periodic reports are due, and which time each is about: pure, by the wall clock of a timezone.

    daily     every day          the 24 hours before it
    weekly    on Monday          the seven days before that Monday
    monthly   on the 1st         the calendar month before

A report is named by the day on which it is due. A time that a clock change skips is taken as the moment the
zone's rules give for it; of one that comes twice, the first counts.
"""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

from sla_worker.conventions import DAILY_MAIL, MONTHLY_MAIL, WEEKLY_MAIL

REPORTS: Final = (DAILY_MAIL, WEEKLY_MAIL, MONTHLY_MAIL)
MIDNIGHT: Final = dt.time()
_DAY = dt.timedelta(days=1)
_WEEK_DAYS = 7


def last_due(kind: str, now: float, zone: ZoneInfo, at: dt.time) -> dt.datetime:
    """The newest time at or before `now` at which a report of this kind was due."""
    day = dt.datetime.fromtimestamp(now, zone).date()
    while not _is_due(kind, day) or _moment(day, at, zone).timestamp() > now:
        day -= _DAY
    return _moment(day, at, zone)


def due_before(kind: str, due: dt.datetime) -> dt.datetime:
    """When the one before was due, at the same time of the day."""
    day = due.date() - _DAY
    while not _is_due(kind, day):
        day -= _DAY
    return dt.datetime.combine(day, due.time(), tzinfo=due.tzinfo)


def key(kind: str, due: dt.datetime, team: str | None = None) -> str:
    """The name under which a report is owed once: `weekly:2026-11-23`, a team's with `/payments`."""
    return f"{kind}:{due:%Y-%m-%d}{f'/{team}' if team else ''}"


def period_end(kind: str, due: dt.datetime) -> int:
    """The end of what a report is about, in epoch seconds: its due time, or the midnight before it."""
    if kind == DAILY_MAIL:
        return int(due.timestamp())
    return int(dt.datetime.combine(due.date(), MIDNIGHT, tzinfo=due.tzinfo).timestamp())


def borders(kind: str, end: int, zone: ZoneInfo) -> tuple[int, ...]:
    """Where the days of a report begin, and where the last one ends: at the same time of the day as `end`.

    At midnight as a rule. After a change of the timezone a report that was owed before keeps its end.
    """
    if kind == DAILY_MAIL:
        return end - 86_400, end
    last = dt.datetime.fromtimestamp(end, zone)
    count = _WEEK_DAYS if kind == WEEKLY_MAIL else _days_of_month(last)
    days = [last.replace(tzinfo=None) - back * _DAY for back in range(count, 0, -1)]
    return (*(int(each.replace(tzinfo=zone).timestamp()) for each in days), end)


def _days_of_month(last: dt.datetime) -> int:
    """Of the month that ends about then: midnight of another timezone is half a day from ours at most."""
    inside = last - 15 * _DAY
    return calendar.monthrange(inside.year, inside.month)[1]


def _is_due(kind: str, day: dt.date) -> bool:
    if kind == WEEKLY_MAIL:
        return day.weekday() == 0
    return kind == DAILY_MAIL or day.day == 1


def _moment(day: dt.date, at: dt.time, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, at, tzinfo=zone)
