"""Hours and days of a timezone, and which of them make up a period: pure arithmetic.

A slot belongs to the hour and the day in which it ends: to the hours (start, start + 3600].
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from zoneinfo import ZoneInfo

HOUR_SECONDS = 3600
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Marks:
    """Up to where the ledger is summed up, and after which slot and hour it still has them; None: nothing.

    Days up to `days_after` have the borders of a former timezone; None: there are none.
    """

    hours_until: int | None = None
    days_until: int | None = None
    slots_after: int | None = None
    hours_after: int | None = None
    days_after: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The slots that end in (start, end], to be read from `slots`, `hours` or `days`."""

    source: str
    start: int
    end: int


def midnight(moment: float, zone: ZoneInfo) -> int:
    """The last midnight of the zone at or before a moment, in epoch seconds."""
    day = dt.datetime.fromtimestamp(moment, zone).date()
    return midnight_of(day, zone)


def next_midnight(moment: float, zone: ZoneInfo) -> int:
    """The first midnight of the zone after a moment."""
    day = dt.datetime.fromtimestamp(moment, zone).date()
    found = midnight_of(day + dt.timedelta(days=1), zone)
    return found if found > moment else midnight_of(day + dt.timedelta(days=2), zone)


def midnight_from(moment: float, zone: ZoneInfo) -> int:
    """The first midnight of the zone at or after a moment."""
    return next_midnight(moment - 1, zone)


def days(start: int, end: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """The whole days from the midnight `start` on that have ended at `end`: where they begin and end."""
    while (after := next_midnight(start, zone)) <= end:
        yield start, after
        start = after


def phase(zone: ZoneInfo) -> int:
    """Where the hours of the zone begin, in seconds after those of UTC: 1800 in India."""
    offset = dt.datetime(2024, 1, 1, tzinfo=zone).utcoffset() or dt.timedelta()
    return int(-offset.total_seconds()) % HOUR_SECONDS


def hour(moment: float, of_phase: int) -> int:
    """The last beginning of an hour at or before a moment."""
    return (int(moment) - of_phase) // HOUR_SECONDS * HOUR_SECONDS + of_phase


def parts(
    start: int, end: int, marks: Marks, zone: ZoneInfo, borders: AbstractSet[int] = frozenset()
) -> list[Part]:
    """What to read for the slots that end in (start, end]: whole days, then whole hours, then slots.

    They do not overlap, and leave nothing out but what the ledger has in no such form any more: an edge of
    less than an hour, or of less than a day, of long ago. Days of a former timezone are read as they are,
    if they lie in the period as a whole. At `borders` hours and days were cut: a period that begins or ends
    with one has no such edge there.
    """
    if start >= end:
        return []
    if marks.days_after is not None and start < marks.days_after:
        former = min(end, marks.days_after)
        return [Part("days", start, former), *parts(former, end, marks, zone, borders)]
    found = []
    first, last = end, end
    if marks.days_until is not None:
        first = start if start in borders else midnight_from(start, zone)
        last = midnight(min(end, marks.days_until), zone)
        if end in borders and end <= marks.days_until:
            last = end
    if first < last:
        found += [*_hours(start, first, marks, zone, borders), Part("days", first, last)]
        start = last
    return [*found, *_hours(start, end, marks, zone, borders)]


def _hours(start: int, end: int, marks: Marks, zone: ZoneInfo, borders: AbstractSet[int]) -> Iterator[Part]:
    """A period without whole days: its hours, and the slots at its two ends."""
    of_phase = phase(zone)
    first, last = end, end
    if marks.hours_until is not None:
        first = start if start in borders else hour(start + HOUR_SECONDS - 1, of_phase)
        last = hour(min(end, marks.hours_until), of_phase)
        if end in borders and end <= marks.hours_until:
            last = end
    if first < last:
        yield from _slots(start, first, marks)
        yield from _kept("hours", first, last, marks.hours_after)
        start = last
    yield from _slots(start, end, marks)


def _slots(start: int, end: int, marks: Marks) -> Iterator[Part]:
    yield from _kept("slots", start, end, marks.slots_after)


def _kept(source: str, start: int, end: int, after: int | None) -> Iterator[Part]:
    start = start if after is None else max(start, after)
    if start < end:
        yield Part(source, start, end)


def midnight_of(day: dt.date, zone: ZoneInfo) -> int:
    """The beginning of a day, also where a clock change skips midnight itself."""
    return int(dt.datetime.combine(day, dt.time(), tzinfo=zone).timestamp())
