"""Measurements and the breaches that follow from them, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable

from sla_worker.database.engine import Engine
from sla_worker.database.outbox import Outbox
from sla_worker.errors import DatabaseError
from sla_worker.model import Comparison, Measurement, State

MAILED_AT_ONCE = ("critical", "high")

_UPSERT = """
INSERT INTO sla_measurements (sla_id, component_id, slot, good_events, total_events, coverage, actual_value,
                              target_value, compliant, state, status, late)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (sla_id, component_id, slot) DO UPDATE SET
    good_events = excluded.good_events, total_events = excluded.total_events, coverage = excluded.coverage,
    actual_value = excluded.actual_value, target_value = excluded.target_value,
    compliant = excluded.compliant, state = excluded.state, status = excluded.status, late = excluded.late
"""


class Ledger:
    """The tables sla_measurements, sla_components and sla_breaches. Slots are `slot_seconds` long."""

    def __init__(self, engine: Engine, outbox: Outbox, slot_seconds: int) -> None:
        self._engine = engine
        self._outbox = outbox
        self._slot_seconds = slot_seconds

    def missing_slots(self, key: str, component: str, newest: int, oldest: int, step: int) -> list[int]:
        """The slots up to newest that the SLA should have and has not, ascending, none before oldest.

        Slots are stored in order, so what is missing follows the last row. An SLA without rows starts with
        the slot that was newest when it was defined: a worker killed before its first row loses nothing.
        """
        definition = self._engine.rows("SELECT id, created_at FROM sla_definitions WHERE key = ?", (key,))
        if not definition:
            return []
        last = self._engine.row(
            "SELECT MAX(slot) FROM sla_measurements WHERE sla_id = ? AND component_id ="
            " (SELECT id FROM sla_components WHERE name = ?)",
            (definition[0]["id"], component),
        )[0]
        first = min(newest, definition[0]["created_at"] // step * step) if last is None else last + step
        return list(range(max(first, oldest), newest + 1, step))

    def store(self, measurements: Iterable[Measurement], now: int) -> None:
        """Upsert all rows, open, worsen and resolve breaches, and owe their mails: one transaction."""
        with self._engine.transaction():
            for each in measurements:
                self.store_one(each, now)

    def store_one(self, row: Measurement, now: int) -> None:
        """As `store` for one row, inside the caller's transaction."""
        found = self._engine.rows("SELECT id FROM sla_definitions WHERE key = ?", (row.key,))
        if not found:
            raise DatabaseError(f"the SLA {row.key} is not defined in the database; add it first")
        sla_id, component_id = int(found[0]["id"]), self.component_id(row.component)
        last = self._engine.row(
            "SELECT MAX(slot) FROM sla_measurements WHERE sla_id = ? AND component_id = ?",
            (sla_id, component_id),
        )[0]
        compliant = None if row.compliant is None else int(row.compliant)
        self._engine.execute(
            _UPSERT,
            (
                sla_id,
                component_id,
                row.slot,
                row.good,
                row.total,
                row.coverage,
                row.actual,
                row.target,
                compliant,
                int(row.state),
                int(row.status),
                int(row.late),
            ),
        )
        if last is None or row.slot >= last:  # an older slot cannot change what holds now
            self._follow(row, sla_id, component_id, now)

    def component_id(self, name: str) -> int:
        """The integer key of a component, made at its first use."""
        found = self._engine.rows("SELECT id FROM sla_components WHERE name = ?", (name,))
        if found:
            return int(found[0]["id"])
        number = self._engine.next_id("sla_components")
        self._engine.execute("INSERT INTO sla_components (id, name) VALUES (?, ?)", (number, name))
        return number

    def _follow(self, row: Measurement, sla_id: int, component_id: int, now: int) -> None:
        """What cannot be judged (no data, no traffic, partial) neither opens nor resolves a breach."""
        active = self._engine.rows(
            "SELECT id, worst_value FROM sla_breaches"
            " WHERE sla_id = ? AND component_id = ? AND ended_at IS NULL",
            (sla_id, component_id),
        )
        began = row.slot - self._slot_seconds
        if row.state is State.MET:
            for each in active:
                self._engine.execute("UPDATE sla_breaches SET ended_at = ? WHERE id = ?", (began, each["id"]))
        elif row.state is State.BREACHED and active:
            if self._worse(sla_id, row.actual, active[0]["worst_value"]):
                self._engine.execute(
                    "UPDATE sla_breaches SET worst_value = ? WHERE id = ?", (row.actual, active[0]["id"])
                )
        elif row.state is State.BREACHED:
            self._open(row, sla_id, component_id, began, now)

    def _worse(self, sla_id: int, actual: float | None, worst: float | None) -> bool:
        if actual is None or worst is None:
            return worst is None
        comparison = self._engine.row("SELECT comparison FROM sla_definitions WHERE id = ?", (sla_id,))[0]
        return actual < worst if comparison == Comparison.AT_LEAST else actual > worst

    def _open(self, row: Measurement, sla_id: int, component_id: int, began: int, now: int) -> None:
        severity = self._engine.row("SELECT severity FROM sla_definitions WHERE id = ?", (sla_id,))[0]
        same = self._engine.rows(
            "SELECT id FROM sla_breaches WHERE sla_id = ? AND component_id = ? AND started_at = ?",
            (sla_id, component_id, began),
        )
        if (
            same
        ):  # the slot was computed again and is a breach after all: it is the same breach, mailed before
            self._engine.execute("UPDATE sla_breaches SET ended_at = NULL WHERE id = ?", (same[0]["id"],))
            return
        breach_id = self._engine.next_id("sla_breaches")
        self._engine.execute(
            "INSERT INTO sla_breaches (id, sla_id, component_id, started_at, target_value, worst_value,"
            " severity) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (breach_id, sla_id, component_id, began, row.target, row.actual, severity),
        )
        if severity in MAILED_AT_ONCE:
            self._outbox.add("breach", f"breach:{breach_id}", now, breach_id=breach_id)
