"""The rows of the ledger: which are missing, how they are stored, and what is read from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sla_worker.database.breaches import BreachStore
from sla_worker.database.definitions import DefinitionStore, StoredDefinition
from sla_worker.database.engine import Engine
from sla_worker.database.trust import Trust
from sla_worker.grid import Grid
from sla_worker.model import Measurement, State, Status

SERIES = """
WITH RECURSIVE series (sla_id, component_id) AS (
    SELECT d.id, (SELECT MIN(m.component_id) FROM sla_measurements m WHERE m.sla_id = d.id)
    FROM sla_definitions d
    UNION ALL
    SELECT s.sla_id, (SELECT MIN(m.component_id) FROM sla_measurements m
                      WHERE m.sla_id = s.sla_id AND m.component_id > s.component_id)
    FROM series s WHERE s.component_id IS NOT NULL
)
"""
"""Each pair of SLA and component that has rows, by seeking: the ledger is clustered on the pair and the slot.

The last pair of each SLA has no component.
"""

_ENDS = f"""{SERIES}
SELECT sla_id, component_id,
       (SELECT MIN(m.slot) FROM sla_measurements m
        WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id) AS first_slot,
       (SELECT MAX(m.slot) FROM sla_measurements m
        WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot <= ?) AS last_slot,
       (SELECT MAX(m.slot) FROM sla_measurements m
        WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id) AS any_slot,
       (SELECT m.stored_at FROM sla_measurements m
        WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id
        ORDER BY m.slot DESC LIMIT 1) AS stored_at
FROM series s WHERE component_id IS NOT NULL
"""  # noqa: S608 - constants

# An answer without data never replaces a row that has some: what was measured once was measured.
_UPSERT = """
INSERT INTO sla_measurements (sla_id, component_id, slot, good_events, total_events, coverage, actual_value,
                              target_value, compliant, state, status, late, stored_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (sla_id, component_id, slot) DO UPDATE SET
    good_events = excluded.good_events, total_events = excluded.total_events, coverage = excluded.coverage,
    actual_value = excluded.actual_value, target_value = excluded.target_value,
    compliant = excluded.compliant, state = excluded.state, status = excluded.status, late = excluded.late,
    stored_at = excluded.stored_at
WHERE excluded.coverage > 0 OR sla_measurements.coverage = 0
"""

_AFTER = f"""{SERIES}
SELECT COUNT(*) AS rows_after FROM series s CROSS JOIN sla_measurements m
JOIN sla_definitions d ON d.id = m.sla_id AND d.from_file = 1
WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot > ?
"""  # noqa: S608 - constants

_GONE_SECONDS = 86_400
_DATA_SINCE = """
SELECT slot FROM sla_measurements WHERE sla_id = ? AND component_id = ? AND slot >= ? AND coverage > 0 LIMIT 1
"""

_Pair = tuple[int, int]  # the integer keys of SLA and component


@dataclass(frozen=True, slots=True)
class _Ends:
    """The first slot of a pair, the last one that counts (None: none does), and the last one of all."""

    first: int
    last: int | None
    any: int


class MeasurementStore:
    """The table sla_measurements. Where each series ends is kept in memory: one process writes."""

    def __init__(
        self, engine: Engine, definitions: DefinitionStore, breaches: BreachStore, trust: Trust, grid: Grid
    ) -> None:
        self._engine = engine
        self._definitions = definitions
        self._breaches = breaches
        self._trust = trust
        self._grid = grid
        self._ends: dict[_Pair, _Ends] | None = None
        engine.on_reset(self._forget)

    # --- which are missing

    def missing_slots(self, newest: int, oldest: int) -> dict[str, list[int]]:
        """The slots up to newest that each SLA of the file lacks, ascending, none before oldest.

        Slots are stored in order, so what is missing follows the last row. An SLA without rows starts with
        the slot that was newest when it was defined: a worker killed before its first row loses nothing.
        Rows after `newest` do not count; they are noted as lying in the future.
        """
        with self._engine.exclusive():
            if self._engine.writable:
                self._note_future(newest)
            last = self._last_slots(newest)
            slots: dict[str, list[int]] = {}
            for each in self._definitions.enabled():
                if each.from_file:
                    first = self._first_missing(each, last.get(each.id), newest)
                    slots[each.key] = list(range(max(first, oldest), newest + 1, self._grid.slot_seconds))
            return slots

    def _first_missing(self, definition: StoredDefinition, last: int | None, newest: int) -> int:
        if last is None:
            return min(newest, self._grid.slot_before(definition.created_at))
        return last + self._grid.slot_seconds

    def _last_slots(self, newest: int) -> dict[int, int]:
        """The last slot up to newest that counts, by SLA: all components of a slot are stored together."""
        bound = min(newest, self._trust.bound())
        ends = self._known_ends()
        if any(each.last is not None and each.last > bound for each in ends.values()):
            ends = self._read_ends(bound)
        last: dict[int, int] = {}
        for (sla_id, _), each in ends.items():
            if each.last is not None:
                last[sla_id] = max(each.last, last.get(sla_id, each.last))
        return last

    def _note_future(self, newest: int) -> None:
        from_file = {each.id for each in self._definitions.all().values() if each.from_file}
        ends = [each.any for (sla_id, _), each in self._known_ends().items() if sla_id in from_file]
        last = max(ends, default=newest)
        rows = int(self._engine.row(_AFTER, (newest,))["rows_after"]) if last > newest else 0
        self._trust.note(newest, last, rows)

    def last_before_it_went(self, key: str, component: str) -> int | None:
        """The last slot of a component without which its SLA has been measured for a day; None: it is there.

        Were only its data missing, those of all components would be, or would be back within a day.
        """
        with self._engine.exclusive():
            sla_id, ends = self._definitions.get(key).id, self._known_ends()
            pair = sla_id, self._definitions.components()[component]
            last = ends[pair].last if pair in ends else None
            if last is None:
                return None
            others = [
                other
                for other, each in ends.items()
                if other[0] == sla_id and each.last is not None and each.last >= last + _GONE_SECONDS
            ]
            measured = any(self._engine.rows(_DATA_SINCE, (*each, last + _GONE_SECONDS)) for each in others)
            return last if measured else None

    # --- storing

    def store(self, measurements: Iterable[Measurement], now: int, *, in_order: bool = True) -> None:
        """All rows, the breaches that follow from them and the mails owed for those, in one transaction.

        `in_order`: these are the next slots of all SLAs, so those of a clock that ran ahead are measured
        again up to here.
        """
        rows = list(measurements)
        if not rows:
            return
        with self._engine.transaction():
            definitions = {row.key: self._definitions.get(row.key) for row in rows}
            components = self._definitions.component_ids(row.component for row in rows)
            pairs = [(definitions[row.key].id, components[row.component]) for row in rows]
            ends = dict(self._known_ends())
            self._engine.executemany(
                _UPSERT, [_values(pair, row, now) for pair, row in zip(pairs, rows, strict=True)]
            )
            newest_rows = []
            for pair, row in zip(pairs, rows, strict=True):
                known = ends.get(pair)
                if known is None or known.last is None or row.slot >= known.last:
                    # An older slot cannot change what holds now.
                    newest_rows.append((pair, row, definitions[row.key]))
                    last = row.slot
                else:
                    last = known.last
                ends[pair] = _Ends(
                    first=min(row.slot, known.first if known else row.slot),
                    last=last,
                    any=max(row.slot, known.any if known else row.slot),
                )
            self._breaches.follow(newest_rows, now)
            hidden = self._trust.hidden() != (0, 0)
            self._trust.stored(now)
            if in_order:
                self._trust.advance(max(row.slot for row in rows))
            self._ends = None if hidden else ends

    # --- reading

    def newest_slot(self, now: float) -> int | None:
        """The newest slot of any enabled SLA that has begun at `now`; None in an empty ledger."""
        enabled = {each.id for each in self._definitions.enabled()}
        last = self._last_slots(self._grid.slot_of(now))
        return max((slot for sla_id, slot in last.items() if sla_id in enabled), default=None)

    def oldest_slot(self) -> int | None:
        """The oldest slot of any enabled SLA; None in an empty ledger."""
        enabled = {each.id for each in self._definitions.enabled()}
        first = [each.first for (sla_id, _), each in self._known_ends().items() if sla_id in enabled]
        return min(first, default=None)

    def newest(self, key: str, limit: int) -> list[Measurement]:
        """The newest rows of an SLA's key, newest first, at most `limit`; empty for an unknown key."""
        known = self._definitions.all().get(key)
        if known is None:
            return []
        names = {number: name for name, number in self._definitions.components().items()}
        rows = self._engine.rows(
            "SELECT * FROM sla_measurements WHERE sla_id = ? AND NOT (slot > ? AND slot <= ?)"
            " ORDER BY slot DESC, component_id LIMIT ?",
            (known.id, *self._trust.hidden(), limit),
        )
        return [
            Measurement(
                key=key,
                component=names[row["component_id"]],
                slot=row["slot"],
                good=row["good_events"],
                total=row["total_events"],
                coverage=row["coverage"],
                actual=row["actual_value"],
                target=row["target_value"],
                state=State(row["state"]),
                status=Status(row["status"]),
                late=bool(row["late"]),
            )
            for row in rows
        ]

    # --- the ends of the series

    def _known_ends(self) -> dict[_Pair, _Ends]:
        with self._engine.exclusive():
            if self._ends is None or not self._engine.writable:
                self._ends = self._read_ends(self._trust.bound())
            return self._ends

    def _read_ends(self, bound: int) -> dict[_Pair, _Ends]:
        rows = self._engine.rows(_ENDS, (bound,))
        self._trust.stored(max((row["stored_at"] or 0 for row in rows), default=0))
        return {
            (row["sla_id"], row["component_id"]): _Ends(row["first_slot"], row["last_slot"], row["any_slot"])
            for row in rows
        }

    def _forget(self) -> None:
        self._ends = None


def _values(pair: _Pair, row: Measurement, now: int) -> Sequence[object]:
    return (
        *pair,
        row.slot,
        row.good,
        row.total,
        row.coverage,
        row.actual,
        row.target,
        None if row.compliant is None else int(row.compliant),
        int(row.state),
        int(row.status),
        int(row.late),
        now,
    )
