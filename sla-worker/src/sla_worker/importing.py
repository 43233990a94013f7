"""What an import of a calendar does to the exclusions that came from it before: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sla_worker.errors import SLAWorkerError
from sla_worker.exclusions import Covered, merged
from sla_worker.model import CalendarEvent, Exclusion

_AHEAD_SECONDS = 366 * 86_400  # a rule without an end is planned further once less than this is left
ADDED, CHANGED, EXTENDED, UNCHANGED = "added", "changed", "extended", "unchanged"
CANCELLED, NOT_PLANNED, REMOVED = "cancelled", "not planned", "not in the file"
LEFT = "left as it is"  # somebody ended or revoked it by hand, and the event still says the same

_Span = tuple[int, int]
Borders = Callable[[int, int], _Span]
"""The borders of a span as the ledger would move them. Raises an error where that is not kept any more."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is done about one event: some are ended now, some revoked, and what is excluded after that.

    `past`: time that is over counts differently than before.
    """

    uid: str
    what: str
    end: tuple[int, ...] = ()
    revoke: tuple[int, ...] = ()
    add: tuple[_Span, ...] = ()
    past: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What a plan depends on: `cut` is where the slot of now ends, what is over by `since` is left alone.

    `plain` are the borders of slots, `kept` those of what the ledger still has.
    """

    now: int
    cut: int
    since: int
    plain: Borders
    kept: Borders

    def wanted(self, event: CalendarEvent, there: Covered) -> list[_Span]:
        """What an event asks for, on borders: those of before, where a span is there already."""
        return merged(self._border(each, there) for each in event.spans if each[1] > self.since)

    def had(self, there: Covered) -> list[_Span]:
        """What of that is there."""
        return [span for span in there.spans if span[1] > self.since]

    def _border(self, span: _Span, there: Covered) -> _Span:
        begin, until = self.plain(*span)
        if there.seconds(begin, until) < until - begin:
            return self.kept(*span)
        try:
            wide = self.kept(*span)
        except SLAWorkerError:  # it is there already, whatever would be refused today
            return begin, until
        return wide if there.seconds(*wide) == wide[1] - wide[0] else (begin, until)


def plan(event: CalendarEvent, former: Sequence[Exclusion], frame: Frame) -> Change:
    """What makes the ledger say what an event says; `former` are the exclusions that it had, oldest first."""
    known = [each for each in former if each.revoked_at is None]
    if former and _by_hand(event, former[-1], frame, alone=not known):
        return Change(event.uid, LEFT)
    there = Covered(span for each in known for span in each.spans)
    wanted, had = frame.wanted(event, there), frame.had(there)
    if not known:
        past = bool(wanted) and wanted[0][0] < frame.now
        return Change(event.uid, ADDED if wanted else NOT_PLANNED, add=tuple(wanted), past=past)
    if all(each.planned.scope == event.scope for each in known):
        return _of_the_same(event, known, wanted, had, frame)
    return _instead(event, known, there, wanted, frame)


def _of_the_same(
    event: CalendarEvent, known: Sequence[Exclusion], wanted: list[_Span], had: list[_Span], frame: Frame
) -> Change:
    """The plan where the event is of the SLAs that it was of.

    Where only the times to come differ the old ones are ended, and what is over stays untouched.
    """
    again = all(each.planned.reason == event.reason for each in known)
    coming = [span for span in (*wanted, *had) if span[1] > frame.cut]
    if wanted == had and (again or not coming):
        return Change(event.uid, UNCHANGED)
    same_rule = event.goes_on and {each.planned.rule for each in known} == {event.rule}
    if again and had and same_rule and _until(wanted, had[-1][1]) == had:
        if had[-1][1] - frame.now >= _AHEAD_SECONDS:
            return Change(event.uid, UNCHANGED)
        return Change(event.uid, EXTENDED, add=tuple(span for span in wanted if span[1] > had[-1][1]))
    if Covered(wanted).within(0, frame.cut) != Covered(had).within(0, frame.cut):
        return _instead(event, known, Covered(span for each in known for span in each.spans), wanted, frame)
    begun = [each for each in known if each.begins < frame.cut]
    return Change(
        event.uid,
        CHANGED if event.spans else CANCELLED,
        end=tuple(each.id for each in begun if each.ends > frame.cut),
        revoke=tuple(each.id for each in known if each not in begun),
        add=tuple(Covered(wanted).within(frame.cut, wanted[-1][1])) if wanted else (),
    )


def _instead(
    event: CalendarEvent, known: Sequence[Exclusion], there: Covered, wanted: list[_Span], frame: Frame
) -> Change:
    """What is over counts otherwise too: all are revoked, and one that says all takes their place."""
    left = [span for span in there.spans if span[1] <= frame.since]
    return Change(
        event.uid,
        CHANGED if event.spans else CANCELLED,
        revoke=tuple(each.id for each in known),
        add=tuple(merged([*left, *wanted])),
        past=any(start < frame.cut for start, _ in (*there.spans, *wanted)),
    )


def _by_hand(event: CalendarEvent, last: Exclusion, frame: Frame, *, alone: bool) -> bool:
    """Whether somebody ended or revoked the last one, and the event has not changed since."""
    planned, there = last.planned, Covered(last.spans)
    if not event.spans or (planned.scope, planned.rule) != (event.scope, event.rule):
        return False
    wanted, had = frame.wanted(event, there), frame.had(there)
    if last.revoked_at is not None:
        by_import = (last.revoke_reason or "").endswith(f": {CANCELLED}")
        as_it_was = wanted == had or (event.goes_on and had != [] and _until(wanted, had[-1][1]) == had)
        return alone and as_it_was and not by_import
    return (
        last.ended_at is not None
        and (planned.start, planned.end, planned.reason) == (event.start, event.end, event.reason)
        and Covered(wanted).within(0, last.ends) == had
    )


def _until(spans: Sequence[_Span], moment: int) -> list[_Span]:
    return [span for span in spans if span[1] <= moment]


def removed(known: Iterable[Exclusion], uids: Iterable[str], now: int) -> list[Exclusion]:
    """The exclusions from calendars that still last or are to come, and whose event is not in the file."""
    there = set(uids)
    return [
        each
        for each in known
        if each.planned.uid is not None and each.planned.uid not in there and each.ends > now
    ]
