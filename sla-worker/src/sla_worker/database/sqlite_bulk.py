"""A file of SQLite, read and filled table by table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sla_worker.database.sqlite import SQLite
from sla_worker.errors import DatabaseError

_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"


class SQLiteBulk(SQLite):
    """`Bulk` for SQLite."""

    def tables(self) -> Mapping[str, Sequence[str]]:
        """The tables that are there, by name, with their columns."""
        return {
            table["name"]: [
                column["name"]
                for column in self.rows("SELECT name FROM pragma_table_info(?)", (table["name"],))
            ]
            for table in self.rows(_TABLES, ())
        }

    def stream(self, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """All rows of a table."""
        with self._clear("read") as connection:
            yield from connection.execute(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608

    def load(self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows to a table."""
        marks = ", ".join("?" for _ in columns)
        self.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608

    @contextmanager
    def filling(self, make: Callable[[], None]) -> Iterator[None]:
        """A transaction that makes tables; references are checked at its end alone."""
        self.execute("PRAGMA foreign_keys = OFF", ())
        self.begin(patient=True)
        try:
            make()
            yield
            self._check_references()
            self.commit()
        except BaseException:
            self.rollback()
            raise
        self.execute("PRAGMA foreign_keys = ON", ())

    def _check_references(self) -> None:
        broken = self.rows('SELECT "table" AS name, parent FROM pragma_foreign_key_check LIMIT 1', ())
        if broken:
            raise DatabaseError(
                f"{self.place}: a row of {broken[0]['name']} belongs to none of {broken[0]['parent']};"
                " the ledger that was read is damaged: use a backup"
            )

    def stored(self, value: Any) -> Any:
        """The value as it is."""
        return value
