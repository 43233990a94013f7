"""The CRM's database: a SQLite file behind a bounded pool of connections.

A query runs on the thread that asks for it and takes well below a millisecond. What makes it slow, a fault,
is a wait at the start of a connection's lease: the caller waits in its own way, and holds the
connection.
"""

import contextlib
import random
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from demo_app import catalogue as known
from demo_app.clock import Clock
from demo_app.errors import StartError
from demo_app.faults import Faults, struck

READ: Final = "read"
WRITE: Final = "write"
OPERATIONS: Final = (READ, WRITE)

SQL: Final = "sql"
UNAVAILABLE: Final = "unavailable"
ERROR_KINDS: Final = (SQL, UNAVAILABLE)
"""A statement that failed, and a database that could not be opened."""

FILE_NAME: Final = "crm.db"
CUSTOMERS: Final = 104
POOL_SIZE: Final = 16
"""Two queries a second of 5 s each hold 10 connections; at rest one is enough, and no more are opened."""

LOCK_SECONDS: Final = 1.0
"""How long a statement waits for another connection's lock; the longest write holds it for a millisecond."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS customers (
    id INTEGER PRIMARY KEY,
    visits INTEGER NOT NULL CHECK (visits >= 0)
)
"""

SELECT: Final = "SELECT visits FROM customers WHERE id = ?"
UPDATE: Final = "UPDATE customers SET visits = visits + 1 WHERE id = ?"
WRONG_UPDATE: Final = "UPDATE customers SET visits = -1 WHERE id = ?"
"""Asks for a number of visits that the table does not take."""


class DatabaseEvents(Protocol):
    """Notified of queries and of the pool."""

    def query_finished(self, operation: str, seconds: float, *, succeeded: bool) -> None:
        """Record a query that took `seconds`, its wait included."""
        ...

    def database_error(self, kind: str) -> None:
        """Record a query that failed, or could not even be sent."""
        ...

    def pool_used(self, in_use: int, size: int) -> None:
        """Record how many connections are in use, and how many there can be."""
        ...

    def database_available(self, *, up: bool) -> None:
        """Record whether the database can be used."""
        ...


class DatabaseError(Exception):
    """The database could not do what was asked."""


class DatabaseStartError(StartError, DatabaseError):
    """The database cannot be used at the start; the message names the file."""


class PoolExhaustedError(DatabaseError):
    """All connections are in use; try again a little later."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A connection borrowed at `began`, in monotonic seconds; its query can run after `seconds`."""

    connection: sqlite3.Connection
    began: float
    seconds: float


class Database:
    """The database, a file in `directory`; safe to use from every thread."""

    def __init__(
        self,
        directory: Path,
        *,
        faults: Faults,
        clock: Clock,
        events: DatabaseEvents,
        pool_size: int = POOL_SIZE,
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._events = events
        self._pool_size = pool_size
        self._up = False
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._all: list[sqlite3.Connection] = []
        self._in_use = 0
        self._path = directory / FILE_NAME
        self.close = weakref.finalize(self, _close, self._all)
        """Closes every connection; for the end, when no query runs any more."""
        try:
            with self._lent() as lease:
                lease.connection.execute(SCHEMA)
                lease.connection.executemany(
                    "INSERT INTO customers VALUES (?, 0) ON CONFLICT DO NOTHING",
                    [(number,) for number in range(CUSTOMERS)],
                )
        except sqlite3.Error as error:
            raise DatabaseStartError(
                f"{self._path} cannot be used: {error}",
                "remove it, or set DEMO_DATA_DIR to another directory",
            ) from error
        self.observe()

    @property
    def up(self) -> bool:
        """Whether the database answered when it was last tried."""
        return self._up

    @property
    def pool_in_use(self) -> int:
        """How many connections are in use."""
        return self._in_use

    @property
    def pool_size(self) -> int:
        """How many connections can be in use at once."""
        return self._pool_size

    def lease(self) -> Lease:
        """Borrow a connection for one visit; raises PoolExhaustedError and DatabaseError.

        Return it with `record_visit`, or with `release` when no query is made.
        """
        began = self._clock.monotonic()
        try:
            connection = self._take()
        except sqlite3.Error as error:
            self._failed(READ, began, UNAVAILABLE)
            raise DatabaseError(f"the database cannot be opened: {error}") from error
        return Lease(connection, began, self._faults.intensity(known.DATABASE_SLOW) or 0.0)

    def record_visit(self, lease: Lease, seed: int) -> int:
        """Read a customer chosen by `seed`, write the visit, and return how many there were before.

        Raises DatabaseError when a query fails.
        """
        draws = random.Random(seed)  # noqa: S311  # traffic that repeats, not a secret
        customer = draws.randrange(CUSTOMERS)
        wrong = struck(self._faults.intensity(known.DATABASE_ERRORS), draws.random())
        statement = WRONG_UPDATE if wrong else UPDATE
        try:
            visits = self._run(lease, READ, SELECT, customer, lease.began)
            self._run(lease, WRITE, statement, customer, self._clock.monotonic())
        finally:
            self.release(lease)
        return visits

    def release(self, lease: Lease) -> None:
        """Take a connection back."""
        with self._lock:
            self._in_use -= 1
            self._idle.append(lease.connection)
            self._events.pool_used(self._in_use, self._pool_size)

    def observe(self) -> None:
        """Check whether the database answers, and report it."""
        try:
            with self._lent() as lease:
                lease.connection.execute("SELECT 1")
        except PoolExhaustedError:
            return  # others use it: it is there
        except sqlite3.Error:
            self._up = False
        else:
            self._up = True
        self._events.database_available(up=self._up)

    @contextlib.contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Open a connection beside the pool, for a job of the app's own; raises DatabaseError.

        Requests that use up the pool do not keep the job from its work, nor does it take theirs.
        """
        try:
            connection = _open(self._reachable_path())
        except sqlite3.Error as error:
            raise DatabaseError(f"the database cannot be opened: {error}") from error
        with contextlib.closing(connection):
            yield connection

    @contextlib.contextmanager
    def _lent(self) -> Iterator[Lease]:
        lease = Lease(self._take(), self._clock.monotonic(), 0.0)
        try:
            yield lease
        finally:
            self.release(lease)

    def _take(self) -> sqlite3.Connection:
        path = self._reachable_path()  # before the lock: the answer may log that the fault has ended
        with self._lock:
            if path != self._path:
                while self._idle:
                    connection = self._idle.pop()
                    self._all.remove(connection)
                    connection.close()
            if self._in_use >= self._pool_size:
                raise PoolExhaustedError(f"all {self._pool_size} connections are in use")
            connection = self._idle.pop() if self._idle else self._connect(path)
            self._in_use += 1
            self._events.pool_used(self._in_use, self._pool_size)
            return connection

    def _reachable_path(self) -> Path:
        down = self._faults.intensity(known.DATABASE_DOWN) is not None
        return self._path / "gone" if down else self._path  # nothing can lie below a file

    def _connect(self, path: Path) -> sqlite3.Connection:
        connection = _open(path)
        self._all.append(connection)
        return connection

    def _run(self, lease: Lease, operation: str, statement: str, customer: int, began: float) -> int:
        try:
            row = lease.connection.execute(statement, (customer,)).fetchone()
        except sqlite3.Error as error:
            self._failed(operation, began, SQL)
            raise DatabaseError(f"the {operation} of customer {customer} failed: {error}") from error
        self._events.query_finished(operation, self._clock.monotonic() - began, succeeded=True)
        return int(row[0]) if row else 0

    def _failed(self, operation: str, began: float, kind: str) -> None:
        self._events.query_finished(operation, self._clock.monotonic() - began, succeeded=False)
        self._events.database_error(kind)


def _close(connections: list[sqlite3.Connection]) -> None:
    for connection in connections:
        connection.close()


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
