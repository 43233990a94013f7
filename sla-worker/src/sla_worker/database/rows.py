"""Writing rows of the ledger: new ones, those that replace others, and those that change nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sla_worker.database.engine import Engine, Row
from sla_worker.model import Measurement, Reason

Pair = tuple[int, int]  # the integer keys of SLA and component

_WHOLE, _REAL = "bigint", "double precision"
_TYPES = (*(_WHOLE,) * 3, *(_REAL,) * 5, *(_WHOLE,) * 6)
# In PostgreSQL one statement for many rows, whose types it is told: see postgres.py.
_UPSERT = f"""
INSERT INTO sla_measurements (sla_id, component_id, slot, good_events, total_events, coverage, actual_value,
                              target_value, compliant, state, status, late, final, stored_at)
VALUES /*AT ONCE {", ".join(_TYPES)}*/ ({", ".join("?" for _ in _TYPES)})
ON CONFLICT (sla_id, component_id, slot) DO UPDATE SET
    good_events = excluded.good_events, total_events = excluded.total_events, coverage = excluded.coverage,
    actual_value = excluded.actual_value, target_value = excluded.target_value,
    compliant = excluded.compliant, state = excluded.state, status = excluded.status, late = excluded.late,
    final = excluded.final, stored_at = excluded.stored_at
"""  # noqa: S608 - constants

_SAYS = ("good_events", "total_events", "coverage", "actual_value", "target_value", "state", "status")
_AUDITED = ("sla_id", "component_id", "slot", *_SAYS, "late", "final", "stored_at")
_AUDIT = f"""
INSERT INTO sla_measurement_audit ({", ".join(_AUDITED)}, replaced_at, reason)
VALUES ({", ".join("?" for _ in _AUDITED)}, ?, ?)
"""  # noqa: S608 - names of columns

_EXISTING = """
SELECT * FROM sla_measurements WHERE sla_id = ? AND component_id = ? AND slot >= ? AND slot <= ?
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the rows of one call. `changed` are those that say something that was not there."""

    changed: Sequence[tuple[Pair, Measurement]]
    replaced: int
    removed: Sequence[tuple[Pair, int]]


class RowWriter:
    """Writes into the tables sla_measurements and sla_measurement_audit, inside the caller's transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def write(
        self,
        rows: Sequence[tuple[Pair, Measurement]],
        *,
        newest: Mapping[Pair, int],
        placeholders: Mapping[int, Pair],
        reason: Reason,
        now: int,
    ) -> Written:
        """Store rows; `newest` is the last slot that each pair has, beyond which nothing can be replaced.

        `placeholders` are the pairs under which slots without data stand, by SLA: once data of other
        components are there, the slot has some, and its placeholder goes.
        """
        existing = self._existing(
            (pair, row.slot) for pair, row in rows if row.slot <= newest.get(pair, row.slot - 1)
        )
        kept, audited = [], []
        upserts: dict[tuple[Pair, int], Sequence[object]] = {}  # of a slot that comes twice the last row
        for pair, row in rows:
            before = existing.get((pair, row.slot))
            if before is None:
                kept.append((pair, row))
                upserts[pair, row.slot] = _values(pair, row, now)
            elif _same(before, row):
                if reason is Reason.FIRST or (row.final and not before["final"]):
                    upserts[pair, row.slot] = _values(pair, row, now, late=before["late"])
            elif _accepts(before, row, reason):
                kept.append((pair, row))
                upserts[pair, row.slot] = _values(pair, row, now, late=before["late"])
                audited.append(before)
        replaced = len(audited)
        gone = self._placeholders(rows, newest, placeholders)
        self._engine.executemany(
            _AUDIT,
            [(*(each[name] for name in _AUDITED), now, str(reason)) for each in (*audited, *gone)],
        )
        self._engine.executemany(_UPSERT, upserts.values())
        removed = [((each["sla_id"], each["component_id"]), each["slot"]) for each in gone]
        self._engine.executemany(
            "DELETE FROM sla_measurements WHERE sla_id = ? AND component_id = ? AND slot = ?",
            [(*pair, slot) for pair, slot in removed],
        )
        return Written(kept, replaced, removed)

    def _existing(self, wanted: Iterable[tuple[Pair, int]]) -> dict[tuple[Pair, int], Row]:
        """The rows of these slots that are there; a statement a pair, over the span of its slots."""
        slots: dict[Pair, list[int]] = {}
        for pair, slot in wanted:
            slots.setdefault(pair, []).append(slot)
        return {
            (pair, row["slot"]): row
            for pair, each in slots.items()
            for row in self._engine.rows(_EXISTING, (*pair, min(each), max(each)))
        }

    def _placeholders(
        self,
        rows: Sequence[tuple[Pair, Measurement]],
        newest: Mapping[Pair, int],
        placeholders: Mapping[int, Pair],
    ) -> list[Row]:
        named = {(pair, row.slot) for pair, row in rows}
        wanted = {
            (placeholders[pair[0]], row.slot)
            for pair, row in rows
            if row.coverage > 0
            and pair != placeholders[pair[0]]
            and row.slot <= newest.get(placeholders[pair[0]], row.slot - 1)
        } - named
        found = self._existing(wanted) if wanted else {}
        return [row for place, row in found.items() if place in wanted and not row["coverage"]]


def _same(before: Row, row: Measurement) -> bool:
    return tuple(before[name] for name in _SAYS) == (
        row.good,
        row.total,
        row.coverage,
        row.actual,
        row.target,
        row.state,
        row.status,
    )


def _accepts(before: Row, row: Measurement, reason: Reason) -> bool:
    """Whether a row may replace another one: what was measured once was measured.

    An answer without data replaces none that has some, and one that is read again must not know less.
    """
    if reason is Reason.REREAD:
        return row.coverage >= float(before["coverage"])
    return row.coverage > 0 or not before["coverage"]


def _values(pair: Pair, row: Measurement, now: int, *, late: int | None = None) -> Sequence[object]:
    """The values of a row; one that is read again is as late as it was the first time."""
    compliant = row.compliant
    return (
        *pair,
        row.slot,
        row.good,
        row.total,
        row.coverage,
        row.actual,
        row.target,
        None if compliant is None else int(compliant),
        int(row.state),
        int(row.status),
        int(row.late) if late is None else late,
        int(row.final),
        now,
    )
