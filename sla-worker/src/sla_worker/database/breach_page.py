"""Breaches while rows are followed: held in memory until all of them are, then written at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sla_worker.breaches import OpenBreach, Opened, Point, Resolved, Rule, Span, Track, Worsened, step
from sla_worker.database.engine import Row
from sla_worker.database.rows import Pair
from sla_worker.model import Measurement, State


@dataclass(slots=True, eq=False)
class Entry:
    """A breach, stored (`id`) or new. `begun`, `begun_late`: by these rows, so that its mail is owed."""

    pair: Pair
    started_at: int
    ended_at: int | None
    worst: float | None
    id: int | None = None
    target: float = 0.0
    severity: str = ""
    catch_up_id: int | None = None
    changed: bool = False
    moved: bool = False
    begun: bool = False
    late: bool = False
    begun_late: bool = False

    @classmethod
    def of(cls, row: Row) -> Entry:
        """A breach that is stored."""
        return cls(
            pair=(row["sla_id"], row["component_id"]),
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            worst=row["worst_value"],
            id=row["id"],
            catch_up_id=row["catch_up_id"],
        )

    def lasting(self) -> OpenBreach:
        """The breach as it stood while it lasted."""
        return OpenBreach(self.started_at, self.worst)

    def shares(self, span: Span) -> bool:
        """Whether it shares a moment with a breach that was derived."""
        return self.ended_at != self.started_at and span.touches(self.started_at, self.ended_at)

    def become(self, span: Span, *, late: bool) -> None:
        """Take over what was derived. One that is new, or was none, begins: at once, or told with others."""
        begins = self.id is None or self.ended_at == self.started_at
        now = span.started_at, span.ended_at, span.worst
        self.changed = now != (self.started_at, self.ended_at, self.worst)
        self.moved = span.started_at != self.started_at
        self.started_at, self.ended_at, self.worst = now
        self.begun_late = begins and late and span.ended_at is not None
        self.begun = begins and not self.begun_late

    def become_none(self) -> None:
        """It turned out to be none."""
        self.changed = self.ended_at != self.started_at
        self.ended_at = self.started_at

    def values(self) -> tuple[object, ...]:
        """The values of a new row."""
        return (
            self.id,
            *self.pair,
            self.started_at,
            self.ended_at,
            self.worst,
            self.target,
            self.severity,
            self.catch_up_id,
        )


def match(stored: Iterable[Entry], spans: Sequence[Span]) -> list[tuple[Span, Entry | None]]:
    """Which stored breach each derived one is: one that begins with it, else shares a moment; None: new."""
    left = {each.started_at: each for each in stored}
    found = {span.started_at: left.pop(span.started_at, None) for span in spans}
    for span in spans:
        if found[span.started_at] is None:
            same = next((each for each in left.values() if each.shares(span)), None)
            if same is not None:
                found[span.started_at] = left.pop(same.started_at)
    return [(span, found[span.started_at]) for span in spans]


class Page:
    """The breaches that the next rows of series can change."""

    def __init__(self, rows: Iterable[Row], bound: int) -> None:
        self._bound = bound
        self.entries: list[Entry] = []
        self._active: dict[Pair, Entry] = {}
        self._known: dict[tuple[Pair, int], Entry] = {}
        self._tracks: dict[Pair, Track] = {}
        self.keep(rows)

    def keep(self, rows: Iterable[Row]) -> None:
        """Take breaches in that are stored; those that are known stay as they are."""
        for row in rows:
            entry = Entry.of(row)
            if (entry.pair, entry.started_at) in self._known:
                continue
            self.entries.append(entry)
            self._known[entry.pair, entry.started_at] = entry
            if entry.ended_at is None and entry.started_at < self._bound:
                self._active[entry.pair] = entry

    def lasting(self) -> list[Pair]:
        """The series that are in breach."""
        return list(self._active)

    def track(self, pair: Pair) -> Track:
        """Where a series stands, as far as rows were followed or loaded."""
        if pair not in self._tracks:
            entry = self._active.get(pair)
            self._tracks[pair] = Track() if entry is None else Track(entry.lasting())
        return self._tracks[pair]

    def concerns(self, pair: Pair, began: int) -> bool:
        """Whether a slot that met its target may change anything."""
        return pair in self._active or pair in self._tracks or (pair, began) in self._known

    def needs_run(self, pair: Pair, row: Measurement, breach_after: int, recover_after: int) -> bool:
        """Whether the slots before the first row of a series matter: it may be one of several in a row.

        So many slots open and end a breach at most, by any version of the SLA.
        """
        if pair in self._tracks:
            return False
        if pair in self._active:
            return row.state is State.MET and recover_after > 1
        return row.state is State.BREACHED and breach_after > 1

    def load(self, pair: Pair, before: Iterable[Point], rule: Callable[[int], Rule]) -> None:
        """Follow the rows before, which are in the ledger already and change nothing."""
        track = self.track(pair)
        for point in before:
            after, change = step(track, point, rule(point.slot))
            if not isinstance(change, Opened | Resolved):  # what they did is stored
                track = after
        self._tracks[pair] = track

    def follow(self, pair: Pair, row: Measurement, rule: Rule, severity: str) -> Entry | None:
        """Change the entries as the row says. Returns a breach that it opens; give it its target."""
        entry = self._active.get(pair)
        opened = None
        self._tracks[pair], change = step(self.track(pair), row, rule)
        if isinstance(change, Opened):
            opened = self._open(pair, row, severity, change)
        elif entry is not None and isinstance(change, Worsened):
            entry.worst, entry.changed = change.worst, True
        elif entry is not None and isinstance(change, Resolved):
            entry.ended_at, entry.changed = change.ended_at, True
            if entry.begun and entry.late:
                entry.begun, entry.begun_late = False, True
            del self._active[pair]
        # One that a clock ahead has begun here, and that is none after all.
        known = self._known.get((pair, row.slot - rule.slot_seconds))
        if known is not None and known is not self._active.get(pair) and known.ended_at != known.started_at:
            known.become_none()
        return opened

    def _open(self, pair: Pair, row: Measurement, severity: str, change: Opened) -> Entry:
        entry = self._known.get((pair, change.started_at))
        if entry is None:
            entry = Entry(pair, change.started_at, None, change.worst)
            self.entries.append(entry)
            self._known[pair, change.started_at] = entry
        else:  # the slot was computed again and is a breach after all: it is the same breach
            entry.ended_at, entry.worst, entry.changed = None, change.worst, True
        entry.severity, entry.begun, entry.late = severity, True, row.late
        self._active[pair] = entry
        return entry
