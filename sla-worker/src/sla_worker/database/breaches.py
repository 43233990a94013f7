"""Breaches: opened, worsened and resolved by rows of the ledger, in the transaction of those rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sla_worker.breaches import OpenBreach, Opened, Resolved, Worsened, follow
from sla_worker.conventions import BREACH_MAIL
from sla_worker.database.definitions import StoredDefinition
from sla_worker.database.engine import Engine, Row, Values
from sla_worker.database.outbox import Outbox, Owed
from sla_worker.database.trust import Trust
from sla_worker.model import Breach, Comparison, Measurement, State

MAILED_AT_ONCE = ("critical", "high")

_BREACHES = """
SELECT b.id, d.name, d.key, c.name AS component, d.description, b.severity, d.unit, d.comparison,
       b.target_value AS target, b.worst_value AS worst, b.started_at, b.ended_at
FROM sla_breaches b JOIN sla_definitions d ON d.id = b.sla_id JOIN sla_components c ON c.id = b.component_id
"""

_Pair = tuple[int, int]
_Followed = tuple[_Pair, Measurement, StoredDefinition]


class BreachStore:
    """The table sla_breaches. A breach of no length is one that turned out to be none; it counts nowhere."""

    def __init__(self, engine: Engine, outbox: Outbox, trust: Trust, slot_seconds: int) -> None:
        self._engine = engine
        self._outbox = outbox
        self._trust = trust
        self._slot_seconds = slot_seconds

    def follow(self, rows: Iterable[_Followed], now: int) -> None:
        """What rows, in the order of their slots, do to breaches; inside the caller's transaction."""
        judged = [each for each in rows if each[1].state in {State.MET, State.BREACHED}]
        if not judged:
            return
        first = min(row.slot for _, row, _ in judged) - self._slot_seconds
        page = _Page(
            self._engine.rows(
                "SELECT id, sla_id, component_id, started_at, ended_at, worst_value FROM sla_breaches"
                " WHERE ended_at IS NULL OR started_at >= ? ORDER BY id",
                (first,),
            ),
            bound=self._trust.bound(),
        )
        for pair, row, definition in judged:
            page.follow(pair, row, definition, self._slot_seconds)
        self._write(page, now)

    def _write(self, page: _Page, now: int) -> None:
        changed = [each for each in page.entries if each.changed and each.id is not None]
        made = [each for each in page.entries if each.id is None]
        if made:
            first = self._engine.next_id("sla_breaches")
            for number, each in enumerate(made, start=first):
                each.id = number
            self._engine.executemany(
                "INSERT INTO sla_breaches (id, sla_id, component_id, started_at, ended_at, worst_value,"
                " target_value, severity) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [each.values() for each in made],
            )
        if changed:
            self._engine.executemany(
                "UPDATE sla_breaches SET ended_at = ?, worst_value = ? WHERE id = ?",
                [(each.ended_at, each.worst, each.id) for each in changed],
            )
        self._outbox.drop((each.id for each in changed if each.id and each.ended_at == each.started_at), now)
        self._outbox.add(
            [
                Owed(BREACH_MAIL, f"breach:{each.id}", breach_id=each.id)
                for each in page.entries
                if each.begun and each.severity in MAILED_AT_ONCE
            ],
            now,
        )

    def active(self) -> list[Breach]:
        """The breaches that last, oldest first."""
        return self._list(
            "WHERE b.ended_at IS NULL AND b.started_at < ? AND d.enabled = 1 ORDER BY b.started_at, b.id",
            (self._trust.bound(),),
        )

    def get(self, breach_id: int) -> Breach | None:
        """One breach; None if there is none with that id."""
        found = self._list("WHERE b.id = ?", (breach_id,))
        return found[0] if found else None

    def between(self, start: int, end: int) -> list[Breach]:
        """The breaches that touch [start, end), oldest first.

        One of a removed SLA, which nothing ends any more, lasts as long as that was measured.
        """
        return self._list(
            "WHERE b.started_at < ? AND ((b.ended_at > ? AND b.ended_at > b.started_at)"
            " OR (b.ended_at IS NULL AND (d.enabled = 1 OR EXISTS (SELECT 1 FROM sla_measurements m WHERE"
            " m.sla_id = b.sla_id AND m.component_id = b.component_id AND m.slot > ?))))"
            " ORDER BY b.started_at, b.id",
            (min(end, self._trust.bound()), start, start),
        )

    def _list(self, where: str, values: Values) -> list[Breach]:
        return [
            Breach(**{**row, "comparison": Comparison(row["comparison"])})
            for row in self._engine.rows(_BREACHES + where, values)
        ]


@dataclass(slots=True, eq=False)
class _Entry:
    """A breach while rows are followed. `begun`: by one of these rows, so that its mail is owed."""

    pair: _Pair
    started_at: int
    ended_at: int | None
    worst: float | None
    id: int | None = None
    target: float = 0.0
    severity: str = ""
    changed: bool = False
    begun: bool = False

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
        )


class _Page:
    """The breaches that rows can change, held in memory until all rows are followed."""

    def __init__(self, rows: Iterable[Row], bound: int) -> None:
        self.entries: list[_Entry] = []
        self._active: dict[_Pair, _Entry] = {}
        self._known: dict[tuple[_Pair, int], _Entry] = {}
        for row in rows:
            self._keep(_entry(row), bound)

    def _keep(self, entry: _Entry, bound: int) -> None:
        self.entries.append(entry)
        self._known[entry.pair, entry.started_at] = entry
        if entry.ended_at is None and entry.started_at < bound:
            self._active[entry.pair] = entry

    def follow(self, pair: _Pair, row: Measurement, definition: StoredDefinition, slot_seconds: int) -> None:
        """Change the entries as the row says."""
        entry = self._active.get(pair)
        change = follow(
            None if entry is None else OpenBreach(entry.started_at, entry.worst),
            row,
            comparison=definition.comparison,
            slot_seconds=slot_seconds,
        )
        if isinstance(change, Opened):
            self._open(pair, row, definition.severity, change)
        elif entry is not None and isinstance(change, Worsened):
            entry.worst, entry.changed = change.worst, True
        elif entry is not None and isinstance(change, Resolved):
            entry.ended_at, entry.changed = change.ended_at, True
            del self._active[pair]
        # A slot that was computed again and begins no breach after all.
        known = self._known.get((pair, row.slot - slot_seconds))
        if known is not None and known is not self._active.get(pair) and known.ended_at != known.started_at:
            known.ended_at, known.changed = known.started_at, True

    def _open(self, pair: _Pair, row: Measurement, severity: str, change: Opened) -> None:
        entry = self._known.get((pair, change.started_at))
        if entry is None:
            entry = _Entry(pair, change.started_at, None, change.worst, target=row.target)
            self.entries.append(entry)
            self._known[pair, change.started_at] = entry
        else:  # the slot was computed again and is a breach after all: it is the same breach
            entry.ended_at, entry.worst, entry.changed = None, change.worst, True
        entry.severity, entry.begun = severity, True
        self._active[pair] = entry


def _entry(row: Row) -> _Entry:
    return _Entry(
        pair=(row["sla_id"], row["component_id"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        worst=row["worst_value"],
        id=row["id"],
    )
