"""SQLite behind the seam: one file in WAL mode, one writer by a lock file beside it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sla_worker.database import fixes
from sla_worker.database.engine import Row, Values
from sla_worker.database.place import (
    Identity,
    aside,
    discard,
    identity,
    lock_of,
    log_of,
    logs_of,
    size,
    take_lock,
)
from sla_worker.errors import DatabaseDamagedError, DatabaseError

_WAL_BYTES = 1024 * 1024  # what stays of the log beside the file once a large transaction is over
_WAL_PAGES = 256  # as much: then it is written into the file, every few passes


class SQLite:
    """The dialect of one file. With `read_only` the file must exist, and no lock is taken."""

    partitioned = False

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.place = str(path)
        self.writable = not read_only
        self.shared = False  # the kernel gives the lock of a file to nobody while this process lives
        self._path = path.resolve()
        self._lock_file: TextIO | None = None
        self._connection: sqlite3.Connection | None = None
        self._opened: dict[Path, Identity] = {}
        self._bytes = 0  # the file never becomes smaller by itself
        self._hopeless: int | None = None  # the bytes of a file that was cut short and cannot be saved

    def open(self) -> None:
        """Take the lock and open the file, which is made if there is none."""
        if not self.writable and not self._path.is_file():
            raise DatabaseError(f"{self.place}: there is no database yet; run sla_database to make it")
        if self.writable:
            self._lock_file = take_lock(self._path, self.place)
        self._connection = self._connect()
        self._remember()

    def close(self) -> None:
        """Close the file and give the lock back; twice does no harm."""
        self._opened = {}
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def execute(self, sql: str, values: Values) -> None:
        """One statement that returns nothing."""
        with self._clear("written") as connection:
            connection.execute(sql, values)

    def executemany(self, sql: str, rows: Iterable[Values]) -> None:
        """One statement for each of the rows."""
        with self._clear("written") as connection:
            connection.executemany(sql, rows)

    def rows(self, sql: str, values: Values) -> list[Row]:
        """All rows of a query by the names of their columns."""
        with self._clear("read") as connection:
            cursor = connection.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def begin(self, *, patient: bool = False) -> None:  # noqa: ARG002 - no statement here has a limit
        """Begin a transaction that may write."""
        self.execute("BEGIN IMMEDIATE", ())

    def commit(self) -> None:
        """Keep what the transaction did."""
        self.execute("COMMIT", ())

    def rollback(self) -> None:
        """Undo what the transaction did, unless SQLite has done so by itself (a full disk)."""
        if self._connection is not None and self._connection.in_transaction:
            self.execute("ROLLBACK", ())

    def statements(self, script: str) -> Iterator[str]:
        """The statements of a script; `executescript` would commit between them."""
        statement = ""
        for line in script.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                yield statement
                statement = ""

    def misplaced(self) -> str | None:
        """Why the files at the path are no longer as they were left; a stat for each of them.

        SQLite itself goes on with a file that has no name any more, and all it stores there is lost. It also
        goes on with what it remembers of a file that somebody has cut short.
        """
        for path, opened in self._opened.items():
            now = identity(path)
            if now != opened:
                what = "was removed" if now is None else "was replaced by another file"
                return f"{path}: {what} while the worker runs; nothing is stored until it is back"
        if self._opened and self.writable:
            now_bytes = size(self._path)
            if now_bytes < self._bytes:
                lost = now_bytes == self._hopeless
                fix = fixes.DAMAGED if lost else "nothing is stored before it is whole"
                return f"{self._path}: was cut short while the worker runs; {fix}"
            self._bytes = now_bytes
        return None

    def probe(self) -> None:
        """A file does not end by itself."""

    def recover(self, prepare: Callable[[], None]) -> str:
        """Write the file again if it is gone, open it if it is another one; no row is lost either way.

        The open connection still has all rows of a file that was removed, and perhaps those of one that was
        cut short. A file that somebody has put in its place (perhaps a backup) is theirs: it is opened, and
        the former rows are kept beside it.
        """
        if not self.writable or self._connection is None:
            raise DatabaseError(self.misplaced() or f"{self.place}: is closed")
        try:
            if identity(self._path) not in {None, self._opened[self._path]}:
                return self._take_over(prepare)
            return self._write_again(prepare)
        except (OSError, sqlite3.Error) as error:
            raise DatabaseError(
                f"{self.misplaced() or self.place}; it cannot be written again ({error}); stop the worker,"
                " check the directory and start it again"
            ) from error

    def _write_again(self, prepare: Callable[[], None]) -> str:
        reason = (self.misplaced() or self.place).partition(";")[0]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock_again()
        if self.misplaced() is None:
            return f"{reason}; it was locked again"
        again = Path(f"{self._path}.again")  # not the name that a backup comes in by, perhaps at this moment
        self._save(again, reason)
        if identity(self._path) not in {None, self._opened[self._path]}:
            again.unlink()
            return self._take_over(prepare)
        self._drop_own_log()
        again.replace(self._path)
        self._reopen(prepare)
        return f"{reason}; it was written again with all its rows (to start afresh, stop the worker first)"

    def _save(self, target: Path, reason: str) -> None:
        """Copy what is open to a file of its own. Raises DatabaseError unless that is whole."""
        now_bytes, lost = size(self._path), f"{reason}; {fixes.DAMAGED}"
        if now_bytes == self._hopeless:
            raise DatabaseDamagedError(lost)
        try:
            self.copy_to(target)
            _check(target)
        except DatabaseDamagedError as error:
            discard(target)
            self._hopeless = now_bytes
            raise DatabaseDamagedError(lost) from error

    def _take_over(self, prepare: Callable[[], None]) -> str:
        former = aside(self._path, "former")
        self._lock_again()
        if self._opened.get(log_of(self._path)) == identity(log_of(self._path)):
            self._drop_own_log()  # SQLite would play it into the other file
        kept = self._reopen(prepare, keep=former)
        rows = f"the former rows are in {former}" if kept else "the former one was damaged and cannot be read"
        return (
            f"{self.place}: was replaced by another file while the worker runs; that one is used from now on,"
            f" {rows}"
        )

    def _reopen(self, prepare: Callable[[], None], keep: Path | None = None) -> bool:
        """Change over to the file at the path, or stay with the open one when it cannot be used.

        Returns whether the rows of the open one were kept: of one that is damaged they may be lost.
        """
        former, opened = self._connection, (self._opened, self._bytes, self._hopeless)
        try:
            self._connection = self._connect()
            self._remember()
            prepare()
            kept = keep is not None and former is not None and _kept(former, keep)
        except BaseException:
            if self._connection is not None and self._connection is not former:
                self._connection.close()
            self._connection = former
            self._opened, self._bytes, self._hopeless = opened
            raise
        if former is not None:
            former.close()
        return kept

    def _connect(self) -> sqlite3.Connection:
        connection = None
        try:
            connection = sqlite3.connect(
                f"{self._path.as_uri()}?{self._mode()}",
                uri=True,
                timeout=10,
                isolation_level=None,  # transactions are begun and ended by the engine, never implicitly
                check_same_thread=False,  # the engine's lock serialises the threads
            )
            connection.execute("PRAGMA foreign_keys = ON")
            if self.writable:
                # WAL with synchronous NORMAL: killing the process loses nothing. A power cut may lose the
                # last commits but never consistency; the slots are then read back from Prometheus.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
                connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
                connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchall()  # makes the log
                # What a damaged page held may lack from a sum without an error. 5 ms per MB.
                _check_pages(connection, self.place)
        except (DatabaseError, sqlite3.Error) as error:
            if connection is not None:
                connection.close()
            if isinstance(error, DatabaseError):
                raise
            raise _clear_error(error, self.place, "opened") from error
        return connection

    def _mode(self) -> str:
        """How to open the file. Raises DatabaseError rather than let SQLite open it for reading only."""
        if self.writable:
            if self._path.exists() and not os.access(self._path, os.W_OK):
                raise DatabaseError(
                    f"{self.place}: cannot be written; {fixes.of_sqlite('SQLITE_READONLY', '')}"
                )
            return "mode=rwc"
        # SQLite makes a file beside it even to read, unless it knows that nobody writes.
        alone = not os.access(self._path.parent, os.W_OK) and not size(log_of(self._path))
        return "mode=ro&immutable=1" if alone else "mode=ro"

    def _remember(self) -> None:
        """Which files are open, so that others in their place are noticed."""
        paths = [self._path]
        if self.writable:
            # A log that is removed takes with it what was not copied from it into the file yet.
            paths += [log_of(self._path), lock_of(self._path)]
        self._opened = {path: identity(path) for path in paths}
        self._bytes, self._hopeless = size(self._path), None

    def _lock_again(self) -> None:
        """Lock the lock file that is there now, if it is not ours: another worker might have it."""
        if identity(lock_of(self._path)) != self._opened[lock_of(self._path)]:
            taken = take_lock(self._path, self.place)
            if self._lock_file is not None:
                self._lock_file.close()
            self._lock_file = taken
            self._opened[lock_of(self._path)] = identity(lock_of(self._path))

    def copy_to(self, target: Path) -> None:
        """Write all that the connection sees to a file of its own, over one that is there."""
        with self._clear("read") as connection:
            target.unlink(missing_ok=True)
            _copy(connection, target)

    def _drop_own_log(self) -> None:
        for each in logs_of(self._path):
            each.unlink(missing_ok=True)

    @contextmanager
    def _clear(self, what: str) -> Iterator[sqlite3.Connection]:
        """The connection; SQLite's errors become one clear line."""
        if self._connection is None:
            raise DatabaseError(f"{self.place}: is closed; it cannot be {what}")
        try:
            yield self._connection
        except sqlite3.Error as error:
            raise _clear_error(error, self.place, what) from error


def write_log_into(path: Path) -> None:
    """Have all of a database in its one file; the caller has the lock. Raises DatabaseError."""
    if not path.is_file():
        raise DatabaseError(f"{path}: there is no database yet; run sla_database to make it")
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=10)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _clear_error(error, str(path), "written") from error
    if size(log_of(path)):
        raise DatabaseError(f"{path}: another program reads it; end that program, then try again")


def _clear_error(error: sqlite3.Error, place: str, what: str) -> DatabaseError:
    """The error as one line with its fix; the driver's own errors have no name of SQLite."""
    name = getattr(error, "sqlite_errorname", None)
    kind = DatabaseDamagedError if fixes.is_damage(name) else DatabaseError
    return kind(f"{place}: cannot be {what} ({error}); {fixes.of_sqlite(name, what)}")


def _check_pages(connection: sqlite3.Connection, place: str) -> None:
    """Raise DatabaseDamagedError unless all pages are well formed."""
    said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    if said != "ok":
        raise DatabaseDamagedError(f"{place}: cannot be opened ({said.splitlines()[-1]}); {fixes.DAMAGED}")


def _check(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        _check_pages(connection, str(path))
    except sqlite3.Error as error:
        raise _clear_error(error, str(path), "read") from error
    finally:
        connection.close()


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    copy = sqlite3.connect(target)
    try:
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # the copy needs no log beside it
    finally:
        copy.close()


def _kept(connection: sqlite3.Connection, target: Path) -> bool:
    """Copy a database that is given up; False when it is damaged, so that nothing can be copied."""
    try:
        _copy(connection, target)
    except sqlite3.Error as error:
        discard(target)
        if not fixes.is_damage(getattr(error, "sqlite_errorname", None)):
            raise
        return False
    return True
