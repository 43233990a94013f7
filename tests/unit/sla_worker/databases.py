"""The places where tests keep a ledger: a file of SQLite, or a schema of PostgreSQL, and a second way in."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Protocol

from postgresql import Server


class Place(Protocol):
    """Where a ledger is. `location` is what SLADatabase is given."""

    @property
    def location(self) -> str | Path: ...

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """What somebody else sees there, or does."""
        ...

    def refuse_writing(self, table: str) -> None:
        """From now on the table's rows cannot be changed, as on a disk that is full."""
        ...

    def accept_writing(self, table: str) -> None:
        """They can again."""
        ...


class SQLitePlace:
    """A file."""

    def __init__(self, path: Path) -> None:
        self.location = path

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.location)
        try:
            with connection:
                return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def refuse_writing(self, table: str) -> None:
        self.query(f"CREATE TRIGGER refuse BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END")

    def accept_writing(self, table: str) -> None:  # noqa: ARG002 - a trigger is named, not its table
        self.query("DROP TRIGGER refuse")


class PostgreSQLPlace:
    """A schema of its own in the server of the tests."""

    def __init__(self, server: Server, schema: str) -> None:
        self.server = server
        self.schema = schema
        self.location = server.url(schema)
        server.query(f"CREATE SCHEMA {schema}")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.server.query(sql, self.schema)

    def refuse_writing(self, table: str) -> None:
        self.query(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full'; END $$;"
            f"CREATE TRIGGER refuse BEFORE UPDATE ON {table} EXECUTE FUNCTION refuse()"
        )

    def accept_writing(self, table: str) -> None:
        self.query(f"DROP TRIGGER refuse ON {table}; DROP FUNCTION refuse()")

    def drop(self) -> None:
        """Remove the schema."""
        self.server.query(f"DROP SCHEMA {self.schema} CASCADE")
