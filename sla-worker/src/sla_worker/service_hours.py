"""Which slots lie in the hours in which an SLA is in force.

A moment is in service when the wall clock of the timezone shows a time from `from` to before `to`, on one of
the days that is no holiday. Hours that pass midnight belong to the day on which they begin. A slot is in
service when every moment of it is. So the wall clock decides at clock changes too: the hour skipped in
spring is not there, the one that comes twice in autumn is in service twice.
"""

from __future__ import annotations

import datetime
import functools
from zoneinfo import ZoneInfo

from sla_worker.model import ServiceHours

_DAY = 24 * 60
_MINUTE = 60
_ONE_DAY = datetime.timedelta(days=1)
_SOME_YEAR = 2026  # its months show the offsets that a timezone has


@functools.lru_cache(maxsize=2048)
def in_service(hours: ServiceHours | None, slot_end: int, slot_seconds: int) -> bool:
    """Whether the slot that ends at `slot_end` lies wholly inside; without hours every slot does.

    Wall clocks differ from UTC by whole minutes, so one moment of each minute speaks for all of it.
    """
    if hours is None:
        return True
    start = slot_end - slot_seconds
    next_minute = start - start % _MINUTE + _MINUTE
    zone = ZoneInfo(hours.timezone)
    return all(_holds(hours, moment, zone) for moment in (start, *range(next_minute, slot_end, _MINUTE)))


def _holds(hours: ServiceHours, moment: int, zone: ZoneInfo) -> bool:
    local = datetime.datetime.fromtimestamp(moment, zone)
    day, minute = local.date(), local.hour * 60 + local.minute
    if hours.to_minute > hours.from_minute:
        return hours.from_minute <= minute < hours.to_minute and _is_open(hours, day)
    if minute >= hours.from_minute:
        return _is_open(hours, day)
    return minute < hours.to_minute and _is_open(hours, day - _ONE_DAY)


def _is_open(hours: ServiceHours, day: datetime.date) -> bool:
    return day.weekday() in hours.days and day not in hours.holidays


def off_the_grid(hours: ServiceHours, slot_seconds: int) -> str | None:
    """The first of the two times that is no border of slots, as `HH:MM`; None: both are.

    The slots at the ends of such hours would lie half inside and be left out.
    """
    zone = ZoneInfo(hours.timezone)
    months = (datetime.datetime(_SOME_YEAR, month, 1, tzinfo=zone) for month in range(1, 13))
    offsets = {int((month.utcoffset() or datetime.timedelta()).total_seconds()) for month in months}
    for minute in (hours.from_minute, hours.to_minute):
        if any((minute * _MINUTE - offset) % slot_seconds for offset in offsets):
            return wall_clock(minute)
    return None


def wall_clock(minute: int) -> str:
    """A minute of the day as people write it: 510 is `08:30`."""
    return f"{minute // 60:02}:{minute % 60:02}"
