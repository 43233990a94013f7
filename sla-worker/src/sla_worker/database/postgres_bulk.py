"""A schema of PostgreSQL, read and filled table by table, by COPY."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.database import partitions
from sla_worker.database.postgres import PostgreSQL

_TABLES = """
SELECT c.relname AS name, array_agg(a.attname ORDER BY a.attnum) AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
GROUP BY c.relname
"""
_PARTITIONED = "SELECT relkind = 'p' AS parts FROM pg_class WHERE oid = ?::regclass"
_KEYS = """
SELECT conrelid::regclass::text AS name, quote_ident(conname) AS key, pg_get_constraintdef(oid) AS text
FROM pg_constraint
WHERE connamespace = current_schema()::regnamespace AND contype = 'f' AND conparentid = 0
ORDER BY conrelid, conname
"""


_UTC = ZoneInfo("UTC")
_KEPT_DAYS = 35


def _while_placed(
    parts: partitions.Partitions, at: int, waiting: list[tuple[Any, ...]], left: Iterator[tuple[Any, ...]]
) -> Iterator[tuple[Any, ...]]:
    """The row that waited and those after it, up to one whose slot has no partition: that one waits then."""
    yield waiting.pop()
    for each in left:
        if not parts.has(each[at]):
            waiting.append(each)
            return
        yield each


class PostgreSQLBulk(PostgreSQL):
    """`Bulk` for PostgreSQL."""

    def tables(self) -> Mapping[str, Sequence[str]]:
        """The tables that are there, by name, with their columns."""
        return {each["name"]: each["columns"] for each in self.rows(_TABLES, ())}

    def stream(self, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """All rows of a table."""
        names = ", ".join(columns)
        with self._clear("read") as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT {names} FROM {table} LIMIT 0".encode())  # noqa: S608
            types = [column.type_code for column in cursor.description or ()]
            with cursor.copy(f"COPY (SELECT {names} FROM {table}) TO STDOUT".encode()) as copy:  # noqa: S608
                copy.set_types(types)
                yield from copy.rows()

    def load(self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows to a table."""
        if (
            table != partitions.TABLE or not self.rows(_PARTITIONED, (table,))[0]["parts"]
        ):  # of an older schema
            self._copy_in(table, columns, rows)
            return
        # Rows come series by series, so the partitions are all there after the first one.
        parts, at = partitions.Partitions(self, _UTC, _KEPT_DAYS), columns.index("slot")
        left = iter(rows)
        waiting = list(itertools.islice(left, 1))
        while waiting:
            parts.cover([waiting[0][at]])
            self._copy_in(table, columns, _while_placed(parts, at, waiting, left))

    def _copy_in(self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()
        with (
            self._clear("written") as connection,
            connection.cursor() as cursor,
            cursor.copy(sql) as copy,
        ):
            for row in rows:
                copy.write_row(row)

    @contextmanager
    def filling(self, make: Callable[[], None]) -> Iterator[None]:
        """A transaction that makes tables. References are taken away, and made again at its end."""
        self.begin(patient=True)
        try:
            self.execute("SET LOCAL statement_timeout = 0", ())
            make()
            keys = self.rows(_KEYS, ())
            for key in keys:
                self.execute(f"ALTER TABLE {key['name']} DROP CONSTRAINT {key['key']}", ())
            yield
            for key in keys:
                self.execute(f"ALTER TABLE {key['name']} ADD CONSTRAINT {key['key']} {key['text']}", ())
            self.commit()
        except BaseException:
            self.rollback()
            raise

    def stored(self, value: Any) -> Any:
        """Text without NUL, which has no place here."""
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
