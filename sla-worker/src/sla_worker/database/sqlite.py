"""SQLite behind the seam: one file in WAL mode, one writer by a lock file beside it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeVar

from sla_worker.database.engine import Row, Values
from sla_worker.errors import DatabaseError, DatabaseLockedError

_WAL_BYTES = 4 * 1024 * 1024  # what stays of the log beside the file once a large transaction is over

_TAKE_OVER_SECONDS = 10  # within which a worker that runs notices another file

_T = TypeVar("_T")
_Identity = tuple[int, int] | None  # device and inode; None: there is no such file


class SQLite:
    """The dialect of one file. With `read_only` the file must exist, and no lock is taken."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.place = str(path)
        self.writable = not read_only
        self._path = path.resolve()
        self._lock_file: TextIO | None = None
        self._connection: sqlite3.Connection | None = None
        self._opened: dict[Path, _Identity] = {}

    def open(self) -> None:
        """Take the lock and open the file, which is made if there is none."""
        if not self.writable and not self._path.is_file():
            raise DatabaseError(f"{self.place}: there is no database yet; run sla_database to make it")
        if self.writable:
            self._lock_file = _take_lock(self._path, self.place)
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
        with self._clear("written", "check space and rights") as connection:
            connection.execute(sql, values)

    def executemany(self, sql: str, rows: Iterable[Values]) -> None:
        """One statement for each of the rows."""
        with self._clear("written", "check space and rights") as connection:
            connection.executemany(sql, rows)

    def rows(self, sql: str, values: Values) -> list[Row]:
        """All rows of a query by the names of their columns."""
        with self._clear("read", "run sla_database once") as connection:
            cursor = connection.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def begin(self) -> None:
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
        """Why the files at the path are no longer the ones that are open; a stat for each of them.

        SQLite itself goes on with a file that has no name any more, and all it stores there is lost.
        """
        for path, opened in self._opened.items():
            now = _identity(path)
            if now != opened:
                what = "was removed" if now is None else "was replaced by another file"
                return f"{path}: {what} while the worker runs; nothing is stored until it is back"
        return None

    def probe(self) -> None:
        """A file does not end by itself."""

    def recover(self, prepare: Callable[[], None]) -> str:
        """Write the file again if it is gone, open it if it is another one; no row is lost either way.

        The open connection still has all rows of a file that was removed. A file that somebody has put in
        its place (perhaps a backup) is theirs: it is opened, and the former rows are kept beside it.
        """
        if not self.writable or self._connection is None:
            raise DatabaseError(self.misplaced() or f"{self.place}: is closed")
        try:
            if _identity(self._path) not in {None, self._opened[self._path]}:
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
        restored = Path(f"{self._path}.restored")
        self.copy_to(restored)
        self._drop_own_log()
        restored.replace(self._path)
        self._reopen(prepare)
        return f"{reason}; it was written again with all its rows (to start afresh, stop the worker first)"

    def _take_over(self, prepare: Callable[[], None]) -> str:
        former = Path(f"{self._path}.former-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
        self._lock_again()
        if self._opened.get(_log_of(self._path)) == _identity(_log_of(self._path)):
            self._drop_own_log()  # SQLite would play it into the other file
        self._reopen(prepare, keep=former)
        return (
            f"{self.place}: was replaced by another file while the worker runs; that one is used from now on,"
            f" the former rows are in {former}"
        )

    def _reopen(self, prepare: Callable[[], None], keep: Path | None = None) -> None:
        """Change over to the file at the path, or stay with the open one when it cannot be used."""
        former, opened = self._connection, self._opened
        try:
            self._connection = self._connect()
            self._remember()
            prepare()
            if keep is not None and former is not None:
                _copy(former, keep)
        except BaseException:
            if self._connection is not None and self._connection is not former:
                self._connection.close()
            self._connection, self._opened = former, opened
            raise
        if former is not None:
            former.close()

    def _connect(self) -> sqlite3.Connection:
        connection = None
        try:
            connection = sqlite3.connect(
                f"{self._path.as_uri()}?mode={'rwc' if self.writable else 'ro'}",
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
                connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchall()  # makes the log
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise DatabaseError(
                f"{self.place}: cannot be opened ({error}); check the file and its directory"
            ) from error
        return connection

    def _remember(self) -> None:
        """Which files are open, so that others in their place are noticed."""
        paths = [self._path]
        if self.writable:
            # A log that is removed takes with it what was not copied from it into the file yet.
            paths += [_log_of(self._path), _lock_of(self._path)]
        self._opened = {path: _identity(path) for path in paths}

    def _lock_again(self) -> None:
        """Lock the lock file that is there now, if it is not ours: another worker might have it."""
        if _identity(_lock_of(self._path)) != self._opened[_lock_of(self._path)]:
            taken = _take_lock(self._path, self.place)
            if self._lock_file is not None:
                self._lock_file.close()
            self._lock_file = taken
            self._opened[_lock_of(self._path)] = _identity(_lock_of(self._path))

    def copy_to(self, target: Path) -> None:
        """Write all that the connection sees to a file of its own, over one that is there."""
        with self._clear("read", "check the file") as connection:
            target.unlink(missing_ok=True)
            _copy(connection, target)

    def _drop_own_log(self) -> None:
        for suffix in ("-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    @contextmanager
    def _clear(self, what: str, fix: str) -> Iterator[sqlite3.Connection]:
        """The connection; SQLite's errors become one clear line."""
        if self._connection is None:
            raise DatabaseError(f"{self.place}: is closed; it cannot be {what}")
        try:
            yield self._connection
        except sqlite3.Error as error:
            raise DatabaseError(f"{self.place}: cannot be {what} ({error}); {fix}") from error


def _formers(path: Path) -> set[Path]:
    """The former databases of a place that are wholly written."""
    found = set(path.parent.glob(f"{path.name}.former-*"))
    return {each for each in found if each.name.endswith("Z") and Path(f"{each}-journal") not in found}


def _identity(path: Path) -> _Identity:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _log_of(path: Path) -> Path:
    return Path(f"{path}-wal")


def _lock_of(path: Path) -> Path:
    return Path(f"{path}.lock")


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    copy = sqlite3.connect(target)
    try:
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # the copy needs no log beside it
    finally:
        copy.close()


def _take_lock(path: Path, place: str) -> TextIO:
    """An advisory lock beside the database; the kernel gives it back when the process dies."""
    lock_path = _lock_of(path)
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
            f"{place}: process {holder} already writes to it; stop that one (perhaps the service) first"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def copy_of(source: Path, target: Path, look: Callable[[SQLite], _T]) -> _T:
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


def move_in(incoming: Path, target: Path, former: Path) -> Path | None:
    """Put a database in the place of another one. Returns where the former one is kept; None: there was none.

    A worker that has it open changes over by itself and keeps what it had; else it is moved aside, with
    its log.
    """
    try:
        lock = _take_lock(target, str(target))
    except DatabaseLockedError:
        kept = _formers(target)
        incoming.replace(target)
        for _ in range(_TAKE_OVER_SECONDS * 10):
            time.sleep(0.1)
            found = _formers(target) - kept
            if found:
                return max(found)
        raise DatabaseError(
            f"{target}: is restored, but the worker that runs has not changed over to it within"
            f" {_TAKE_OVER_SECONDS} s; look at its log, or start it again"
        ) from None
    with lock:
        there = target.exists()
        for suffix in ("-wal", "-shm", "") if there else ():
            if Path(f"{target}{suffix}").exists():
                Path(f"{target}{suffix}").replace(f"{former}{suffix}")
        incoming.replace(target)
    return former if there else None
