"""Service hours: by the wall clock of a timezone, holidays left out, clock changes and all."""

import datetime
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_worker.model import ServiceHours
from sla_worker.service_hours import in_service, off_the_grid

BERLIN = ZoneInfo("Europe/Berlin")
WEEKDAYS = frozenset(range(5))
OFFICE = ServiceHours(WEEKDAYS, 9 * 60, 17 * 60, "Europe/Berlin", frozenset({datetime.date(2026, 12, 25)}))
ALWAYS = ServiceHours(frozenset(range(7)), 0, 1440, "Europe/Berlin")


def slot(day: str, time: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> int:
    """The end of a slot, as a wall clock shows it."""
    moment = datetime.datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=zone, fold=fold)
    return int(moment.timestamp())


@pytest.mark.parametrize(
    ("day", "end", "inside"),
    [
        ("2026-11-26", "09:00", False),  # Thursday: from 08:55 to 09:00
        ("2026-11-26", "09:05", True),
        ("2026-11-26", "17:00", True),  # to 17:00
        ("2026-11-26", "17:05", False),
        ("2026-11-28", "12:00", False),  # Saturday
        ("2026-12-25", "12:00", False),  # Friday, a holiday
        ("2026-07-16", "09:05", True),  # Thursday in summer: the wall clock counts
        ("2026-07-16", "09:00", False),
    ],
)
def test_office_hours(day: str, end: str, inside: bool) -> None:  # noqa: FBT001
    assert in_service(OFFICE, slot(day, end), 300) is inside
    assert in_service(None, slot(day, end), 300)


def test_a_slot_that_lies_half_inside_is_out() -> None:
    late = replace(OFFICE, from_minute=9 * 60 + 2)
    assert not in_service(late, slot("2026-11-26", "09:05"), 300)
    assert in_service(late, slot("2026-11-26", "09:10"), 300)


@pytest.mark.parametrize(
    ("day", "end", "inside"),
    [
        ("2026-11-27", "22:00", False),
        ("2026-11-27", "22:05", True),  # Friday evening
        ("2026-11-28", "00:00", True),
        ("2026-11-28", "06:00", True),  # Saturday morning still belongs to Friday's night
        ("2026-11-28", "06:05", False),
        ("2026-11-28", "22:05", False),  # no service begins on Saturday
        ("2026-11-30", "05:00", False),  # Monday morning would belong to Sunday
        ("2026-12-26", "01:00", False),  # the night of the holiday
        ("2026-12-25", "01:00", True),  # the night before it
    ],
)
def test_hours_that_pass_midnight_belong_to_the_day_they_begin_on(
    day: str,
    end: str,
    inside: bool,  # noqa: FBT001
) -> None:
    nights = replace(OFFICE, from_minute=22 * 60, to_minute=6 * 60)
    assert in_service(nights, slot(day, end), 300) is inside


def slots_of(hours: ServiceHours, day: datetime.date, slot_seconds: int = 300) -> int:
    """How many slots in service end on a day of the wall clock, (00:00, 24:00]."""
    first = datetime.datetime.combine(day, datetime.time(), BERLIN)
    last = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time(), BERLIN)
    ends = range(int(first.timestamp()) + slot_seconds, int(last.timestamp()) + 1, slot_seconds)
    return sum(in_service(hours, end, slot_seconds) for end in ends)


def test_both_clock_changes() -> None:
    spring, autumn = datetime.date(2026, 3, 29), datetime.date(2026, 10, 25)
    assert slots_of(ALWAYS, datetime.date(2026, 6, 1)) == 288  # 24 h of 12
    assert slots_of(ALWAYS, spring) == 276  # 23 h
    assert slots_of(ALWAYS, autumn) == 300  # 25 h
    night = replace(ALWAYS, from_minute=2 * 60, to_minute=3 * 60)
    assert slots_of(night, datetime.date(2026, 6, 1)) == 12
    assert slots_of(night, spring) == 0  # 2:00 to 3:00 is not there
    assert slots_of(night, autumn) == 24  # and comes twice here
    half_past = replace(ALWAYS, from_minute=2 * 60 + 30, to_minute=4 * 60)
    assert slots_of(half_past, spring) == 12  # from 3:00, the first moment that shows 2:30 or later
    assert slots_of(half_past, autumn) == 6 + 18  # 2:30 to 3:00 of summer, 2:30 to 4:00 of winter


@given(
    days=st.frozensets(st.integers(0, 6)),
    begin=st.integers(0, 95),
    end=st.integers(0, 96),
    zone=st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
    ),
    holidays=st.frozensets(st.dates(datetime.date(2026, 1, 1), datetime.date(2026, 12, 31)), max_size=3),
    moment=st.integers(1_767_225_600 // 900, 1_798_761_600 // 900),
)
def test_a_slot_is_inside_when_each_of_its_seconds_is(
    *,
    days: frozenset[int],
    begin: int,
    end: int,
    zone: str,
    holidays: frozenset[datetime.date],
    moment: int,
) -> None:
    """Against a search of all periods of service around the slot, as wall clocks show its seconds."""
    hours = ServiceHours(days, begin * 15, end * 15, zone, holidays)
    slot_end = moment * 900

    def served(second: int) -> bool:
        shown = datetime.datetime.fromtimestamp(second, ZoneInfo(zone)).replace(tzinfo=None)
        for back in (0, 1):
            day = shown.date() - datetime.timedelta(days=back)
            midnight = datetime.datetime.combine(day, datetime.time())
            opens = midnight + datetime.timedelta(minutes=begin * 15)
            closes = midnight + datetime.timedelta(minutes=end * 15 + (0 if end > begin else 1440))
            if opens <= shown < closes and day.weekday() in days and day not in holidays:
                return True
        return False

    assert in_service(hours, slot_end, 900) == all(served(s) for s in range(slot_end - 900, slot_end, 30))


def test_hours_must_begin_and_end_where_slots_do() -> None:
    assert off_the_grid(OFFICE, 300) is None
    assert off_the_grid(replace(OFFICE, from_minute=8 * 60 + 30), 3600) == "08:30"
    assert off_the_grid(replace(OFFICE, to_minute=17 * 60 + 2), 300) == "17:02"
    assert off_the_grid(replace(OFFICE, timezone="Asia/Kolkata"), 3600) == "09:00"  # 03:30 UTC
    assert off_the_grid(OFFICE, 45) is None
