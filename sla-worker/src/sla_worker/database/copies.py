"""Backups of a ledger in a file: made while the worker writes, checked before anybody relies on them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sla_worker.conventions import URL_SCHEMES
from sla_worker.database.engine import refuse_newer
from sla_worker.database.place import aside, formers, identity, log_of, move_logs, take_lock
from sla_worker.database.sqlite import SQLite
from sla_worker.errors import DatabaseDamagedError, DatabaseError, DatabaseLockedError

_T = TypeVar("_T")
_TAKE_OVER_SECONDS = 10  # within which a worker that runs notices another file
_COUNTED = {
    "definitions": "sla_definitions",
    "slots": "sla_measurements",
    "hours": "sla_hours",
    "days": "sla_daily_summaries",
    "breaches": "sla_breaches",
    "mails": "sla_notifications",
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a ledger holds: the version of its schema, how many rows of what, its oldest and newest slot."""

    schema: int
    rows: Mapping[str, int]
    oldest: int | None
    newest: int | None


def backup(place: str | Path, target: Path, *, force: bool) -> Contents:
    """Copy the ledger to a file of its own and check the copy. Raises DatabaseError; then there is no file.

    The worker may go on writing. What is in PostgreSQL is for its own tools.
    """
    source = _file(place, "pg_dump --format=custom --file=FILE URL")
    if target.exists() and not force:
        raise DatabaseError(f"{target}: is there already; give another name, or --force")
    partial = Path(f"{target}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        before = _copy_of(source, partial, _contents)
        after = contents(partial)
        if before != after:
            raise DatabaseError(f"{target}: the copy does not hold what the ledger holds; try again")
        partial.replace(target)
    except OSError as error:
        raise DatabaseError(f"{target}: cannot be written ({error}); give another file") from error
    finally:
        partial.unlink(missing_ok=True)
    return after


def restore(place: str | Path, source: Path, *, force: bool) -> tuple[Contents, Path | None]:
    """Put a backup in the place of the ledger. Returns what it holds, and where the former ledger is kept.

    A worker that runs notices within a second and goes on with it. Raises DatabaseError; then nothing has
    changed.
    """
    target = _file(place, "pg_restore and psql, see docs/operations.md")
    found = contents(source)
    if target.exists() and not force:
        raise DatabaseError(f"{target}: is a ledger already; add --force, and it is kept beside the new one")
    incoming = Path(f"{target}.restored")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy_of(source, incoming, _contents)
        kept = _move_in(incoming, target)
    except OSError as error:
        raise DatabaseError(f"{target}: cannot be written ({error}); check the directory") from error
    finally:
        incoming.unlink(missing_ok=True)
    return found, kept


def contents(path: Path) -> Contents:
    """What a file holds. Raises DatabaseError for one that is no ledger, or is damaged, or too new."""
    if not path.is_file():
        raise DatabaseError(f"{path}: there is no such file; give one that sla_backup has made")
    database = SQLite(path, read_only=True)
    try:
        database.open()
        return _contents(database)
    finally:
        database.close()


def _copy_of(source: Path, target: Path, look: Callable[[SQLite], _T]) -> _T:
    """Copy a database to one file, without a log beside it; `look` sees the very state that is copied.

    Others may go on writing. Returns what `look` returned.
    """
    database = SQLite(source, read_only=True)
    try:
        database.open()
        database.execute("BEGIN", ())
        seen = look(database)
        target.unlink(missing_ok=True)
        database.copy_to(target)
        return seen
    finally:
        database.close()


def _move_in(incoming: Path, target: Path) -> Path | None:
    """Put a database in the place of another one. Returns where the former one is kept; None: there was none.

    A worker that has it open changes over by itself and keeps what it had; else it is moved aside, with
    its log.
    """
    try:
        lock = take_lock(target, str(target))
    except DatabaseLockedError:
        damaged = None
        if not _can_be_read(target):  # the worker cannot copy it: keep it as it is
            damaged = aside(target, "damaged")
            os.link(target, damaged)
        kept, log = formers(target), identity(log_of(target))
        incoming.replace(target)
        for _ in range(_TAKE_OVER_SECONDS * 10):
            time.sleep(0.1)
            found = formers(target) - kept
            if found:
                return max(found)
            if damaged and identity(log_of(target)) not in {None, log}:
                return damaged
        raise DatabaseError(
            f"{target}: is restored, but the worker that runs has not changed over to it within"
            f" {_TAKE_OVER_SECONDS} s; look at its log, or start it again"
        ) from None
    with lock:
        there, former = target.exists(), aside(target, "former")
        move_logs(target, former)
        if there:
            target.replace(former)
        incoming.replace(target)
    return former if there else None


def _can_be_read(path: Path) -> bool:
    """Whether what a file holds can be copied; False: it is damaged."""
    database = SQLite(path, read_only=True)
    try:
        database.open()
        return bool(database.rows("SELECT name FROM sqlite_master LIMIT 1", ()))  # nothing: cut to no bytes
    except DatabaseDamagedError:
        return False
    except DatabaseError:
        return True
    finally:
        database.close()


def _contents(database: SQLite) -> Contents:
    said = [str(next(iter(row.values()))) for row in database.rows("PRAGMA integrity_check", ())]
    if said != ["ok"]:
        raise DatabaseError(f"{database.place}: is damaged ({said[0]}); use another backup")
    tables = {row["name"] for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'", ())}
    if not tables.issuperset({"ledger", "schema_migrations"}):
        raise DatabaseError(f"{database.place}: is no ledger; give a file that sla_backup has made")
    schema = int(database.rows("SELECT MAX(version) AS version FROM schema_migrations", ())[0]["version"])
    refuse_newer(database.place, schema)
    ends = database.rows("SELECT MIN(slot) AS oldest, MAX(slot) AS newest FROM sla_measurements", ())[0]
    rows = {
        name: int(database.rows(f"SELECT COUNT(*) AS rows FROM {table}", ())[0]["rows"])  # noqa: S608
        for name, table in _COUNTED.items()
        if table in tables
    }
    return Contents(schema, rows, ends["oldest"], ends["newest"])


def _file(place: str | Path, instead: str) -> Path:
    if isinstance(place, str) and place.startswith(URL_SCHEMES):
        raise DatabaseError(f"the ledger is in PostgreSQL, which has its own tools: {instead}")
    path = Path(place)
    return path.with_name(path.name)
