"""Which days, hours and slots make up a period, by hand and for any period."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_worker.database.periods import Marks, Part, days, hour, midnight, next_midnight, parts, phase

UTC, BERLIN, KOLKATA = (ZoneInfo(each) for each in ("UTC", "Europe/Berlin", "Asia/Kolkata"))


def at(text: str, zone: ZoneInfo = BERLIN) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


def test_days_of_a_clock_change_have_23_and_25_hours() -> None:
    spring = list(days(at("2026-03-28"), at("2026-03-31"), BERLIN))
    assert [(end - start) // 3600 for start, end in spring] == [24, 23, 24]
    autumn = list(days(at("2026-10-24"), at("2026-10-27"), BERLIN))
    assert [(end - start) // 3600 for start, end in autumn] == [24, 25, 24]


def test_a_day_may_begin_after_midnight() -> None:
    """In Cairo the clock went from 0:00 to 1:00 on 2026-04-24: the day began at 1:00."""
    cairo = ZoneInfo("Africa/Cairo")
    begin = midnight(at("2026-04-24T12:00", cairo), cairo)
    assert dt.datetime.fromtimestamp(begin, cairo).isoformat() == "2026-04-24T01:00:00+03:00"
    assert next_midnight(begin, cairo) - begin == 23 * 3600


def test_hours_begin_as_those_of_the_zone_do() -> None:
    assert (phase(UTC), phase(BERLIN), phase(KOLKATA)) == (0, 0, 1800)
    assert hour(at("2026-01-01T10:59", KOLKATA), 1800) == at("2026-01-01T10:00", KOLKATA)


def test_a_month_is_its_days_and_the_hours_and_slots_at_its_ends() -> None:
    marks = Marks(hours_until=at("2026-03-31T14:00"), days_until=at("2026-03-31"))
    assert parts(at("2026-02-28T22:40"), at("2026-03-31T14:20"), marks, BERLIN) == [
        Part("slots", at("2026-02-28T22:40"), at("2026-02-28T23:00")),
        Part("hours", at("2026-02-28T23:00"), at("2026-03-01")),
        Part("days", at("2026-03-01"), at("2026-03-31")),
        Part("hours", at("2026-03-31"), at("2026-03-31T14:00")),
        Part("slots", at("2026-03-31T14:00"), at("2026-03-31T14:20")),
    ]


@pytest.mark.parametrize(("start", "end"), [("10:10", "10:50"), ("10:50", "11:10"), ("10:10", "10:10")])
def test_a_period_without_a_whole_hour_is_slots(start: str, end: str) -> None:
    begin, until = at(f"2026-03-10T{start}"), at(f"2026-03-10T{end}")
    marks = Marks(hours_until=at("2026-03-31"), days_until=at("2026-03-31"))
    assert parts(begin, until, marks, BERLIN) == ([Part("slots", begin, until)] if begin < until else [])


def test_of_long_ago_only_days_are_left() -> None:
    marks = Marks(
        at("2026-03-31"), at("2026-03-31"), slots_after=at("2026-03-01"), hours_after=at("2026-02-01")
    )
    assert parts(at("2025-12-31T12:00"), at("2026-01-02T12:30"), marks, BERLIN) == [
        Part("days", at("2026-01-01"), at("2026-01-02"))
    ]
    assert parts(at("2026-02-10T12:10"), at("2026-02-10T14:10"), marks, BERLIN) == [
        Part("hours", at("2026-02-10T13:00"), at("2026-02-10T14:00"))
    ]


MOMENTS = st.integers(at("2026-03-20") // 300, at("2026-04-05") // 300).map(lambda number: number * 300)


@given(MOMENTS, MOMENTS, MOMENTS, MOMENTS, st.sampled_from([UTC, BERLIN, KOLKATA]))
def test_the_parts_of_any_period_join_up(start: int, end: int, hours: int, day: int, zone: ZoneInfo) -> None:
    of_phase = phase(zone)
    marks = Marks(hours_until=hour(hours, of_phase), days_until=midnight(day, zone))
    found = parts(start, end, marks, zone)
    borders = [start, *(part.end for part in found)]
    assert [part.start for part in found] == borders[:-1]
    assert borders[-1] == max(start, end) if found else start >= end
    for part in found:
        assert part.start < part.end
        if part.source == "hours":
            assert (part.start - of_phase) % 3600 == (part.end - of_phase) % 3600 == 0
            assert part.end <= (marks.hours_until or 0)
        if part.source == "days":
            assert (midnight(part.start, zone), midnight(part.end, zone)) == (part.start, part.end)
            assert part.end <= (marks.days_until or 0)
