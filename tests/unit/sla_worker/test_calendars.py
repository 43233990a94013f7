"""Events of iCalendar files: each time exactly as RFC 5545 means it, or refused with line, value and fix."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_worker.calendars import CalendarError, Wanted, read_calendar
from sla_worker.model import CalendarEvent, Scope

BERLIN = ZoneInfo("Europe/Berlin")
NOW = int(dt.datetime(2026, 3, 1, tzinfo=dt.UTC).timestamp())
BEGIN = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test\n"
ZONE = """\
BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:{winter}
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def everything(_words: Sequence[str]) -> Scope:
    return Scope()


def named(words: Sequence[str]) -> Scope:
    if not words:
        raise ValueError("the event has no CATEGORIES; give --all")
    return Scope(categories=tuple(words))


WANTED = Wanted(BERLIN, everything, NOW, most=3000)


def event(*lines: str, uid: str = "a") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", "SUMMARY:disks", *lines, "END:VEVENT", ""])


def calendar(*parts: str) -> bytes:
    return f"{BEGIN}{''.join(parts)}END:VCALENDAR\n".encode()


def read(*lines: str) -> CalendarEvent:
    [found] = read_calendar(calendar(event(*lines)), "a.ics", WANTED)
    return found


def utc(spans: Sequence[tuple[int, int]]) -> list[str]:
    return [
        " - ".join(f"{dt.datetime.fromtimestamp(each, dt.UTC):%m-%d %H:%M}" for each in span)
        for span in spans
    ]


@pytest.mark.parametrize(
    ("lines", "spans"),
    [
        (["DTSTART:20260305T020000Z", "DTEND:20260305T040000Z"], ["03-05 02:00 - 03-05 04:00"]),
        # In winter Berlin is an hour ahead of UTC, New York five behind.
        (
            ["DTSTART;TZID=America/New_York:20260305T020000", "DURATION:PT90M"],
            ["03-05 07:00 - 03-05 08:30"],
        ),
        (["DTSTART:20260305T020000", "DTEND:20260305T040000"], ["03-05 01:00 - 03-05 03:00"]),
        (["DTSTART;VALUE=DATE:20260305"], ["03-04 23:00 - 03-05 23:00"]),
        # The 29th of March has 23 hours in Berlin.
        (
            ["DTSTART;VALUE=DATE:20260329", "DTEND;VALUE=DATE:20260330"],
            ["03-28 23:00 - 03-29 22:00"],
        ),
        (["DTSTART:20260328T120000", "DURATION:P1D"], ["03-28 11:00 - 03-29 10:00"]),
        (["DTSTART:20260328T120000", "DURATION:PT24H"], ["03-28 11:00 - 03-29 11:00"]),
        # 02:30 is skipped there: with the offset from before it is 01:30 UTC. In October it is the first one.
        (["DTSTART:20260329T023000", "DURATION:PT1H"], ["03-29 01:30 - 03-29 02:30"]),
        (["DTSTART:20261025T023000", "DURATION:PT1H"], ["10-25 00:30 - 10-25 01:30"]),
        (["DTSTART:20260305T020000Z", "DURATION:PT1H", "STATUS:CANCELLED"], []),
        (["DTSTART:20260305T020000Z", "DURATION:PT1H", "STATUS:TENTATIVE"], []),
    ],
)
def test_an_event_happens_once(lines: list[str], spans: list[str]) -> None:
    assert utc(read(*lines).spans) == spans


@pytest.mark.parametrize(
    ("lines", "spans"),
    [
        # 03:00 by the wall clock is 02:00 UTC, and 01:00 from the 29th of March on.
        (
            ["DTSTART:20260322T030000", "DTEND:20260322T040000", "RRULE:FREQ=WEEKLY;COUNT=2"],
            ["03-22 02:00 - 03-22 03:00", "03-29 01:00 - 03-29 02:00"],
        ),
        # 02:30 of the 29th is skipped: it does not happen and is not counted.
        (
            ["DTSTART:20260328T023000", "DURATION:PT30M", "RRULE:FREQ=DAILY;COUNT=2"],
            ["03-28 01:30 - 03-28 02:00", "03-30 00:30 - 03-30 01:00"],
        ),
        # DTEND means five hours each time; 23:00 to 04:00, and over the change of the clock to 05:00.
        (
            ["DTSTART:20260327T230000", "DTEND:20260328T040000", "RRULE:FREQ=DAILY;COUNT=2"],
            ["03-27 22:00 - 03-28 03:00", "03-28 22:00 - 03-29 03:00"],
        ),
        # 20:30 UTC is 22:30 in Berlin in summer: the end lets the 5th of July in.
        (
            ["DTSTART:20260704T223000", "DURATION:PT30M", "RRULE:FREQ=DAILY;UNTIL=20260705T203000Z"],
            ["07-04 20:30 - 07-04 21:00", "07-05 20:30 - 07-05 21:00"],
        ),
        # A day as UNTIL, which cannot mean two things: it never happens on that day.
        (
            ["DTSTART:20260305T030000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;UNTIL=20260313"],
            ["03-05 03:00 - 03-05 04:00", "03-12 03:00 - 03-12 04:00"],
        ),
        (
            [
                "DTSTART:20260305T030000Z",
                "DURATION:PT1H",
                "RRULE:FREQ=DAILY;COUNT=4",
                "EXDATE:20260306T030000Z,20260307T030000Z",
                "RDATE:20260310T050000Z",
                "RDATE;VALUE=PERIOD:20260311T000000Z/PT2H,20260312T000000Z/20260312T003000Z",
            ],
            [
                "03-05 03:00 - 03-05 04:00",
                "03-08 03:00 - 03-08 04:00",
                "03-10 05:00 - 03-10 06:00",
                "03-11 00:00 - 03-11 02:00",
                "03-12 00:00 - 03-12 00:30",
            ],
        ),
        (
            ["DTSTART;VALUE=DATE:20260328", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260328"],
            ["03-28 23:00 - 03-29 22:00", "03-29 22:00 - 03-30 22:00"],
        ),
        (
            ["DTSTART:20260331T100000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=2"],
            ["03-31 10:00 - 03-31 11:00", "04-30 10:00 - 04-30 11:00"],
        ),
    ],
)
def test_an_event_recurs(lines: list[str], spans: list[str]) -> None:
    assert utc(read(*lines).spans) == spans


def test_an_event_in_place_of_one_of_the_times_moves_or_cancels_it() -> None:
    moved = event("RECURRENCE-ID:20260306T030000Z", "DTSTART:20260306T120000Z", "DURATION:PT2H")
    gone = event("RECURRENCE-ID:20260307T030000Z", "DTSTART:20260307T030000Z", "STATUS:CANCELLED")
    series = event("DTSTART:20260305T030000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3")
    [found] = read_calendar(calendar(moved, series, gone), "a.ics", WANTED)
    assert utc(found.spans) == ["03-05 03:00 - 03-05 04:00", "03-06 12:00 - 03-06 14:00"]


def test_a_rule_without_an_end_is_planned_for_three_years_and_goes_on() -> None:
    found = read("DTSTART:20200105T030000Z", "DURATION:PT1H", "RRULE:FREQ=YEARLY")
    assert [f"{dt.datetime.fromtimestamp(each[0], dt.UTC):%Y}" for each in found.spans] == [
        str(year) for year in range(2020, 2030)
    ]  # up to 1,098 days after the 1st of March 2026, which is the 3rd of March 2029
    assert found.goes_on
    assert not read("DTSTART:20260305T030000Z", "DURATION:PT1H").goes_on


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "W. Europe Standard Time", "/mozilla.org/20050126_1/Europe/Berlin"]
)
def test_a_timezone_is_known_by_its_name_and_agrees_with_its_definition(name: str) -> None:
    once = event(f'DTSTART;TZID="{name}":20260705T020000', "DURATION:PT1H")
    for definition in ("", ZONE.format(name=name, winter="+0100")):
        [found] = read_calendar(calendar(definition, once), "a.ics", WANTED)
        assert utc(found.spans) == ["07-05 00:00 - 07-05 01:00"]
        assert found.zone == "Europe/Berlin"


def test_a_timezone_that_is_defined_otherwise_is_refused() -> None:
    once = event("DTSTART;TZID=Europe/Berlin:20261205T020000", "DURATION:PT1H")
    definition = ZONE.format(name="Europe/Berlin", winter="+0000")
    with pytest.raises(CalendarError) as error:
        read_calendar(calendar(definition, once), "a.ics", WANTED)
    assert str(error.value) == (
        "a.ics:22 (UID 'a'): DTSTART '20261205T020000': the VTIMEZONE of 'Europe/Berlin' is +00:00 from UTC"
        " at 2026-12-05 02:00, Europe/Berlin is +01:00; correct the VTIMEZONE, or take it out"
    )


START, HOUR = "DTSTART:20260305T030000Z", "DURATION:PT1H"


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ([HOUR], "a.ics:4 (UID 'a'): the event has no DTSTART; say when it begins"),
        ([START], "DTSTART '20260305T030000Z': nothing says when it ends; give a DTEND or a DURATION"),
        ([START, "DTEND:20260305T030000Z"], "a.ics:8 (UID 'a'): DTEND '20260305T030000Z': is not after"),
        ([START, "DTEND;VALUE=DATE:20260306"], "is a day where DTSTART is a time"),
        ([START, HOUR, "DTEND:20260306T030000Z"], "stands beside a DTEND; leave one of them"),
        ([START, "DURATION:1h"], "DURATION '1h': is not a length of time; give one like PT2H or P1D"),
        ([START, "DURATION:PT0S"], "is no time at all"),
        ([START, "DURATION:P5000D"], "is longer than a year"),
        (["DTSTART:20260230T030000Z", HOUR], "there is no such time; correct it"),
        (["DTSTART:tomorrow", HOUR], "DTSTART 'tomorrow': cannot be read"),
        (["DTSTART;TZID=Home:20260305T030000", HOUR], "the timezone 'Home' is not known; write an IANA name"),
        ([START, START, HOUR], "there is a second DTSTART; leave one of them"),
        ([START, HOUR, "RRULE:FREQ=HOURLY"], "recurs more often than daily; give FREQ=DAILY or rarer"),
        ([START, HOUR, "RRULE:FREQ=WEEKLY;BYDAY=SU"], "DTSTART 20260305T030000 is not one of its times"),
        ([START, HOUR, "RRULE:FREQ=DAILY;INTERVAL=0"], "'0' is not a number above 0"),
        ([START, HOUR, "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20260401"], "has both COUNT and UNTIL"),
        ([START, HOUR, "RRULE:FREQ=DAILY;RSCALE=HEBREW"], "'RSCALE=HEBREW' is not a part of a rule"),
        ([START, HOUR, "RRULE:FREQ=WEEKLY;BYDAY=1TH"], "may only be numbered with FREQ=MONTHLY or YEARLY"),
        ([START, HOUR, "RRULE:FREQ=WEEKLY;BYDAY=XX"], "cannot be read"),
        # The 7th: before or after the 03:00 of that day?
        ([START, HOUR, "RRULE:FREQ=DAILY;UNTIL=20260307"], "UNTIL=20260307 can mean two moments"),
        ([START, HOUR, "EXDATE;VALUE=DATE:20260305"], "is a day where DTSTART is a time"),
        ([START, HOUR, "EXRULE:FREQ=DAILY"], "cannot be used; give EXDATE instead"),
        ([START, HOUR, "STATUS:MAYBE"], "STATUS 'MAYBE': is not the status of an event"),
        (["RECURRENCE-ID;RANGE=THISANDFUTURE:20260305T030000Z", START, HOUR], "RANGE=THISANDFUTURE cannot"),
        ([START, HOUR, "RRULE:FREQ=DAILY;BYSECOND=1,2,3;BYHOUR=1,2,3;BYMINUTE=1,2,3"], "is not one of its"),
    ],
)
def test_what_cannot_be_kept_exactly_is_refused(lines: list[str], line: str) -> None:
    with pytest.raises(CalendarError) as error:
        read(*lines)
    assert line in str(error.value)
    assert str(error.value).startswith("a.ics:")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "a.ics:1: there is no calendar in it; give an .ics file that begins with BEGIN:VCALENDAR"),
        (b"<html>", "a.ics:1: '<html>': is not a line of a calendar; export the calendar again"),
        (b"BEGIN:VCARD\nEND:VCARD", "a.ics:1: BEGIN:VCARD: is not a calendar; give an .ics file"),
        (b"\xff", "a.ics:1: byte 0xff is not UTF-8; save it as UTF-8"),
        (b"BEGIN:VCALENDAR\nX:\x07\n", "a.ics:2: 'X:\\x07': has the character '\\x07'"),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "a.ics:2: BEGIN:VEVENT has no END: the file is cut off"),
        (b"BEGIN:VCALENDAR\nEND:VEVENT\n", "a.ics:2: END:'VEVENT' ends BEGIN:VCALENDAR of line 1"),
        (b"UID:a", "a.ics:1: 'UID:a': stands outside of BEGIN:VCALENDAR"),
        (b"BEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR", "a.ics:2: METHOD 'REPLY': is an answer"),
        (b"BEGIN:VCALENDAR\nCALSCALE:HEBREW\nEND:VCALENDAR", "only GREGORIAN is known"),
        (calendar(event(START, HOUR), event(START, HOUR)), "a.ics:10: there is another event with this UID"),
        (calendar(event(START, HOUR, uid="")), "a.ics:4: the event has no UID; give it one"),
        (
            calendar(event(START, HOUR), event("RECURRENCE-ID:20260306T030000Z", START, HOUR)),
            "a.ics:10 (UID 'a'): RECURRENCE-ID is not one of the event's times",
        ),
        (
            calendar(event(START, HOUR).replace("SUMMARY:disks\n", "")),
            "a.ics:4 (UID 'a'): the event has no SUMMARY, which is the reason; give it one, or --reason",
        ),
    ],
)
def test_what_is_no_calendar_is_one_clear_line(content: bytes, line: str) -> None:
    with pytest.raises(CalendarError) as error:
        read_calendar(content, "a.ics", WANTED)
    assert line in str(error.value)


def test_all_mistakes_are_named_each_with_its_line() -> None:
    content = calendar(event(START), event(HOUR, uid="b"))
    with pytest.raises(CalendarError) as error:
        read_calendar(content, "a.ics", WANTED)
    assert [each.place for each in error.value.mistakes] == ["a.ics:7 (UID 'a')", "a.ics:9 (UID 'b')"]


def test_lines_are_unfolded_and_escapes_undone() -> None:
    text = event(START, HOUR, "CATEGORIES:a\\,b,c", "CATEGORIES:d").replace("disks", "new\\, \n disks\\nhere")
    [found] = read_calendar(
        calendar(text).replace(b"\n", b"\r\n"), "a.ics", Wanted(BERLIN, named, NOW, most=10)
    )
    assert found.reason == "new, disks here"
    assert found.scope.categories == ("a,b", "c", "d")


def test_of_what_an_event_is_may_not_change_for_one_of_its_times() -> None:
    series = event(START, HOUR, "RRULE:FREQ=DAILY;COUNT=2", "CATEGORIES:a")
    other = event("RECURRENCE-ID:20260306T030000Z", "DTSTART:20260306T040000Z", HOUR, "CATEGORIES:b")
    wanted = Wanted(BERLIN, named, NOW, most=10)
    with pytest.raises(CalendarError, match="CATEGORIES are others than those of the event itself"):
        read_calendar(calendar(series, other), "a.ics", wanted)
    with pytest.raises(CalendarError, match=r"a\.ics:4 .*: the event has no CATEGORIES; give --all"):
        read_calendar(calendar(event(START, HOUR)), "a.ics", wanted)


def test_what_is_over_is_left_out_where_that_is_wanted() -> None:
    since = int(dt.datetime(2026, 3, 6, 3, 30, tzinfo=dt.UTC).timestamp())
    wanted = Wanted(BERLIN, everything, NOW, most=3, since=since)
    [found] = read_calendar(calendar(event(START, HOUR, "RRULE:FREQ=DAILY;COUNT=3")), "a.ics", wanted)
    assert utc(found.spans) == ["03-06 03:00 - 03-06 04:00", "03-07 03:00 - 03-07 04:00"]


WHOLE = "BEGIN:VCALENDAR\nBEGIN:VEVENT\n{}\nEND:VEVENT\nEND:VCALENDAR"
WORDS = st.sampled_from(
    """BEGIN:VEVENT|END:VEVENT|BEGIN:VTIMEZONE|END:VTIMEZONE|END:VCALENDAR|UID:a|UID:b|UID|SUMMARY:x|:|;|=
DTSTART:20260305T030000Z|DTSTART;TZID=Europe/Berlin:20260305T030000|DTSTART;VALUE=DATE:20260305|DTSTART:
DTEND:20260305T040000Z|DTEND;VALUE=DATE:20260307|DURATION:P1D|DURATION:-PT1H|DURATION:P99999999999D
RRULE:FREQ=DAILY;COUNT=3|RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30|RRULE:FREQ=|RRULE:FREQ=DAILY;COUNT=-1
RRULE:FREQ=DAILY;BYSETPOS=0|RRULE:FREQ=DAILY;BYHOUR=25|RRULE:FREQ=MONTHLY;BYDAY=9MO|RRULE:FREQ=DAILY;WKST=1
EXDATE:20260305T030000Z|EXDATE;TZID=:x|RDATE;VALUE=PERIOD:20260305T030000Z/|RDATE;VALUE=PERIOD:x/y
RECURRENCE-ID:20260305T030000Z|RECURRENCE-ID;VALUE=DATE:20260305|STATUS:CANCELLED|CATEGORIES:,|TZID:Europe/Berlin
DTSTART:99991231T235959Z|DTSTART:00010101T000000Z|DTSTART:20260305T246060|RRULE:FREQ=DAILY;UNTIL=00010101
 folded|\tfolded|TZOFFSETTO:+9900|BEGIN:STANDARD|END:STANDARD|X;A="b:c|X;A=b;A=c:d|METHOD:CANCEL""".replace(
        "\n", "|"
    ).split("|")
)


@settings(max_examples=50, deadline=None)
@given(st.lists(WORDS | st.text(max_size=12), max_size=14), st.sampled_from(["{}", WHOLE]))
def test_no_input_is_a_traceback(lines: list[str], frame: str) -> None:
    content = frame.replace("{}", "\n".join(["UID:a", "SUMMARY:x", *lines])).encode("utf-8", "surrogatepass")
    found: list[CalendarEvent] = []
    with suppress(CalendarError):
        found = read_calendar(content, "a.ics", WANTED)
    assert all(start < end for each in found for start, end in each.spans)
