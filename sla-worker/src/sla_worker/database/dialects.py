"""Which kind of database a path or URL names; PostgreSQL's driver is imported only for a URL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sla_worker.conventions import URL_SCHEMES
from sla_worker.database.engine import Dialect
from sla_worker.database.sqlite import SQLite
from sla_worker.errors import DatabaseError

_T = TypeVar("_T")


def is_url(place: str | Path) -> bool:
    """Whether the place is a PostgreSQL; else it is the path of a file."""
    return isinstance(place, str) and place.startswith(URL_SCHEMES)


def dialect_of(place: str | Path, *, read_only: bool) -> Dialect:
    """The dialect for a place, not yet open."""
    if not is_url(place):
        return SQLite(Path(place), read_only=read_only)

    def postgresql() -> Dialect:
        from sla_worker.database.postgres import PostgreSQL  # noqa: PLC0415 - 9 MB, and an extra

        return PostgreSQL(str(place), read_only=read_only)

    return with_driver(postgresql)


def with_driver(make: Callable[[], _T]) -> _T:
    """What `make` returns, which imports the driver of PostgreSQL. Raises DatabaseError without one."""
    try:
        return make()
    except ImportError as error:
        raise DatabaseError(
            "SLA_DATABASE_URL: PostgreSQL needs the package psycopg, which cannot be imported"
            f" ({' '.join(str(error).split())}); pip install 'psycopg[binary]'"
        ) from error
