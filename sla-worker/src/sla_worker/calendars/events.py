"""The events of an iCalendar file as windows that can be excluded: each exactly as it says, or refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sla_worker.calendars.content import Component, Property, Refused, plain, roots, shown
from sla_worker.calendars.times import Length, Moment, Reach, duration, moment, moments, recurrence
from sla_worker.calendars.zones import Zones
from sla_worker.errors import Mistake, SLAWorkerError
from sla_worker.model import CalendarEvent, Scope

_HORIZON_SECONDS = 3 * 366 * 86_400
_LONGEST = 366 * 86_400
_MOST_BYTES = 10_000_000
_MOST_LETTERS = 300
_MOST_MISTAKES = 20
_NO_EVENTS = frozenset({"REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH"})
_STATES = frozenset({"", "CONFIRMED", "TENTATIVE", "CANCELLED"})

ScopeOf = Callable[[Sequence[str]], Scope]
"""Of which SLAs an event with these CATEGORIES is. Raises ValueError with why and, after a `;`, the fix."""


class CalendarError(SLAWorkerError):
    """A calendar cannot be imported as it is: every mistake with file, line, value and fix."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        shown_ones = [str(each) for each in mistakes[:_MOST_MISTAKES]]
        if len(mistakes) > _MOST_MISTAKES:
            shown_ones.append(f"and {len(mistakes) - _MOST_MISTAKES} more")
        super().__init__("\nerror: ".join(shown_ones))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a calendar is wanted, and in whose words.

    `most`: so many times of an event at most. `since`: what is over by then is left out. `reason`: in place
    of what each event says.
    """

    zone: ZoneInfo
    scope_of: ScopeOf
    now: int
    most: int
    since: int = 0
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Series:
    """The events of one UID: the one that may recur, and those that stand in place of one of its times."""

    uid: str
    master: Component | None
    overrides: tuple[Component, ...]

    @property
    def first(self) -> Component:
        """Where it is looked at."""
        return self.master or self.overrides[0]


def read_calendar(content: bytes, file: str, wanted: Wanted) -> list[CalendarEvent]:
    """The events of a file, by UID; one that is cancelled or tentative has no times. Raises CalendarError."""
    mistakes: list[Mistake] = []

    def note(error: Refused, uid: str | None = None) -> None:
        of = "" if uid is None else f" (UID {shown(uid)})"
        mistakes.append(Mistake(f"{file}:{error.line}{of}", error.what, error.fix))

    found: list[CalendarEvent] = []
    try:
        calendars = _calendars(content)
        zones = Zones((zone for each in calendars for zone in each.walk("VTIMEZONE")), wanted.zone)
        series, cancelled = _series(calendars, note)
    except Refused as error:
        note(error)
        raise CalendarError(mistakes) from None
    for each in series:
        try:
            found.append(_event(each, zones, wanted, cancelled=cancelled))
        except Refused as error:
            note(error, each.uid)
    if mistakes:
        raise CalendarError(mistakes)
    return found


def _calendars(content: bytes) -> list[Component]:
    if len(content) > _MOST_BYTES:
        raise Refused(1, f"{len(content)} bytes are more than {_MOST_BYTES}", "import parts of it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refused(line, f"byte {content[error.start]:#04x} is not UTF-8", "save it as UTF-8") from None
    found = roots(text)
    if not found:
        raise Refused(1, "there is no calendar in it", "give an .ics file that begins with BEGIN:VCALENDAR")
    for each in found:
        if each.name != "VCALENDAR":
            raise Refused(each.line, f"BEGIN:{each.name}: is not a calendar", "give an .ics file")
        scale, method = each.one("CALSCALE"), each.one("METHOD")
        if scale is not None and scale.text.upper() != "GREGORIAN":
            raise scale.refused("only GREGORIAN is known", "export it with Gregorian dates")
        if method is not None and method.text.upper() in _NO_EVENTS:
            raise method.refused("is an answer to an invitation", "give the calendar itself")
    return found


def _series(
    calendars: Sequence[Component], note: Callable[[Refused, str | None], None]
) -> tuple[list[_Series], bool]:
    """The events by UID, and whether they are all cancelled."""
    methods = {"" if (each := root.one("METHOD")) is None else each.text.upper() for root in calendars}
    masters: dict[str, Component] = {}
    overrides: dict[str, list[Component]] = {}
    for event in (each for root in calendars for each in root.walk("VEVENT")):
        try:
            uid = _uid(event)
            if event.one("RECURRENCE-ID") is not None:
                overrides.setdefault(uid, []).append(event)
            elif uid in masters:
                note(_twice(event, masters[uid]), None)
            else:
                masters[uid] = event
        except Refused as error:
            note(error, None)
    uids = dict.fromkeys([*masters, *overrides])
    return [_Series(uid, masters.get(uid), tuple(overrides.get(uid, ()))) for uid in uids], methods == {
        "CANCEL"
    }


def _twice(event: Component, other: Component) -> Refused:
    return Refused(
        event.line,
        f"there is another event with this UID in line {other.line}",
        "leave the newer one, or give it a UID of its own",
    )


def _uid(event: Component) -> str:
    found = event.one("UID")
    if found is None or not found.text:
        raise Refused(event.line, "the event has no UID", "give it one, by which it is known again")
    return _short(found)


def _short(of: Property) -> str:
    if len(of.text) > _MOST_LETTERS:
        raise of.refused(f"has {len(of.text)} letters", f"give {_MOST_LETTERS} at most")
    return of.text


def _event(series: _Series, zones: Zones, wanted: Wanted, *, cancelled: bool) -> CalendarEvent:
    first = series.first
    gone = cancelled or (series.master is not None and _state(series.master) != "CONFIRMED")
    scope = _scope(series, wanted.scope_of)
    reason = wanted.reason or _reason(first)
    begin, length = _time(first, zones)
    rule = first.one("RRULE")
    if series.master is None and rule is not None:
        raise rule.refused("does not belong beside a RECURRENCE-ID", "take it out")
    reach = Reach(wanted.since - _LONGEST, max(wanted.now, begin.epoch) + _HORIZON_SECONDS, wanted.most)
    spans, goes_on = _spans(series, zones, reach)
    if len(spans) > wanted.most:
        raise Refused(first.line, f"has more than {wanted.most} times", "give --from")
    return CalendarEvent(
        uid=series.uid,
        scope=scope,
        reason=reason,
        start=begin.epoch,
        end=length.end(begin),
        spans=() if gone else tuple(sorted(each for each in spans if each[1] > wanted.since)),
        rule=None if rule is None else rule.value.strip(),
        zone=begin.zone.key,
        goes_on=goes_on,
    )


def _state(event: Component) -> str:
    found = event.one("STATUS")
    said = "" if found is None else found.text.upper()
    if found is not None and said not in _STATES:
        raise found.refused("is not the status of an event", "give CONFIRMED, TENTATIVE or CANCELLED")
    return said or "CONFIRMED"


def _reason(event: Component) -> str:
    found = event.one("SUMMARY")
    if found is None or not found.text:
        raise Refused(event.line, "the event has no SUMMARY, which is the reason", "give it one, or --reason")
    return _short(found)


def _scope(series: _Series, scope_of: ScopeOf) -> Scope:
    """Of what the event is; what stands in place of one of its times may not be of something else."""
    asked = series.first
    try:
        found = scope_of(_categories(asked))
        for each in series.overrides:
            if each.all("CATEGORIES") and scope_of(_categories(each)) != found:
                asked = each
                raise ValueError(  # noqa: TRY301 - one place makes the line
                    "CATEGORIES are others than those of the event itself; give it a UID of its own"
                )
    except ValueError as error:
        what, _, fix = str(error).partition("; ")
        line = next((each.line for each in asked.all("CATEGORIES")), asked.line)
        raise Refused(line, what, fix) from None
    return found


def _categories(event: Component) -> list[str]:
    words = [plain(word) for each in event.all("CATEGORIES") for word in re.split(r"(?<!\\),", each.value)]
    return [each for each in dict.fromkeys(words) if each]


# --- times


def _time(event: Component, zones: Zones) -> tuple[Moment, Length]:
    """When an event begins, and how long it lasts. Raises Refused."""
    began, ended, lasting = (event.one(name) for name in ("DTSTART", "DTEND", "DURATION"))
    if began is None:
        raise Refused(event.line, "the event has no DTSTART", "say when it begins")
    begin = moment(began.value, began, zones)
    if ended is not None and lasting is not None:
        raise lasting.refused("stands beside a DTEND", "leave one of them")
    if lasting is not None:
        length = duration(lasting)
        if begin.whole_day and length.seconds:
            raise lasting.refused("is not in whole days, as the event is", "give days")
        return begin, length
    if ended is None:
        if begin.whole_day:
            return begin, Length(1, 0)
        raise began.refused("nothing says when it ends", "give a DTEND or a DURATION")
    return begin, _until(ended, began, begin, zones)


def _until(ended: Property, began: Property, begin: Moment, zones: Zones) -> Length:
    end = moment(ended.value, ended, zones)
    if end.whole_day != begin.whole_day:
        raise ended.refused("is a day where DTSTART is a time, or the other way", "give both alike")
    if begin.whole_day:
        length = Length((end.local - begin.local).days, 0)
    else:
        length = Length(0, end.epoch - begin.epoch)
    if length.days <= 0 and length.seconds <= 0:
        raise ended.refused(f"is not after DTSTART {shown(began.value)}", "give a later time")
    if length.days * 86_400 + length.seconds > _LONGEST:
        raise ended.refused("is more than a year after DTSTART", "give several events, or correct it")
    return length


def _spans(series: _Series, zones: Zones, reach: Reach) -> tuple[list[tuple[int, int]], bool]:
    """The times of a series, and whether its rule goes on after them."""
    times: dict[int, int] = {}
    goes_on, begin = False, None
    if series.master is not None:
        begin, times, goes_on = _times(series.master, zones, reach)
    spans = []
    replaced: set[int] = set()
    for instead in series.overrides:
        number = _replaced(instead, begin, zones, replaced)
        if begin is not None and reach.begin <= number < reach.end and number not in times:
            raise Refused(
                instead.line,
                "RECURRENCE-ID is not one of the event's times",
                "correct it, or give the event a UID of its own",
            )
        times.pop(number, None)
        if number < reach.end and _state(instead) == "CONFIRMED":
            start, lasts = _time(instead, zones)
            spans.append((start.epoch, lasts.end(start)))
    return [*times.items(), *spans], goes_on


def _times(master: Component, zones: Zones, reach: Reach) -> tuple[Moment, dict[int, int], bool]:
    """When an event first begins, all its times, start to end, and whether its rule goes on after them."""
    begin, length = _time(master, zones)
    for each in master.all("EXRULE"):
        raise each.refused("cannot be used", "give EXDATE instead")
    rule, found, goes_on = master.one("RRULE"), [begin], False
    if rule is not None:
        if not begin.whole_day and not begin.exists:
            raise rule.refused("DTSTART lies in an hour that a clock change skips", "correct DTSTART")
        made = recurrence(rule, begin, reach)
        found, goes_on = list(made.times), made.goes_on
    times = {each.epoch: length.end(each) for each in found} | _more(master, zones, begin, length)
    for each in master.all("EXDATE"):
        for gone in _alike(each, begin, zones):
            times.pop(gone.epoch, None)
    return begin, times, goes_on


def _replaced(event: Component, begin: Moment | None, zones: Zones, known: set[int]) -> int:
    """The time in whose place an event stands."""
    [of] = event.all("RECURRENCE-ID")
    if "RANGE" in of.params:
        raise of.refused(f"RANGE={of.params['RANGE']} cannot be used", "end the rule, and give a new event")
    [found] = [moment(of.value, of, zones)] if begin is None else _alike(of, begin, zones)
    if found.epoch in known:
        raise of.refused("another event stands in place of the same time", "leave the newer one")
    known.add(found.epoch)
    return found.epoch


def _more(event: Component, zones: Zones, begin: Moment, length: Length) -> dict[int, int]:
    """The times that RDATE adds: start to end."""
    found: dict[int, int] = {}
    for each in event.all("RDATE"):
        if each.params.get("VALUE", "").upper() != "PERIOD":
            found |= {added.epoch: length.end(added) for added in _alike(each, begin, zones)}
            continue
        for text in each.value.split(","):
            first, _, last = text.partition("/")
            start = moment(first, each, zones)
            if last[:1] in {"P", "+"}:
                end = duration(each, last).end(start)
            else:
                end = moment(last, each, zones).epoch
            if end <= start.epoch or end - start.epoch > _LONGEST:
                raise each.refused("ends before it begins, or more than a year later", "correct it")
            found[start.epoch] = end
    return found


def _alike(of: Property, begin: Moment, zones: Zones) -> list[Moment]:
    """The times of a property, which must be days where DTSTART is a day, and times where it is a time."""
    found = moments(of, zones)
    if any(each.whole_day != begin.whole_day for each in found):
        raise of.refused("is a day where DTSTART is a time, or the other way", "give both alike")
    return found
