"""Where PostgreSQL keeps slots: partitions of some days, made before they are needed, dropped as a whole.

A partition (begin, end] holds the slots that end in these days, so its borders are midnights of the timezone
in which it was made. The one of a ledger that had none has no beginning. SQLite has no partitions.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from sla_worker.database.engine import Engine, Row, Values
from sla_worker.database.periods import midnight_of

TABLE = "sla_measurements"
_AHEAD_SECONDS = 86_400
_MOST_DAYS = 31  # of slots that are kept for good
_PARTS = 5  # what is kept lies in about as many partitions
_RANGES = f"""
SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '{TABLE}'::regclass
"""  # noqa: S608 - a constant
_BOUND = re.compile(r"FROM \((?:MINVALUE|'?(-?\d+)'?)\) TO \('?(-?\d+)'?\)")
_IN_USE = f"""
SELECT COUNT(*) AS sessions FROM pg_locks
WHERE relation = '{TABLE}'::regclass AND pid <> pg_backend_pid()
"""  # noqa: S608 - a constant


class Statements(Protocol):
    """What makes statements: an engine, or a dialect."""

    def execute(self, sql: str, values: Values) -> None:
        """One statement that returns nothing."""
        ...

    def rows(self, sql: str, values: Values) -> list[Row]:
        """All rows of a query."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """The slots in (begin, end]; -1: it has no beginning."""

    begin: int
    end: int
    name: str


class Partitions:
    """The partitions of the table sla_measurements, known in memory: one process makes them."""

    def __init__(self, statements: Statements, zone: ZoneInfo, kept_days: int) -> None:
        self._statements = statements
        self._zone = zone
        self._days = min(max(kept_days // _PARTS, 1), _MOST_DAYS) if kept_days else _MOST_DAYS
        self._known: list[Partition] | None = None

    def all(self) -> list[Partition]:
        """Those that are there, oldest first."""
        if self._known is None:
            found = []
            for row in self._statements.rows(_RANGES, ()):
                bound = _BOUND.search(row["bound"])
                if bound is not None:
                    begin = -1 if bound[1] is None else int(bound[1]) - 1
                    found.append(Partition(begin, int(bound[2]) - 1, row["name"]))
            self._known = sorted(found)
        return self._known

    def cover(self, slots: Iterable[int]) -> None:
        """Make the partitions of these slots, and of the day after them, inside the caller's transaction."""
        wanted = set(slots)
        for slot in sorted({*wanted, max(wanted) + _AHEAD_SECONDS}):
            if not self.has(slot):
                self._make(slot)

    def has(self, slot: int) -> bool:
        """Whether a slot has its place."""
        return any(each.begin < slot <= each.end for each in reversed(self.all()))

    def in_use(self) -> bool:
        """Whether another session reads the table (pg_dump, for long): to drop a part would wait for it."""
        return bool(self._statements.rows(_IN_USE, ())[0]["sessions"])

    def drop(self, until: int) -> None:
        """Drop those of which all slots end by `until`, inside the caller's transaction."""
        for each in [each for each in self.all() if each.end <= until]:
            self._statements.execute(f"DROP TABLE {each.name}", ())
        self._known = None

    def forget(self) -> None:
        """Read them again when they are asked for."""
        self._known = None

    def _make(self, slot: int) -> None:
        """First a table, which is then attached: that waits for nobody who reads."""
        day = dt.datetime.fromtimestamp(slot - 1, self._zone).date().toordinal()
        first = day - day % self._days
        begin, end = (
            midnight_of(dt.date.fromordinal(each), self._zone) for each in (first, first + self._days)
        )
        for each in self.all():  # of another width or timezone
            begin = each.end if begin < each.end < slot else begin
            end = each.begin if slot <= each.begin < end else end
        name = f"{TABLE}_{begin}"
        self._statements.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING ALL)", ())
        self._statements.execute(
            f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM ({begin + 1}) TO ({end + 1})", ()
        )
        self._known = None


def partitions_of(engine: Engine, zone: ZoneInfo, kept_days: int) -> Partitions | None:
    """The partitions of a ledger whose slots are kept for so many days; None: its database has none."""
    if not engine.partitioned:
        return None
    found = Partitions(engine, zone, kept_days)
    engine.on_reset(found.forget)
    return found
