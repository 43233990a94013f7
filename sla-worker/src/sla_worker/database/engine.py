"""The SQLite connection: one writer, migrations, transactions."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, TextIO

from sla_worker.errors import DatabaseError, DatabaseLockedError

_MIGRATIONS = files("sla_worker") / "migrations"


class Engine:
    """A connection that threads share; every statement and transaction holds one lock.

    With `read_only` the database must exist, and no lock file is taken.
    """

    def __init__(self, path: Path, *, read_only: bool, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._mutex = threading.RLock()
        self._lock_file: TextIO | None = None
        if read_only and not path.is_file():
            raise DatabaseError(f"{path}: there is no database yet; run sla_database to make it")
        if not read_only:
            self._lock_file = _take_lock(path)
        try:
            mode = "ro" if read_only else "rwc"
            self._connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode={mode}",
                uri=True,
                timeout=10,
                isolation_level=None,  # transactions are begun and ended here, never implicitly
                check_same_thread=False,  # the mutex above serialises the threads
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA foreign_keys = ON")
            if not read_only:
                # WAL with synchronous NORMAL: killing the process loses nothing. A power cut may lose the
                # last commits but never consistency; the slots are then read back from Prometheus.
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = NORMAL")
                self._migrate(int(clock()))
        except DatabaseError:
            self.close()
            raise
        except sqlite3.Error as error:
            self.close()
            raise DatabaseError(
                f"{path}: cannot be opened ({error}); check the file and its directory"
            ) from error

    def close(self) -> None:
        """Close the connection and give the lock back; twice does no harm."""
        with self._mutex:
            if hasattr(self, "_connection"):
                self._connection.close()
            if self._lock_file is not None:
                self._lock_file.close()
                self._lock_file = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Raises DatabaseError when SQLite refuses."""
        with self._mutex:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield
                except BaseException:
                    self._connection.execute("ROLLBACK")
                    raise
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise DatabaseError(
                    f"{self.path}: cannot be written ({error}); check space and rights"
                ) from error

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """One statement that returns nothing."""
        with self._mutex:
            self._connection.execute(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query. Raises DatabaseError."""
        with self._mutex:
            try:
                return self._connection.execute(sql, parameters).fetchall()
            except sqlite3.Error as error:
                raise DatabaseError(
                    f"{self.path}: cannot be read ({error}); run sla_database once"
                ) from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Row:
        """The one row of a query that always has one."""
        return self.rows(sql, parameters)[0]

    def next_id(self, table: str) -> int:
        """The next integer key. One writer makes this safe; `table` is a constant of this package."""
        return int(self.row(f"SELECT COALESCE(MAX(id), 0) + 1 FROM {table}")[0])  # noqa: S608

    def _migrate(self, now: int) -> None:
        """Apply the migrations that are not recorded yet, each in one transaction with its record."""
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)"
        )
        done = {row[0] for row in self.rows("SELECT version FROM schema_migrations")}
        scripts = sorted(
            (each for each in _MIGRATIONS.iterdir() if each.name.endswith(".sql")), key=lambda each: each.name
        )
        newest = max(int(each.name[:4]) for each in scripts)
        if done and max(done) > newest:
            raise DatabaseError(
                f"{self.path}: made by a newer version (schema {max(done)}, this one knows {newest}); update"
            )
        for script in scripts:
            version = int(script.name[:4])
            if version in done:
                continue
            with self.transaction():
                for statement in _statements(script.read_text(encoding="utf-8")):
                    self._connection.execute(statement)
                self._connection.execute(
                    "INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, ?)",
                    (version, script.name, now),
                )


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; `executescript` would commit between them."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _take_lock(path: Path) -> TextIO:
    """An advisory lock beside the database; the kernel gives it back when the process dies."""
    lock_path = Path(f"{path}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = lock_path.open("a+", encoding="utf-8")
    except OSError as error:
        raise DatabaseError(f"{lock_path}: cannot be opened ({error}); check SLA_DATABASE_PATH") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise DatabaseLockedError(
            f"{path}: process {holder} already writes to it; stop that one (perhaps the service) first"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
