"""Recurring maintenance keeps the wall clock of its timezone, over both clock changes."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from sla_worker.errors import SLAWorkerError
from sla_worker.occurrences import MOST, occurrences

BERLIN = ZoneInfo("Europe/Berlin")


def times(rule: str, begins: str, ends: str, zone: ZoneInfo = BERLIN) -> list[tuple[str, str]]:
    """In UTC."""
    start, end = (
        int(dt.datetime.fromisoformat(each).replace(tzinfo=zone).timestamp()) for each in (begins, ends)
    )
    return [
        (
            f"{dt.datetime.fromtimestamp(a, dt.UTC):%m-%d %H:%M}",
            f"{dt.datetime.fromtimestamp(b, dt.UTC):%m-%d %H:%M}",
        )
        for a, b in occurrences(rule, start, end, zone)
    ]


def test_it_begins_at_the_same_wall_clock_in_winter_and_summer() -> None:
    """22:00 to 02:30: in the night of the 29th of March 02:30 is skipped, so it ends with the change."""
    assert times("FREQ=DAILY;COUNT=3", "2026-03-27T22:00", "2026-03-28T02:30") == [
        ("03-27 21:00", "03-28 01:30"),
        ("03-28 21:00", "03-29 01:00"),
        ("03-29 20:00", "03-30 00:30"),
    ]
    assert times(
        "RRULE:FREQ=WEEKLY;BYDAY=SU;UNTIL=20261101T000000Z", "2026-10-18T10:00", "2026-10-18T11:00"
    ) == [
        ("10-18 08:00", "10-18 09:00"),
        ("10-25 09:00", "10-25 10:00"),
    ]


def test_an_hour_that_is_skipped_does_not_happen_and_one_that_comes_twice_is_whole() -> None:
    assert times("FREQ=DAILY;COUNT=3", "2026-03-28T02:00", "2026-03-28T03:00") == [
        ("03-28 01:00", "03-28 02:00"),
        ("03-30 00:00", "03-30 01:00"),
    ]
    assert times("FREQ=DAILY;COUNT=2", "2026-10-24T02:00", "2026-10-24T03:00") == [
        ("10-24 00:00", "10-24 01:00"),
        ("10-25 00:00", "10-25 02:00"),
    ]


def test_an_end_in_utc_is_a_moment_and_not_a_wall_clock() -> None:
    """22:30 in Berlin on the 5th of July is 20:30 UTC: the end at 21:00 UTC lets it happen once more."""
    assert times("FREQ=DAILY;UNTIL=20260705T210000Z", "2026-07-04T22:30", "2026-07-04T23:00") == [
        ("07-04 20:30", "07-04 21:00"),
        ("07-05 20:30", "07-05 21:00"),
    ]


def test_a_rule_without_an_end_is_bounded() -> None:
    """Five years of 365 days and one leap day, 2028: 1826."""
    found = times("FREQ=DAILY", "2026-01-01T02:00", "2026-01-01T03:00", ZoneInfo("UTC"))
    assert len(found) == 1826 < MOST


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("FREQ=HOURLY", "recurs more often than daily; give FREQ=DAILY or rarer"),
        ("every sunday", "cannot be read"),
        ("FREQ=DAILY;INTERVAL=0", "an INTERVAL of 0 never goes on; give one of 1 or more"),
        ("FREQ=DAILY;UNTIL=20269901T000000Z", "cannot be read"),
        ("FREQ=WEEKLY;BYDAY=XX", "cannot be read"),
    ],
)
def test_a_rule_that_cannot_be_used_is_one_clear_line(rule: str, line: str) -> None:
    with pytest.raises(SLAWorkerError, match=line):
        times(rule, "2026-01-01T02:00", "2026-01-01T03:00")
