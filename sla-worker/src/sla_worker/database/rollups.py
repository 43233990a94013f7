"""Sums of hours and days, made in the transaction of their rows."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sla_worker.database.engine import Engine, Row
from sla_worker.database.periods import (
    DAY_SECONDS,
    HOUR_SECONDS,
    Marks,
    Part,
    days,
    hour,
    midnight,
    midnight_from,
    next_midnight,
    parts,
    phase,
)
from sla_worker.database.rollup_sql import (
    DAYS,
    DAYS_OF_HOURS,
    MARKS,
    OF_PAIR,
    SUMMARY,
    hours_sql,
)
from sla_worker.database.rows import Pair
from sla_worker.database.trust import Trust
from sla_worker.database.versions import VersionStore

_log = logging.getLogger(__name__)
_ROLLED_AT_ONCE = 14 * DAY_SECONDS  # a ledger of a former version is summed up over several passes


class RollupStore:
    """The tables sla_hours and sla_daily_summaries, and the marks in the table ledger."""

    def __init__(self, engine: Engine, trust: Trust, versions: VersionStore, zone: ZoneInfo) -> None:
        self._engine = engine
        self._trust = trust
        self._versions = versions
        self._zone = zone
        self._phase = phase(zone)
        self._known: Marks | None = None
        self._edges: frozenset[int] = frozenset()
        engine.on_reset(self._forget)
        self._summed: list[Callable[[int, int], None]] = []
        trust.on_taken_back(self._take_back)
        versions.on_changed(self._cut_again)

    def on_summed(self, hook: Callable[[int, int], None]) -> None:
        """Call `hook`, inside the transaction, with the time whose hours or days were made, or made again."""
        self._summed.append(hook)

    @property
    def phase(self) -> int:
        """Where hours begin, in seconds after those of UTC."""
        return self._phase

    @property
    def zone(self) -> ZoneInfo:
        """The timezone of the days."""
        return self._zone

    def marks(self) -> Marks:
        """Up to where the ledger is summed up, by now; only as far as its rows count."""
        with self._engine.exclusive():
            if self._known is None:
                former, self._known = self._stored_marks()
                if former != self._zone.key:  # its days have other borders, and its hours perhaps
                    hours = self._known.hours_until if self._same_hours(former) else None
                    self._known = replace(self._known, days_until=None, hours_until=hours, days_after=None)
            return self._known

    def _stored_marks(self) -> tuple[str | None, Marks]:
        """The timezone of the days in the ledger, and the marks as they were written."""
        row = self._engine.row(f"SELECT zone, {MARKS} FROM ledger")  # noqa: S608 - constants
        return row.pop("zone"), Marks(**row)

    def _same_hours(self, former: str | None) -> bool:
        """Whether the hours of another timezone begin when ours do."""
        try:
            return former is not None and phase(ZoneInfo(former)) == self._phase
        except (ZoneInfoNotFoundError, ValueError):  # one that this machine no longer knows
            return False

    # --- when the timezone is another one than before

    def follow_zone(self) -> None:
        """Make the days those of the timezone, if they were another one's until now, and say so in the log.

        They are made again from slots, or from hours where those are all that is left and begin when hours of
        the timezone do. Older days keep their borders, and are read as they are.
        """
        with self._engine.transaction():
            former, marks = self._stored_marks()
            if former in {None, self._zone.key} or marks.hours_until is None or marks.days_until is None:
                return
            same = self._same_hours(former)
            deleted = marks.hours_after if same else marks.slots_after
            since = self._first_hour() if deleted is None else deleted
            begin = midnight(since, self._zone) if deleted is None else midnight_from(since, self._zone)
            self._engine.execute("DELETE FROM sla_daily_summaries WHERE day_end > ?", (since,))
            if same:
                until = self._days_again(begin, marks)
                marks = replace(marks, days_until=until)
            else:  # those of slots that are kept are summed up with the next ones
                hours_from = hour(since + HOUR_SECONDS - 1, self._phase)
                self._engine.execute(
                    "DELETE FROM sla_hours WHERE hour_start > ?", (hours_from - HOUR_SECONDS,)
                )
                marks = replace(marks, hours_until=hours_from, days_until=begin)
            kept = self._engine.row(
                "SELECT COUNT(DISTINCT day_start) AS days FROM sla_daily_summaries WHERE day_end <= ?",
                (since,),
            )["days"]
            self.mark(replace(marks, days_after=since if kept else None))
            self._tell([0])
        first = dt.datetime.fromtimestamp(begin, self._zone)
        rest = f"; {kept} days before that keep the borders of {former}" if kept else ""
        _log.warning(
            "REPORT_TIMEZONE=%s, before %s: the days from %s on are of the new timezone%s",
            self._zone.key,
            former,
            f"{first:%Y-%m-%d}",
            rest,
        )

    def _first_hour(self) -> int:
        """The beginning of the hour of the first slot there is."""
        first = self._engine.row("SELECT MIN(first_slot) AS slot FROM sla_series")["slot"]
        return hour((first or 1) - 1, self._phase)

    def _days_again(self, begin: int, marks: Marks) -> int:
        """Sum up the days from `begin` on. Returns where the last one ends."""
        made = list(days(begin, marks.hours_until or 0, self._zone))
        gone = marks.slots_after or 0
        self._engine.executemany(
            DAYS_OF_HOURS.format(where=""),
            [self._day_of_hours(*piece) for each in made if each[0] < gone for piece in self.pieces(*each)],
        )
        self._engine.executemany(
            DAYS.format(where=""),
            [self._day(*piece) for each in made if each[0] >= gone for piece in self.pieces(*each)],
        )
        return made[-1][1] if made else begin

    def _day_of_hours(self, begin: int, end: int) -> Sequence[int]:
        return (begin, end, *self.breaches_of(begin, end), begin, end)

    # --- with the rows, inside their transaction

    def stored(self, newest: int, changed: Iterable[tuple[Pair, int]], *, step: int) -> None:
        """Rows were stored, the newest of slot `newest`: sum up what is over, and again what has changed."""
        marks = self.marks()
        hours: dict[Pair, list[int]] = {}
        touched: set[tuple[Pair, tuple[int, int]]] = set()
        for pair, slot in changed:
            if marks.hours_until is not None and slot <= marks.hours_until:
                hours.setdefault(pair, []).append(slot)
            if marks.days_until is not None and slot <= marks.days_until:
                begin = midnight(slot - 1, self._zone)
                if begin >= (marks.days_after or begin):  # else it is in a day of a former timezone
                    touched.add((pair, (begin, next_midnight(begin, self._zone))))
        self._again(hours, touched)
        end = min(newest, self._trust.bound())
        since = [begin for _, (begin, _) in touched]
        since += [hour(min(slots) - 1, self._phase) for slots in hours.values()]
        if marks.hours_until is None or end >= marks.hours_until + HOUR_SECONDS:
            self._advance(marks, end, step)
            since.append(min(marks.hours_until or 0, marks.days_until or 0))
        self._tell(since)

    def _tell(self, since: Iterable[int]) -> None:
        begin, until = min(since, default=None), self.marks().hours_until
        if begin is not None and until is not None:
            for hook in self._summed:
                hook(begin, until)

    def _again(self, hours: dict[Pair, list[int]], touched: Iterable[tuple[Pair, tuple[int, int]]]) -> None:
        spans = [
            (pair, hour(min(slots) - 1, self._phase), hour(max(slots) - 1, self._phase) + HOUR_SECONDS)
            for pair, slots in hours.items()
        ]
        self._engine.executemany(
            "DELETE FROM sla_hours WHERE sla_id = ? AND component_id = ?"
            " AND hour_start >= ? AND hour_start < ?",
            [(*pair, begin, end) for pair, begin, end in spans],
        )
        self._engine.executemany(
            hours_sql(OF_PAIR),
            [
                (*self._hours_of(begin, end), *pair, self._phase)
                for pair, first, last in spans
                for begin, end in self.pieces(first, last)
            ],
        )
        touched = sorted(touched)
        self._engine.executemany(
            "DELETE FROM sla_daily_summaries WHERE sla_id = ? AND component_id = ?"
            " AND day_start >= ? AND day_start < ?",
            [(*pair, begin, end) for pair, (begin, end) in touched],
        )
        gone = self.marks().slots_after or 0
        self._engine.executemany(
            DAYS.format(where=OF_PAIR),
            [
                (*self._day(*piece), *pair)
                for pair, (begin, end) in touched
                if begin >= gone
                for piece in self.pieces(begin, end)
            ],
        )
        self._engine.executemany(  # the first slots of these are gone: a change of the timezone made them so
            DAYS_OF_HOURS.format(where=OF_PAIR),
            [
                (*self._day_of_hours(*piece), *pair)
                for pair, (begin, end) in touched
                if begin < gone
                for piece in self.pieces(begin, end)
            ],
        )

    def _advance(self, marks: Marks, end: int, step: int) -> None:
        if marks.hours_until is None or marks.days_until is None:
            marks = self._begin(marks, end, step)
        since = marks.hours_until or 0
        until = hour(min(end, since + _ROLLED_AT_ONCE), self._phase)
        self._engine.executemany(
            hours_sql(""), [(*self._hours_of(*each), self._phase) for each in self.pieces(since, until)]
        )
        made = list(
            days(marks.days_until or 0, min(end, (marks.days_until or 0) + _ROLLED_AT_ONCE), self._zone)
        )
        self._engine.executemany(
            DAYS.format(where=""), [self._day(*piece) for each in made for piece in self.pieces(*each)]
        )
        marks = replace(marks, hours_until=until, days_until=made[-1][1] if made else marks.days_until)
        self.mark(marks)

    def _begin(self, marks: Marks, end: int, step: int) -> Marks:
        """Where sums begin: with the oldest slot there is. What was summed up otherwise after it goes."""
        oldest = self._engine.row(
            "SELECT MIN((SELECT MIN(m.slot) FROM sla_measurements m WHERE m.sla_id = s.sla_id"
            " AND m.component_id = s.component_id)) AS slot FROM sla_series s"
        )["slot"]
        first = end - step if oldest is None else oldest - step
        begin = midnight(first, self._zone)
        if marks.slots_after is not None:  # part of that day is there no more
            begin = midnight_from(first, self._zone)
        hours_from = hour(first, self._phase)
        if marks.slots_after is not None:
            hours_from = hour(first + HOUR_SECONDS - 1, self._phase)
        self._engine.execute("DELETE FROM sla_daily_summaries WHERE day_end > ?", (begin,))
        self._engine.execute("DELETE FROM sla_hours WHERE hour_start > ?", (hours_from - HOUR_SECONDS,))
        return replace(marks, hours_until=hours_from, days_until=begin)

    def pieces(self, start: int, end: int) -> list[tuple[int, int]]:
        """A span cut where a version of any SLA began: what lies in one piece was judged by one version each.

        Hours and days are summed up in such pieces, so their sums can be told apart for ever.
        """
        if start >= end:
            return []
        edges = [start, *self._versions.borders(start, end), end]
        return list(pairwise(edges))

    def parts(self, start: int, end: int) -> list[Part]:
        """What to read for the slots that end in (start, end]."""
        edges = {each for each in (start, end) if self._is_cut(each)}
        return parts(start, end, self.marks(), self._zone, edges)

    def _is_cut(self, moment: int) -> bool:
        return moment in self._edges or self._versions.is_border(moment)

    def newest_hour(self, end: int) -> int:
        """When the last hour, or piece of one, begins that ends with `end`, where a part ends.

        An hour of a former timezone may begin after it, and reach beyond `end`.
        """
        if self._is_cut(end):
            return end - 1
        inside = self._versions.borders(end - HOUR_SECONDS, end)
        return inside[-1] if inside else end - HOUR_SECONDS

    def _hours_of(self, begin: int, end: int) -> Sequence[int]:
        return (begin, begin, self._phase, begin, end)

    def breaches_of(self, begin: int, end: int) -> tuple[int, int, int]:
        """The values of BREACHES_OF_DAY.

        A breach counts in each day that it touches, but once in a day that a version's beginning cuts in two.
        """
        cut = self._versions.is_border(begin) and begin != midnight(begin, self._zone)
        return min(end, self._trust.bound()), begin if cut else 0, begin

    def _day(self, begin: int, end: int) -> Sequence[int]:
        return (begin, end, *self.breaches_of(begin, end), begin, end)

    def _take_back(self, newest: int) -> None:
        """Sums that hold rows after that slot do not count any more: the rows do not, or they are cut."""
        marks = self.marks()
        if marks.hours_until is None or marks.days_until is None:
            return
        if newest >= max(marks.hours_until, marks.days_until):
            return
        marks = replace(
            marks,
            hours_until=min(marks.hours_until, hour(newest, self._phase)),
            days_until=min(marks.days_until, midnight(newest, self._zone)),
        )
        self._engine.execute("DELETE FROM sla_hours WHERE hour_start >= ?", (marks.hours_until,))
        self._engine.execute("DELETE FROM sla_daily_summaries WHERE day_start >= ?", (marks.days_until,))
        self.mark(marks)

    def _cut_again(self, border: int) -> None:
        """Versions begin at other moments from here on: sums that hold slots after it are made again."""
        self._take_back(max(border, self.marks().slots_after or 0))

    def mark(self, marks: Marks) -> None:
        """Write up to where the ledger is summed up and kept, inside the caller's transaction."""
        self._engine.execute(
            "UPDATE ledger SET zone = ?, hours_until = ?, days_until = ?, slots_after = ?, hours_after = ?,"
            " days_after = ?",
            (
                self._zone.key,
                marks.hours_until,
                marks.days_until,
                marks.slots_after,
                marks.hours_after,
                marks.days_after,
            ),
        )
        self._known = marks

    # --- days

    def summary(self, day_start: int) -> list[Row]:
        """The rows of one day, in the order of the SLAs' definition; empty for one that is not summed up.

        A day in which a version began has a row for each of its pieces; `day_start` and `day_end` are theirs.
        """
        return self._engine.rows(
            SUMMARY,
            (day_start, next_midnight(day_start, self._zone)),
        )

    def take(self, start: int, end: int) -> None:
        """The hours of (start, end] are there, and nothing else: an empty ledger was filled with them.

        The first and the last may be cut: where clocks change by half an hour a month may end within one.
        """
        self._edges = frozenset((start, end))
        self.mark(Marks(hours_until=end, slots_after=end))

    def _forget(self) -> None:
        self._known = None
