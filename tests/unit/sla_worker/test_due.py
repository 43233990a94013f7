"""When reports are due, and which time they are about: over clock changes, leap days and month ends."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from sla_worker import due

BERLIN, UTC, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC"), ZoneInfo("Asia/Kolkata")


def epoch(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    ("kind", "now", "zone", "at", "when"),
    [
        ("weekly", "2026-11-23T09:00:00+01:00", BERLIN, "09:00", "2026-11-23T09:00:00+01:00"),  # a Monday
        ("weekly", "2026-11-23T08:59:59+01:00", BERLIN, "09:00", "2026-11-16T09:00:00+01:00"),
        ("monthly", "2026-12-01T08:59:59+01:00", BERLIN, "09:00", "2026-11-01T09:00:00+01:00"),
        ("monthly", "2028-03-01T09:00:00+01:00", BERLIN, "09:00", "2028-03-01T09:00:00+01:00"),
        # On 2026-03-29, a Sunday, 02:30 does not exist in Berlin: 01:30 UTC is 03:30 of summer time.
        ("daily", "2026-03-29T01:29:59+00:00", BERLIN, "02:30", "2026-03-28T01:30:00+00:00"),
        ("daily", "2026-03-29T01:30:00+00:00", BERLIN, "02:30", "2026-03-29T01:30:00+00:00"),
        # On 2026-10-25 it comes twice, at 00:30 and at 01:30 UTC: the first counts.
        ("daily", "2026-10-25T00:30:00+00:00", BERLIN, "02:30", "2026-10-25T00:30:00+00:00"),
        ("daily", "2026-10-25T01:30:00+00:00", BERLIN, "02:30", "2026-10-25T00:30:00+00:00"),
        ("weekly", "2026-10-26T01:29:59+00:00", BERLIN, "02:30", "2026-10-19T00:30:00+00:00"),
        ("weekly", "2026-10-26T01:30:00+00:00", BERLIN, "02:30", "2026-10-26T01:30:00+00:00"),
    ],
)
def test_the_newest_due_time(kind: str, now: str, zone: ZoneInfo, at: str, when: str) -> None:
    found = due.last_due(kind, epoch(now), zone, dt.time.fromisoformat(at))
    assert found.timestamp() == epoch(when)


@pytest.mark.parametrize("kind", due.REPORTS)
def test_over_a_year_of_quarters_of_an_hour_each_report_is_due_once(kind: str) -> None:
    """2028 is a leap year of 366 days; it has 52 Mondays from 3 January on and 1 of 2027, and 12 months."""
    start, end = epoch("2028-01-01T03:00+01:00"), epoch("2029-01-01T00:00+01:00")
    seen = [due.last_due(kind, now, BERLIN, dt.time(2, 30)) for now in range(start, end, 6 * 3600)]
    moments = [each.timestamp() for each in seen]
    assert moments == sorted(moments)
    wanted = {"daily": 366, "weekly": 53, "monthly": 12}
    assert len({due.key(kind, each) for each in seen}) == wanted[kind]


@pytest.mark.parametrize(
    ("kind", "end", "zone", "start", "length"),
    [
        ("weekly", "2026-11-23T00:00+01:00", BERLIN, "2026-11-16T00:00+01:00", (7, 168)),
        ("weekly", "2026-03-30T00:00+02:00", BERLIN, "2026-03-23T00:00+01:00", (7, 167)),
        ("weekly", "2026-10-26T00:00+01:00", BERLIN, "2026-10-19T00:00+02:00", (7, 169)),
        ("monthly", "2026-11-01T00:00+01:00", BERLIN, "2026-10-01T00:00+02:00", (31, 745)),
        ("monthly", "2028-03-01T00:00+05:30", KOLKATA, "2028-02-01T00:00+05:30", (29, 696)),  # a leap year
        ("monthly", "2027-01-01T00:00+00:00", UTC, "2026-12-01T00:00+00:00", (31, 744)),
        # Owed in Berlin, made after a change to UTC: the same end, and as many days before it.
        ("monthly", "2026-11-01T00:00+01:00", UTC, "2026-09-30T23:00+00:00", (31, 744)),
        ("daily", "2026-03-29T09:00+02:00", BERLIN, "2026-03-28T08:00+01:00", (1, 24)),
    ],
)
def test_the_days_of_a_report_and_its_hours(
    kind: str, end: str, zone: ZoneInfo, start: str, length: tuple[int, int]
) -> None:
    edges = due.borders(kind, epoch(end), zone)
    assert (edges[0], edges[-1]) == (epoch(start), epoch(end))
    assert (len(edges) - 1, (edges[-1] - edges[0]) // 3600) == length


def test_a_report_is_about_the_time_before_the_midnight_of_its_day() -> None:
    monday = dt.datetime(2026, 11, 23, 9, tzinfo=BERLIN)
    assert due.key("weekly", monday) == "weekly:2026-11-23"
    assert due.period_end("weekly", monday) == epoch("2026-11-23T00:00+01:00")
    assert due.period_end("daily", monday) == epoch("2026-11-23T09:00+01:00")
    assert due.due_before("monthly", dt.datetime(2026, 3, 1, 9, tzinfo=BERLIN)).isoformat() == (
        "2026-02-01T09:00:00+01:00"
    )
