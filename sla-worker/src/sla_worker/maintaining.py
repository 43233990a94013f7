"""Changes of exclusions and corrections as commands ask for them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.alertmanager import EVERYTHING, AlertmanagerError, Silence, Silences, alerts_of
from sla_worker.database import SLADatabase
from sla_worker.database.importing import Calendar, Imported, take_in
from sla_worker.errors import PrometheusError
from sla_worker.importing import REMOVED, UNCHANGED
from sla_worker.model import (
    BreachAlert,
    CalendarEvent,
    Correction,
    CountsAs,
    Exclusion,
    Planned,
    Scope,
    Wrong,
)
from sla_worker.render.format import moment

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 15.0  # how often silences are looked after
_NAMED_ALERTS = 10
_SAID_SECONDS = 900.0  # so long after its end what burns on is a concern
_SOON_SECONDS = 86_400  # so long before a window begins its silence is made

Asked = Mapping[str, Any]
"""A change, as JSON carries it: `action` and what it needs."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a change made of an exclusion, or of a calendar's, and what somebody should know beside it."""

    exclusion: Exclusion | None
    remarks: tuple[str, ...] = ()
    imported: tuple[Imported, ...] = ()

    @property
    def made(self) -> Exclusion:
        """The one exclusion that was changed; an import has none."""
        if self.exclusion is None:
            raise TypeError("an import changes any number of exclusions")
        return self.exclusion


Maintain = Callable[[Asked], Done]
Correct = Callable[[Asked], Correction]


def to_add(planned: Planned, occurrences: list[tuple[int, int]] | None = None) -> dict[str, Any]:
    """Exclude time."""
    return {"action": "add", "planned": asdict(planned), "occurrences": occurrences}


def to_import(calendar: Calendar) -> dict[str, Any]:
    """Exclude what a calendar says, and take back what it no longer says."""
    return {"action": "import", "calendar": asdict(calendar)}


def to_end(number: int, author: str) -> dict[str, Any]:
    """End one before its time."""
    return {"action": "end", "id": number, "author": author}


def to_revoke(number: int, author: str, reason: str) -> dict[str, Any]:
    """Let its time count again."""
    return {"action": "revoke", "id": number, "author": author, "reason": reason}


def to_correct(wrong: Wrong) -> dict[str, Any]:
    """Let other figures count than were measured."""
    return {"action": "add", "wrong": asdict(wrong)}


def perform(database: SLADatabase, asked: Asked, now: int) -> Exclusion:
    """Do it. Raises ExclusionError, and ValueError, TypeError or KeyError for what is no change."""
    store, action = database.maintenance, asked["action"]
    if action == "add":
        planned, occurrences = planned_of(asked["planned"]), asked.get("occurrences")
        found = None if occurrences is None else [(int(start), int(end)) for start, end in occurrences]
        return store.add(planned, now, found)
    if action == "end":
        return store.end(int(asked["id"]), str(asked["author"]), now)
    if action == "revoke":
        return store.revoke(int(asked["id"]), str(asked["author"]), str(asked["reason"]), now)
    raise ValueError(f"action is {action!r}; it must be add, end or revoke")


def take_calendar(database: SLADatabase, asked: Asked, now: int) -> list[Imported]:
    """Import what is asked. Raises what `perform` raises."""
    values = asked["calendar"]
    events = tuple(
        CalendarEvent(
            **{
                **each,
                "scope": scope_of(each["scope"]),
                "spans": tuple((int(start), int(end)) for start, end in each["spans"]),
            }
        )
        for each in values["events"]
    )
    return take_in(database.maintenance, Calendar(**{**values, "events": events}), now)


def correct(database: SLADatabase, asked: Asked, now: int) -> Correction:
    """Add or revoke a correction. Raises what `perform` raises."""
    store, action = database.corrections, asked["action"]
    if action == "add":
        return store.add(wrong_of(asked["wrong"]), now)
    if action == "revoke":
        return store.revoke(int(asked["id"]), str(asked["author"]), str(asked["reason"]), now)
    raise ValueError(f"action is {action!r}; it must be add or revoke")


def wrong_of(values: Mapping[str, Any]) -> Wrong:
    """A correction that is asked for, from JSON. Raises ValueError, TypeError or KeyError."""
    good, total = values.get("good"), values.get("total")
    return Wrong(
        sla=str(values["sla"]),
        start=int(values["start"]),
        end=int(values["end"]),
        counts_as=CountsAs(values["counts_as"]),
        author=str(values["author"]),
        reason=str(values["reason"]),
        components=tuple(str(each) for each in values.get("components", ())),
        good=None if good is None else float(good),
        total=None if total is None else float(total),
    )


def scope_of(values: Mapping[str, Any]) -> Scope:
    """A scope from JSON. Raises ValueError, TypeError or KeyError."""
    return Scope(**{name: tuple(str(each) for each in listed) for name, listed in values.items()})


def planned_of(values: Mapping[str, Any]) -> Planned:
    """A planned exclusion from JSON. Raises ValueError, TypeError or KeyError."""
    scope = scope_of(values["scope"])
    texts = {name: values.get(name) for name in ("rule", "zone", "uid")}
    return Planned(
        scope=scope,
        start=int(values["start"]),
        end=int(values["end"]),
        author=str(values["author"]),
        reason=str(values["reason"]),
        **{name: None if text is None else str(text) for name, text in texts.items()},
    )


def exclusion_of(values: Mapping[str, Any]) -> Exclusion:
    """An exclusion from JSON, as `asdict` made it."""
    return Exclusion(
        **{
            **values,
            "planned": planned_of(values["planned"]),
            "spans": tuple((start, end) for start, end in values["spans"]),
        }
    )


class Maintainer:
    """Changes of other threads, done at once, and the silences that belong to windows.

    `turn` is a chore of the loop: what metrics show follows a change, and a silence that Alertmanager lost is
    made again. It asks Alertmanager only while a window lasts or is near.
    """

    def __init__(
        self,
        database: SLADatabase,
        *,
        silences: Silences | None,
        firing: Callable[[], list[BreachAlert]],
        zone: ZoneInfo,
        owner: str,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._database = database
        self._silences = silences
        self._firing = firing
        self._zone = zone
        self._owner = owner
        self._clock = clock
        self._monotonic = monotonic
        self._changed = threading.Event()
        self._one = threading.Lock()
        self._exclusions: list[Exclusion] | None = None
        self._asked_at: float | None = None
        self._made = self._had = False
        self._trouble: str | None = None
        self._lasting: list[str] = []
        self._looked_at = self._ended_at = 0
        self._burns: list[str] = []

    def change(self, asked: Asked) -> Done:
        """Do what is asked, the silence in the same act; see `perform`."""
        now = int(self._clock())
        if asked["action"] == "import":
            return self._import(asked, now)
        ends = asked["action"] in {"end", "revoke"}
        ended = [self._database.maintenance.get(int(asked["id"]))] if ends else []
        still = self._still([each for each in ended if each.active(now)], now)
        exclusion = perform(self._database, asked, now)
        self._changed.set()
        self._exclusions = None
        return Done(exclusion, (*self._remarks([exclusion]), *still))

    def _still(self, ended: Sequence[Exclusion], now: int) -> list[str]:
        """What is bad or fires at the end of exclusions, one line each."""
        lines: list[str] = []
        for each in ended:
            lines += [
                f"still bad: {bad.title}, since {moment(bad.since, self._zone)}"
                for bad in self._database.maintenance.lingering.of(each, now)
            ]
            lines += self._fires(each)
        return list(dict.fromkeys(lines))

    def _fires(self, exclusion: Exclusion) -> list[str]:
        scope = exclusion.planned.scope
        keys, titles = self._database.maintenance.alerts_of(exclusion)
        try:
            found = self._firing()
        except PrometheusError as error:
            return [f"which alerts fire is not known: {str(error).partition(';')[0]}"]
        ours = [
            each
            for each in found
            if (scope.everything and not scope.components)
            or (
                each.labels.get("sla") in keys
                and (not scope.components or each.labels.get("title") in titles)
            )
        ]
        named = [
            f"still firing: {each.alertname}"
            + "".join(f", {each.labels[name]}" for name in ("sla", "instance") if name in each.labels)
            for each in ours[:_NAMED_ALERTS]
        ]
        more = len(ours) - len(named)
        return [*named, *([f"still firing: {more} more alerts"] if more else [])]

    def _import(self, asked: Asked, now: int) -> Done:
        imported = tuple(take_calendar(self._database, asked, now))
        made = {each.number for each in imported if each.what not in {REMOVED, UNCHANGED}}
        if asked["calendar"]["dry"] or not any(each.number in made or each.old for each in imported):
            return Done(None, (), imported)
        self._changed.set()
        self._exclusions = None
        new = [each for each in self._database.maintenance.all() if each.id in made]
        return Done(None, self._remarks(new), imported)

    def correct(self, asked: Asked) -> Correction:
        """The same of corrections; see `correct`."""
        made = correct(self._database, asked, int(self._clock()))
        self._changed.set()
        return made

    def concerns(self) -> list[str]:
        """That alerts are not silenced as they should be, and what burns on after a window, one line each."""
        lines = [f"maintenance without its silence: {self._trouble}"] if self._trouble else []
        if self._clock() - self._ended_at < _SAID_SECONDS:
            lines += [
                f"maintenance ended at {moment(self._ended_at, self._zone)}, {each}" for each in self._burns
            ]
        return lines

    def turn(self, show: Callable[[], None], lasting: Callable[[Sequence[str]], None]) -> None:
        """A chore of the loop; `show` lets metrics follow, `lasting` takes the SLAs in maintenance."""
        if self._changed.is_set():
            self._changed.clear()
            show()
            self._asked_at = None
        if self._asked_at is None or self._monotonic() - self._asked_at >= _LOOK_SECONDS:
            self._asked_at = self._monotonic()
            at = int(self._clock())
            now = self._database.maintenance.maintained(at)
            if now != self._lasting:
                lasting(now)
            if not set(self._lasting) <= set(now):
                self._say_what_burns(at)
            self._lasting, self._looked_at = now, at
            self._keep()

    def _say_what_burns(self, now: int) -> None:
        """Windows have ended by themselves: say it before the next slot opens breaches, in the log too."""
        ended = [
            each
            for each in self._database.maintenance.all()
            if each.revoked_at is None
            and each.ended_at is None
            and any(self._looked_at < end <= now for _, end in each.spans)
        ]
        lines = self._still(ended, now)
        if lines:
            self._burns, self._ended_at = lines[:_NAMED_ALERTS], now
        for line in lines:
            _log.warning("maintenance ended %s", line)

    def _remarks(self, changed: Sequence[Exclusion]) -> tuple[str, ...]:
        if self._silences is None:
            if not any(each.state(self._clock()) in {"active", "planned"} for each in changed):
                return ()
            return ("no alert is silenced: ALERTMANAGER_URL is not set",)
        made, ended = self._keep()
        if self._trouble:
            return (f"no alert is silenced yet, it is tried again: {self._trouble}",)
        counts = ((made, "made"), (ended, "ended"))
        return tuple(
            f"{count} silence{'s' if count > 1 else ''} {what} in Alertmanager"
            for count, what in counts
            if count
        )

    def _keep(self) -> tuple[int, int]:
        """Silences as they should be now; nothing is asked when there are none, and were none."""
        if self._silences is None:
            return 0, 0
        with self._one:
            if self._exclusions is None:
                self._exclusions = self._database.maintenance.all()
            now = self._clock()
            wanted = [
                silence
                for each in self._exclusions
                for silence in silences_of(each, self._database, now, self._owner)
            ]
            near = wanted or (self._exclusions and not self._made)  # those of a former process are ended
            if not near and not self._had:
                self._trouble = None
                return 0, 0
            try:
                done = self._silences.keep(wanted, self._owner)
            except AlertmanagerError as error:
                if str(error) != self._trouble:
                    _log.error("maintenance without its silence error=%s", error)
                self._trouble = str(error)
                return 0, 0
            self._made, self._had, self._trouble = True, bool(wanted), None
            if any(done):
                _log.info("silences made=%d ended=%d", *done)
            return done


def silences_of(exclusion: Exclusion, database: SLADatabase, now: float, owner: str) -> list[Silence]:
    """The silences of its times that last or begin soon."""
    if exclusion.revoked_at is not None:
        return []
    scope = exclusion.planned.scope
    matchers = EVERYTHING
    if not scope.everything or scope.components:
        matchers = alerts_of(*database.maintenance.alerts_of(exclusion))
    return [
        Silence(
            mark=f"sla maintenance {exclusion.id} from {start} at {owner}",
            matchers=matchers,
            start=start,
            end=end,
            author=exclusion.planned.author,
            reason=exclusion.planned.reason,
        )
        for start, end in exclusion.spans
        if end > now and start <= now + _SOON_SECONDS
    ]
