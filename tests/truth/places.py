"""Reading a ledger from outside, by SQL of the tests' own: a file of SQLite, or a schema of PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

Place = Path | str
"""The path of a file, or a postgresql:// URL."""


def read(place: Place, statements: Iterable[str]) -> list[list[tuple[Any, ...]]]:
    """The rows of each statement."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as file:
            return [file.execute(sql).fetchall() for sql in statements]
    import psycopg  # noqa: PLC0415 - who has a URL has the driver

    with psycopg.connect(place) as connection:
        return [connection.execute(sql.encode()).fetchall() for sql in statements]
