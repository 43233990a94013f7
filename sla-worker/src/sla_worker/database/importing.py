"""Calendars are imported: what their events change of exclusions, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sla_worker.database.consequences import ExclusionError, signed, within_reach
from sla_worker.database.maintenance import MaintenanceStore
from sla_worker.importing import LEFT, REMOVED, UNCHANGED, Change, Frame, plan, removed
from sla_worker.model import CalendarEvent, Exclusion, Planned


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a file asks for, and who asks; `dry`: only what would be done is wanted.

    `since`: of what is over by then nothing is changed.
    """

    file: str
    events: tuple[CalendarEvent, ...]
    author: str
    reason: str
    since: int = 0
    dry: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an event: `number` is its exclusion now, `ended` and `revoked` are former ones.

    `start` to `end` is the first of its times that is not over, of so many. None: there is none.
    """

    uid: str
    what: str
    of: str
    reason: str
    number: int | None = None
    ended: tuple[int, ...] = ()
    revoked: tuple[int, ...] = ()
    start: int | None = None
    end: int | None = None
    times: int = 0
    past: bool = False
    until: int | None = None
    """Its rule goes on after this, and is planned further by a later import."""

    @property
    def old(self) -> tuple[int, ...]:
        """The exclusions that it changed."""
        return self.ended + self.revoked


class _DryRun(Exception):  # noqa: N818 - no error: undoes what was tried
    pass


def take_in(maintenance: MaintenanceStore, calendar: Calendar, now: int) -> list[Imported]:
    """Do what a calendar asks for. Raises ExclusionError, and then nothing has changed."""
    signed(calendar.author, calendar.reason)
    found: list[Imported] = []
    try:
        with maintenance.together():
            found += _take(maintenance, calendar, now)
            _undo(calendar)
    except _DryRun:
        pass
    return found


def _undo(calendar: Calendar) -> None:
    if calendar.dry:
        raise _DryRun


def _take(maintenance: MaintenanceStore, calendar: Calendar, now: int) -> Iterator[Imported]:
    known = maintenance.all()
    cut = maintenance.slots(now, now)[1]
    frame = Frame(now, cut, calendar.since, maintenance.slots, maintenance.borders)
    for event in calendar.events:
        same = [each for each in known if each.planned.uid == event.uid]
        try:
            for moment in (each for span in event.spans for each in span):
                within_reach(moment)
            change = plan(event, same, frame)
            made = _apply(maintenance, calendar, event, change, now)
        except ExclusionError as error:
            raise ExclusionError(f"{calendar.file}: UID {event.uid!r}: {error}") from error
        if made is None and change.what in {UNCHANGED, LEFT} and same:
            made = same[-1]
        yield _imported(event, change, made, now)
    in_force = [each for each in known if each.revoked_at is None]
    for each in removed(in_force, (event.uid for event in calendar.events), now):
        planned = each.planned
        uid = planned.uid or ""
        yield Imported(uid, REMOVED, planned.scope.words, planned.reason, number=each.id)


def _apply(
    maintenance: MaintenanceStore, calendar: Calendar, event: CalendarEvent, change: Change, now: int
) -> Exclusion | None:
    """Returns what was made, if anything was."""
    made = None
    if change.add:
        planned = Planned(
            event.scope,
            event.start,
            event.end,
            calendar.author,
            event.reason,
            rule=event.rule,
            zone=event.zone,
            uid=event.uid,
        )
        made = maintenance.add(planned, now, change.add)
    # After what takes their place: no breach comes and goes in between.
    for number in change.revoke:
        maintenance.revoke(number, calendar.author, f"{calendar.reason}: {change.what}", now)
    for number in change.end:
        maintenance.end(number, calendar.author, now)
    return made


def _imported(event: CalendarEvent, change: Change, exclusion: Exclusion | None, now: int) -> Imported:
    """What is said of an event whose exclusion is, or still is, this one."""
    if exclusion is None:
        return Imported(
            event.uid,
            change.what,
            event.scope.words,
            event.reason,
            ended=change.end,
            revoked=change.revoke,
            past=change.past,
        )
    start, end = exclusion.time_at(now)
    return Imported(
        event.uid,
        change.what,
        exclusion.planned.scope.words,
        exclusion.planned.reason,
        number=exclusion.id,
        ended=change.end,
        revoked=change.revoke,
        start=start,
        end=end,
        times=len(exclusion.spans),
        past=change.past,
        until=exclusion.ends if event.goes_on else None,
    )


def imported_of(values: Sequence[dict[str, object]]) -> list[Imported]:
    """What `asdict` made of them, and JSON carried."""
    return [
        Imported(**{**each, "ended": tuple(each["ended"]), "revoked": tuple(each["revoked"])})  # type: ignore[arg-type]
        for each in values
    ]
