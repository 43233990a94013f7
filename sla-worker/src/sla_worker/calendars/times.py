"""The times of a calendar's event, as RFC 5545 means them: moments, lengths, and when a rule recurs.

A time by a wall clock that a clock change skips is meant with the offset from before the change, one that
comes twice is the first (3.3.5). A time of a rule that a change skips does not happen, and is not counted
(3.3.10). DTEND gives an exact length to all times of a rule; the days of a DURATION are those of the wall
clock (3.8.5.3).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sla_worker.calendars.content import Property
from sla_worker.calendars.zones import UTC, Zones

_DURATION = re.compile(
    r"\+?P(?:(?P<weeks>\d+)W|(?:(?P<days>\d+)D)?(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?"
    r"(?:(?P<seconds>\d+)S)?)?)"
)
_DAY = dt.timedelta(days=1)
_FIRST_YEAR, _LAST_YEAR = 1970, 9998
_MOST_COUNTED = 50_000
_PARTS = frozenset({
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY",
    "BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS",
})  # fmt: skip
# Where a part may not stand (3.3.10): the library would pass over it.
_NOT_WITH = {
    "BYWEEKNO": ("DAILY", "WEEKLY", "MONTHLY"),
    "BYYEARDAY": ("DAILY", "WEEKLY", "MONTHLY"),
    "BYMONTHDAY": ("WEEKLY",),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A time by the wall clock of a zone; `whole_day`: the calendar gives a day."""

    local: dt.datetime
    zone: ZoneInfo
    whole_day: bool

    @property
    def epoch(self) -> int:
        """In epoch seconds."""
        return epoch(self.local, self.zone)

    @property
    def exists(self) -> bool:
        """Whether no clock change skips it."""
        aware = self.local.replace(tzinfo=self.zone)
        return aware.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) == self.local


@dataclass(frozen=True, slots=True)
class Length:
    """How long an event lasts: days of the wall clock, and exact seconds."""

    days: int
    seconds: int

    def end(self, start: Moment) -> int:
        """When what begins then ends, in epoch seconds."""
        return epoch(start.local + self.days * _DAY, start.zone) + self.seconds


def epoch(local: dt.datetime, zone: ZoneInfo) -> int:
    """Epoch seconds of a wall clock: the first of two, and with the former offset where it is skipped."""
    return int(local.replace(tzinfo=zone, fold=0).timestamp())


def moments(of: Property, zones: Zones) -> list[Moment]:
    """The times of a property. Raises Refused."""
    return [moment(each, of, zones) for each in of.value.split(",")]


def moment(text: str, of: Property, zones: Zones) -> Moment:
    """A DATE or a DATE-TIME. Raises Refused."""
    is_day = re.fullmatch(r"[0-9]{8}", text) is not None
    said = of.params.get("VALUE", "").upper()
    if said not in {"", "DATE", "DATE-TIME", "PERIOD"}:
        raise of.refused(f"VALUE={said} is not a time", "give a DATE or a DATE-TIME")
    match = re.fullmatch(r"([0-9]{8}T[0-9]{6})(Z?)", text)
    if not (is_day or match) or (is_day and said == "DATE-TIME") or (match and said == "DATE"):
        raise of.refused("cannot be read", "give a time like 20260301T020000Z, or a day with VALUE=DATE")
    try:
        local = dt.datetime.strptime(text.rstrip("Z"), "%Y%m%d" if is_day else "%Y%m%dT%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise of.refused("there is no such time", "correct it") from None
    if not _FIRST_YEAR < local.year < _LAST_YEAR:
        raise of.refused("is out of reach", f"give a time between {_FIRST_YEAR + 1} and {_LAST_YEAR - 1}")
    if match and match[2]:
        return Moment(local, UTC, whole_day=False)
    zone = zones.of(of)
    if not is_day:
        zones.check(of, local, zone)
    return Moment(local, zone, whole_day=is_day)


def duration(of: Property, text: str | None = None) -> Length:
    """A DURATION that is above 0. Raises Refused."""
    match = _DURATION.fullmatch(of.value if text is None else text)
    if match is None:
        raise of.refused("is not a length of time", "give one like PT2H or P1D")
    values = {name: int(value or 0) for name, value in match.groupdict().items()}
    length = Length(
        values["weeks"] * 7 + values["days"],
        values["hours"] * 3600 + values["minutes"] * 60 + values["seconds"],
    )
    if not length.days + length.seconds:
        raise of.refused("is no time at all", "give a length above 0")
    if length.days * 86_400 + length.seconds > 366 * 86_400:
        raise of.refused("is longer than a year", "give several events, or correct it")
    return length


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The times of a rule up to a horizon, and whether it goes on after that."""

    times: tuple[Moment, ...]
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """Which times of a rule are wanted: those that begin in [begin, end), and at most so many."""

    begin: int
    end: int
    most: int


def recurrence(rule: Property, first: Moment, reach: Reach) -> Recurrence:
    """When an RRULE recurs, from its first time on. Raises Refused."""
    parts = _parts(rule)
    count = _number(rule, parts.pop("COUNT")) if "COUNT" in parts else None
    until = parts.pop("UNTIL", None)
    if count is not None and until is not None:
        raise rule.refused("has both COUNT and UNTIL", "leave one of them")
    last = [None] if until is None else list(_untils(rule, until, first))
    found = [_limited(rule, parts, first, reach, count=count, until=each) for each in last]
    if len({each.times for each in found}) > 1:
        raise rule.refused(
            f"UNTIL={until} can mean two moments, between which it recurs",
            "give it in UTC, like 20261231T225900Z",
        )
    return found[0]


def _limited(
    rule: Property,
    parts: dict[str, str],
    first: Moment,
    reach: Reach,
    *,
    count: int | None,
    until: int | None,
) -> Recurrence:
    found: list[Moment] = []
    counted = 0
    for each in _times(rule, parts, first, reach.end):
        if not counted and each.local != first.local:
            break
        if (until is not None and each.epoch > until) or counted == count:
            return Recurrence(tuple(found), goes_on=False)
        counted += 1
        if each.epoch >= reach.begin:
            found.append(each)
        if len(found) > reach.most or counted > _MOST_COUNTED:
            raise rule.refused(
                f"has more than {reach.most} times", "give --from, or a rule that recurs less often"
            )
    if not counted:
        raise rule.refused(
            f"DTSTART {first.local:%Y%m%dT%H%M%S} is not one of its times", "let it begin with the first one"
        )
    return Recurrence(tuple(found), goes_on=counted != count and (until is None or until >= reach.end))


def _times(rule: Property, parts: dict[str, str], first: Moment, horizon: int) -> Iterator[Moment]:
    """All times before the horizon, without those that a clock change skips."""
    from dateutil.rrule import rrulestr  # noqa: PLC0415 - only who imports one

    text = ";".join(f"{name}={value}" for name, value in parts.items())
    stop = dt.datetime.fromtimestamp(horizon, UTC).replace(tzinfo=None) + _DAY
    try:
        times = rrulestr(text, dtstart=first.local).replace(until=stop)
        for each in times:
            found = Moment(each, first.zone, first.whole_day)
            if found.epoch < horizon and (found.whole_day or found.exists):
                yield found
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise rule.refused(f"cannot be read ({error})", "give one like FREQ=WEEKLY;BYDAY=SU") from error


def _parts(rule: Property) -> dict[str, str]:
    """The parts of a rule. Raises Refused for those that cannot be kept exactly."""
    parts: dict[str, str] = {}
    for each in rule.value.strip().rstrip(";").upper().split(";"):
        name, _, value = each.partition("=")
        if name not in _PARTS or not value:
            raise rule.refused(f"{each[:40]!r} is not a part of a rule", "give one like FREQ=WEEKLY;BYDAY=SU")
        if name in parts:
            raise rule.refused(f"has {name} twice", "leave one of them")
        parts[name] = value
    often = parts.get("FREQ", "")
    if often in {"HOURLY", "MINUTELY", "SECONDLY"}:
        raise rule.refused("recurs more often than daily", "give FREQ=DAILY or rarer")
    if "INTERVAL" in parts:
        _number(rule, parts["INTERVAL"])
    for name, frequencies in _NOT_WITH.items():
        if name in parts and often in frequencies:
            raise rule.refused(f"{name} has no meaning with FREQ={often}", "take it out")
    numbered = any(letter.isdigit() for letter in parts.get("BYDAY", ""))
    if numbered and (often in {"DAILY", "WEEKLY"} or "BYWEEKNO" in parts):
        raise rule.refused(
            f"BYDAY={parts['BYDAY']} may only be numbered with FREQ=MONTHLY or YEARLY", "give the day alone"
        )
    return parts


def _number(rule: Property, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or not int(text):
        raise rule.refused(f"{text[:20]!r} is not a number above 0", "correct it")
    return int(text)


def _untils(rule: Property, text: str, first: Moment) -> Iterator[int]:
    """What the UNTIL of a rule may mean, as the last moment of a time: one for what the standard asks for."""
    unread = rule.refused(f"UNTIL={text[:20]} cannot be read", "give one in UTC, like 20261231T225900Z")
    match = re.fullmatch(r"([0-9]{8})(?:T([0-9]{6})(Z?))?", text)
    if match is None:
        raise unread
    try:
        at = dt.datetime.strptime(match[1] + (match[2] or "000000"), "%Y%m%d%H%M%S")  # noqa: DTZ007
        if not _FIRST_YEAR < at.year < _LAST_YEAR:
            at = min(max(at, dt.datetime(_FIRST_YEAR + 1, 1, 1)), dt.datetime(_LAST_YEAR, 1, 1))  # noqa: DTZ001
    except ValueError:
        raise unread from None
    if match[3]:
        yield epoch(at, UTC)
    elif match[2]:  # by the wall clock, or in UTC without saying so
        yield epoch(at, first.zone)
        yield epoch(at, UTC)
    elif first.whole_day:
        yield epoch(at, first.zone)
    else:  # that day included, or not
        yield epoch(at, first.zone)
        yield epoch(at + _DAY, first.zone) - 1
