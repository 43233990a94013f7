"""`SLADatabase`: the ledger of SLAs. Only its public methods open transactions."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sla_worker.database.alerts import AlertStore
from sla_worker.database.engine import Engine
from sla_worker.database.ledger import Ledger
from sla_worker.database.outbox import Outbox
from sla_worker.database.silences import SilenceStore
from sla_worker.errors import DatabaseError
from sla_worker.evaluation import allowance_used, meets, status_of
from sla_worker.grid import Grid
from sla_worker.model import (
    SEVERITIES,
    UNDIVIDED,
    Breach,
    Comparison,
    Definition,
    Measurement,
    SLAStatus,
    State,
    Status,
    Totals,
    objective_ratio,
)

DAY_SECONDS = 86_400
_DEFAULT_GRID = Grid(slot_seconds=300, scrape_seconds=15)

_BREACHES = """
SELECT b.id, d.name, d.key, c.name AS component, d.description, b.severity, d.unit, d.comparison,
       b.target_value, b.worst_value, b.started_at, b.ended_at
FROM sla_breaches b JOIN sla_definitions d ON d.id = b.sla_id JOIN sla_components c ON c.id = b.component_id
"""


class SLADatabase:
    """The database of one worker.

    `path` may be text or Path; it is made with its directory. The slots of `grid` are fixed when the
    database is made (None: slots as it has them, 300 s at first); who only reads takes them as they are.
    `read_only` takes no lock, so it works beside the running service. Raises DatabaseLockedError when
    another process writes to it, DatabaseError when it cannot be used.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        grid: Grid | None = None,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._engine = Engine(Path(path), read_only=read_only, clock=clock)
        try:
            self.grid = self._fixed_grid(grid, read_only=read_only)
        except BaseException:
            self._engine.close()
            raise
        self.outbox = Outbox(self._engine)
        self.alerts = AlertStore(self._engine)
        self.silences = SilenceStore(self._engine, self.outbox)
        self._ledger = Ledger(self._engine, self.outbox, self.grid.slot_seconds)

    @property
    def slot_seconds(self) -> int:
        """The length of a slot of this database."""
        return self.grid.slot_seconds

    def _fixed_grid(self, wanted: Grid | None, *, read_only: bool) -> Grid:
        """Slots of two lengths in one ledger would not add up, so the first one stays."""
        rows = self._engine.rows("SELECT slot_seconds FROM ledger")
        if rows:
            has = int(rows[0][0])
            if wanted is not None and wanted.slot_seconds != has and not read_only:
                raise DatabaseError(
                    f"{self._engine.path}: its slots are {has} s long, not {wanted.slot_seconds} s;"
                    " set SLA_INTERVAL_SECONDS to that or SLA_DATABASE_PATH to another file"
                )
            return Grid(has, (wanted or _DEFAULT_GRID).scrape_seconds)
        grid = wanted or _DEFAULT_GRID
        if not read_only:
            with self._engine.transaction():
                self._engine.execute(
                    "INSERT INTO ledger (id, slot_seconds, checked_at) VALUES (1, ?, 0)", (grid.slot_seconds,)
                )
        return grid

    def close(self) -> None:
        """Close the database and give its lock back."""
        self._engine.close()

    def check_writable(self) -> None:
        """Write something. Raises DatabaseError when that fails."""
        with self._engine.transaction():
            self._engine.execute("UPDATE ledger SET checked_at = ?", (int(self._clock()),))

    # --- definitions

    def add_sla_definition(  # noqa: PLR0917 - users call it with positions
        self,
        name: str,
        category: str,
        metric_name: str,
        target_value: float,
        unit: str,
        severity: str,
        *,
        comparison: str | None = None,
        description: str = "",
    ) -> int:
        """Add or change an SLA by its name and return its id.

        Without `comparison`, seconds and small shares (an error rate) must be low, all else high.
        Raises DatabaseError for an unknown severity or comparison.
        """
        if severity not in SEVERITIES:
            raise DatabaseError(f"severity {severity!r}: give one of {', '.join(SEVERITIES)}")
        low = unit in {"seconds", "s", "ms"} or (unit == "ratio" and target_value < 0.5)  # noqa: PLR2004
        side = comparison or (Comparison.AT_MOST if low else Comparison.AT_LEAST)
        if side not in tuple(Comparison):
            raise DatabaseError(f"comparison {side!r}: give >= or <=")
        key = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        values = (key, name, category, description, metric_name, UNDIVIDED, str(side), target_value, unit)
        with self._engine.transaction():
            self._upsert_definition((*values, severity, None, 0))
            return int(self._engine.row("SELECT id FROM sla_definitions WHERE key = ?", (key,))[0])

    def sync_definitions(self, definitions: Iterable[Definition]) -> None:
        """Make the table agree with the file: add, change, and disable what the file no longer has."""
        with self._engine.transaction():
            self._engine.execute("UPDATE sla_definitions SET enabled = 0 WHERE from_file = 1")
            for each in definitions:
                self._upsert_definition(
                    (
                        each.key,
                        each.name,
                        each.category,
                        each.description,
                        each.sli.metric_name,
                        each.component,
                        str(each.comparison),
                        each.target,
                        each.unit,
                        each.severity,
                        each.percentile,
                        1,
                    )
                )
                self._ledger.component_id(each.component)

    def _upsert_definition(self, values: tuple[Any, ...]) -> None:
        try:
            self._engine.execute(
                "INSERT INTO sla_definitions (id, key, name, category, description, metric_name, component,"
                " comparison, target_value, unit, severity, percentile, from_file, enabled, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)"
                " ON CONFLICT (key) DO UPDATE SET name = excluded.name, category = excluded.category,"
                " description = excluded.description, metric_name = excluded.metric_name,"
                " component = excluded.component, comparison = excluded.comparison,"
                " target_value = excluded.target_value, unit = excluded.unit, severity = excluded.severity,"
                " percentile = excluded.percentile, from_file = excluded.from_file, enabled = 1",
                (self._engine.next_id("sla_definitions"), *values, int(self._clock())),
            )
        except sqlite3.IntegrityError as error:
            raise DatabaseError(
                f"SLA {values[0]}: the database has another SLA named {values[1]!r};"
                " keep its key or rename it"
            ) from error

    # --- measurements

    def missing_slots(self, key: str, component: str, newest: int, oldest: int, step: int) -> list[int]:
        """The slots that are due for one SLA, ascending."""
        return self._ledger.missing_slots(key, component, newest, oldest, step)

    def store(self, measurements: Iterable[Measurement]) -> None:
        """All rows, their breaches and the mails owed for them, in one transaction."""
        self._ledger.store(measurements, int(self._clock()))

    def record_measurement(
        self, sla_id: int, actual_value: float, target_value: float, *, at: float | None = None
    ) -> Measurement:
        """Store one value for the slot that `at` (default: now) lies in, counted as one event.

        Raises DatabaseError for an unknown id.
        """
        found = self._engine.rows(
            "SELECT key, component, comparison, unit FROM sla_definitions WHERE id = ?", (sla_id,)
        )
        if not found:
            raise DatabaseError(f"there is no SLA with the id {sla_id}; add_sla_definition returns it")
        comparison = Comparison(found[0]["comparison"])
        met = meets(comparison, target_value, actual_value)
        now = self._clock() if at is None else at
        measurement = Measurement(
            key=found[0]["key"],
            component=found[0]["component"],
            slot=self.grid.slot_of(now),
            good=float(met),
            total=1.0,
            coverage=1.0,
            actual=actual_value,
            target=target_value,
            state=State.MET if met else State.BREACHED,
            status=status_of(allowance_used(comparison, target_value, actual_value, found[0]["unit"])),
        )
        self.store([measurement])
        return measurement

    # --- reading

    def counts(self) -> dict[str, int]:
        """How many definitions, measurements and active breaches there are."""
        queries = {
            "definitions": "SELECT COUNT(*) FROM sla_definitions WHERE enabled = 1",
            "measurements": "SELECT COUNT(*) FROM sla_measurements",
            "active breaches": "SELECT COUNT(*) FROM sla_breaches WHERE ended_at IS NULL",
        }
        return {name: int(self._engine.row(sql)[0]) for name, sql in queries.items()}

    def newest_slot(self) -> int | None:
        """The newest slot of any SLA; None in an empty ledger."""
        slots = [
            self._engine.row("SELECT MAX(slot) FROM sla_measurements WHERE sla_id = ?", (row["id"],))[0]
            for row in self._engine.rows("SELECT id FROM sla_definitions WHERE enabled = 1")
        ]
        return max((slot for slot in slots if slot is not None), default=None)

    def period_end(self, now: float) -> int:
        """Where a period that ends at `now` ends in this ledger; see `Grid.period_end`."""
        return self.grid.period_end(self.newest_slot(), now)

    def oldest_slot(self) -> int | None:
        """The oldest slot of any enabled SLA; None in an empty ledger."""
        slots = [
            self._engine.row("SELECT MIN(slot) FROM sla_measurements WHERE sla_id = ?", (row["id"],))[0]
            for row in self._engine.rows("SELECT id FROM sla_definitions WHERE enabled = 1")
        ]
        return min((slot for slot in slots if slot is not None), default=None)

    def newest_measurements(self, key: str, limit: int) -> list[Measurement]:
        """The newest rows of an SLA's key, newest first, at most `limit`; empty for an unknown key."""
        rows = self._engine.rows(
            "SELECT m.*, c.name AS component FROM sla_measurements m"
            " JOIN sla_components c ON c.id = m.component_id"
            " WHERE m.sla_id = (SELECT id FROM sla_definitions WHERE key = ?)"
            " ORDER BY m.slot DESC, m.component_id LIMIT ?",
            (key, limit),
        )
        return [
            Measurement(
                key=key,
                component=row["component"],
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

    def totals(self, sla_id: int, component_id: int, start: int, end: int) -> Totals:
        """Sums over the slots in (start, end]."""
        row = self._engine.row(
            "SELECT COALESCE(SUM(good_events), 0), COALESCE(SUM(total_events), 0),"
            " COALESCE(SUM(coverage), 0), COUNT(*) FROM sla_measurements"
            " WHERE sla_id = ? AND component_id = ? AND slot > ? AND slot <= ?",
            (sla_id, component_id, start, end),
        )
        return Totals(*row)

    def get_current_sla_status(self, hours: float = 24, *, end: int | None = None) -> list[SLAStatus]:
        """Every enabled SLA over the last `hours`, in the order of their definition.

        The period ends at `end`, else where `period_end` says.
        """
        if end is None:
            end = self.period_end(self._clock())
        start = end - int(hours * 3600)
        rows = self._engine.rows(
            "SELECT d.*, c.id AS component_id FROM sla_definitions d"
            " JOIN sla_components c ON c.name = d.component WHERE d.enabled = 1 ORDER BY d.id"
        )
        return [self._status(row, start, end) for row in rows]

    def _status(self, row: sqlite3.Row, start: int, end: int) -> SLAStatus:
        where = (row["id"], row["component_id"])
        totals = self.totals(*where, start, end)
        newest = self._engine.rows(
            "SELECT slot, actual_value, status FROM sla_measurements WHERE sla_id = ? AND component_id = ?"
            " AND slot <= ? ORDER BY slot DESC LIMIT 1",
            (*where, end),
        )
        first = self._engine.row(
            "SELECT MIN(slot) FROM sla_measurements WHERE sla_id = ? AND component_id = ?", where
        )[0]
        begun = start if first is None else max(start, first - self.slot_seconds)
        expected = (end - begun) / self.slot_seconds
        breached = self._engine.rows(
            "SELECT 1 FROM sla_breaches WHERE sla_id = ? AND component_id = ? AND ended_at IS NULL", where
        )
        comparison = Comparison(row["comparison"])
        return SLAStatus(
            key=row["key"],
            name=row["name"],
            component=row["component"],
            category=row["category"],
            severity=row["severity"],
            unit=row["unit"],
            comparison=comparison,
            target=row["target_value"],
            objective_ratio=objective_ratio(comparison, row["target_value"], row["percentile"]),
            percentile=row["percentile"],
            actual=newest[0]["actual_value"] if newest else None,
            status=Status(newest[0]["status"]) if newest else Status.NO_DATA,
            slot=newest[0]["slot"] if newest else None,
            good=totals.good,
            total=totals.total,
            compliance_ratio=totals.good / totals.total if totals.total > 0 else None,
            coverage_ratio=min(totals.covered_slots / expected, 1.0) if expected > 0 else 0.0,
            in_breach=bool(breached),
        )

    def get_active_breaches(self) -> list[Breach]:
        """The breaches that last, oldest first."""
        return self._breaches("WHERE b.ended_at IS NULL AND d.enabled = 1 ORDER BY b.started_at, b.id")

    def get_breach(self, breach_id: int) -> Breach | None:
        """One breach; None if there is none with that id."""
        found = self._breaches("WHERE b.id = ?", (breach_id,))
        return found[0] if found else None

    def breaches_between(self, start: int, end: int) -> list[Breach]:
        """The breaches that touch [start, end), oldest first."""
        return self._breaches(
            "WHERE b.started_at < ? AND (b.ended_at IS NULL OR b.ended_at > ?) ORDER BY b.started_at",
            (end, start),
        )

    def _breaches(self, where: str, parameters: tuple[Any, ...] = ()) -> list[Breach]:
        return [
            Breach(*{**dict(row), "comparison": Comparison(row["comparison"])}.values())
            for row in self._engine.rows(_BREACHES + where, parameters)
        ]

    def generate_daily_summary(self, day_start: int | None = None) -> list[dict[str, Any]]:
        """Sum up one day of 24 h (default: the last full day of UTC), store it, and return its rows.

        `average` is the mean of the slots' values for charts; compliance is `good` ÷ `total`.
        """
        if day_start is None:
            day_start = (int(self._clock()) // DAY_SECONDS - 1) * DAY_SECONDS
        with self._engine.transaction():
            day_end = day_start + DAY_SECONDS
            self._engine.execute(_SUMMARISE, (day_start, day_end, day_start, day_start, day_end))
        rows = self._engine.rows(
            "SELECT d.name, s.* FROM sla_daily_summaries s JOIN sla_definitions d ON d.id = s.sla_id"
            " WHERE s.day_start = ? ORDER BY s.sla_id, s.component_id",
            (day_start,),
        )
        return [dict(row) for row in rows]


_SUMMARISE = """
INSERT INTO sla_daily_summaries (day_start, sla_id, component_id, average_value, minimum_value, maximum_value,
                                 good_events, total_events, covered_slots, breaches)
SELECT ?, m.sla_id, m.component_id, AVG(m.actual_value), MIN(m.actual_value), MAX(m.actual_value),
       SUM(m.good_events), SUM(m.total_events), SUM(m.coverage),
       (SELECT COUNT(*) FROM sla_breaches b WHERE b.sla_id = m.sla_id AND b.component_id = m.component_id
        AND b.started_at < ? AND (b.ended_at IS NULL OR b.ended_at > ?))
FROM sla_measurements m
WHERE m.slot > ? AND m.slot <= ?
GROUP BY m.sla_id, m.component_id
ON CONFLICT (sla_id, component_id, day_start) DO UPDATE SET
    average_value = excluded.average_value, minimum_value = excluded.minimum_value,
    maximum_value = excluded.maximum_value, good_events = excluded.good_events,
    total_events = excluded.total_events, covered_slots = excluded.covered_slots, breaches = excluded.breaches
"""
