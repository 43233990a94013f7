"""The seam between the stores and a database: four calls, one lock, numbered migrations.

A store knows `execute`, `executemany`, `rows` and `transaction`, writes `?` where a value goes, and gets
dicts back. All that differs between databases stands in a dialect: `sqlite.py`, `postgres.py`.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Protocol, TypeVar

from sla_worker.errors import DatabaseError, DatabaseLockedError, DatabaseOutdatedError

_MIGRATIONS = files("sla_worker") / "database" / "migrations"

_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL
);
"""

_BEGIN_TERM = """
INSERT INTO writer (id, term, name, since) VALUES (1, 1, current_setting('application_name'), ?)
ON CONFLICT (id) DO UPDATE SET term = writer.term + 1, name = excluded.name, since = excluded.since
RETURNING term, name
"""

Row = dict[str, Any]
Values = Sequence[Any]

_T = TypeVar("_T")
_WRITES = re.compile(r"\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(\w+)")
_EVERYTHING = ""  # in the place of a table: a statement that names none at its beginning
_RECOVERING = 1.0  # for a thread that gets back to a database: when it is reachable, that takes less
_WAIT_SECONDS = 15.0  # for another thread: longer than a statement waits for other programs


def newest_schema() -> int:
    """The version of the schema that this code makes."""
    return max(scripts())


def refuse_newer(place: str, found: int) -> None:
    """Raise DatabaseError for a ledger whose schema this code does not know."""
    newest = newest_schema()
    if found > newest:
        raise DatabaseError(
            f"{place}: made by a newer version (schema {found}, this one knows {newest}); update"
        )


def scripts() -> dict[int, Traversable]:
    """The migrations by their version, in their order."""
    found = sorted(
        (each for each in _MIGRATIONS.iterdir() if each.name.endswith(".sql")), key=lambda each: each.name
    )
    return {int(each.name[:4]): each for each in found}


class Dialect(Protocol):
    """One kind of database. Its driver's types stay inside: every method raises DatabaseError alone."""

    place: str
    """What error messages call the database."""

    writable: bool

    shared: bool
    """Whether a writer can lose its lock to another one while it lives."""

    partitioned: bool
    """Whether slots lie in partitions: see `partitions.py`."""

    def open(self) -> None:
        """Connect, and make sure that nobody else writes."""
        ...

    def close(self) -> None:
        """Disconnect; twice does no harm."""
        ...

    def execute(self, sql: str, values: Values) -> None:
        """One statement that returns nothing."""
        ...

    def executemany(self, sql: str, rows: Iterable[Values]) -> None:
        """One statement for each of the rows."""
        ...

    def rows(self, sql: str, values: Values) -> list[Row]:
        """All rows of a query by the names of their columns."""
        ...

    def begin(self, *, patient: bool = False) -> None:
        """Begin a transaction that may write; a `patient` one may take long."""
        ...

    def commit(self) -> None:
        """Keep what the transaction did."""
        ...

    def rollback(self) -> None:
        """Undo what the transaction did."""
        ...

    def statements(self, script: str) -> Iterator[str]:
        """The statements of a migration, one by one, as this database takes them."""
        ...

    def misplaced(self) -> str | None:
        """Why this is no longer the database that was opened; None while it is. Makes no statement."""
        ...

    def probe(self) -> None:
        """Learn of a connection that ended while it was idle, for `misplaced`. Makes no statement."""
        ...

    def recover(self, prepare: Callable[[], None]) -> str:
        """Get back to a database at the place and `prepare` it. Returns one line that says what was done."""
        ...


def record(dialect: Dialect) -> None:
    """Make the table of the migrations that were applied, unless it is there."""
    for statement in dialect.statements(_RECORD):
        dialect.execute(statement, ())


def apply(dialect: Dialect, version: int, script: Traversable, now: float) -> None:
    """One migration and its record, inside a transaction."""
    for statement in dialect.statements(script.read_text(encoding="utf-8")):
        dialect.execute(statement, ())
    dialect.execute(
        "INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, ?)",
        (version, script.name, int(now)),
    )


class Engine:
    """A connection that threads share; every statement and transaction holds one lock.

    Nothing is read from or written to a database that was moved away: see `look`. Who waits for another
    thread for too long gets a DatabaseError: a server that never answers keeps one thread, not all of them.
    """

    def __init__(self, dialect: Dialect, *, clock: Callable[[], float]) -> None:
        self._dialect = dialect
        self._clock = clock
        self._mutex = threading.RLock()
        self._depth = 0
        self._forget: list[Callable[[], None]] = []
        self._refused: dict[str, str] = {}
        self.wait_seconds = _WAIT_SECONDS
        self.new = False  # whether there were no tables yet
        self._called: float | None = None  # since when a call waits for its answer
        self._closed = False
        self._written_to = 0
        self._changes: Counter[str] = Counter()  # how often each table was written to
        self._writer: int | None = None  # the thread whose transaction is under way
        self._settled = 0  # what was written before it
        self.writer: str | None = None  # what others are told of this one, if they can take its lock
        self._term = 0
        try:
            dialect.open()
            if dialect.writable:
                self._migrate()
                self._begin_term()
            else:
                self._check_version()
        except BaseException:
            self.close()
            raise

    @property
    def place(self) -> str:
        """What error messages call the database."""
        return self._dialect.place

    @property
    def writable(self) -> bool:
        """Whether this process may write."""
        return self._dialect.writable

    @property
    def shared(self) -> bool:
        """Whether a writer can lose its lock to another one while it lives."""
        return self._dialect.shared

    @property
    def partitioned(self) -> bool:
        """Whether slots lie in partitions."""
        return self._dialect.partitioned

    def close(self) -> None:
        """Close the connection and give the lock back; twice does no harm."""
        with self.exclusive():
            self._closed = True
            self._dialect.close()

    def on_reset(self, forget: Callable[[], None]) -> None:
        """Call `forget` when what was read before may be wrong: after a rollback and after a recovery."""
        self._forget.append(forget)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """The lock that every statement holds, for memory that must agree with the tables."""
        # Nearly always it is free, and how long to wait for it need not be looked up.
        if not (self._mutex.acquire(blocking=False) or self._mutex.acquire(timeout=self._patience())):
            raise DatabaseError(self._cannot() or f"{self.place}: is busy with another task; try again")
        try:
            yield
        finally:
            self._mutex.release()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Inside another transaction it is a part of that one."""
        with self.exclusive():
            if self._depth:
                yield
                return
            self._check_place()
            self._noting("written", self._dialect.begin)
            self._settled, self._writer = self._written_to, threading.get_ident()
            self._depth += 1
            try:
                yield
                self._noting("written", self._dialect.commit)
            except BaseException:
                self._depth -= 1
                self._undo()
                raise
            finally:
                self._writer = None
            self._depth -= 1
            self._refused.pop("written", None)

    def execute(self, sql: str, values: Values = ()) -> None:
        """One statement that returns nothing, inside a transaction."""
        with self.exclusive():
            self._written(sql)
            self._noting("written", lambda: self._dialect.execute(sql, values))

    def executemany(self, sql: str, rows: Iterable[Values]) -> None:
        """One statement for each of the rows, inside a transaction; none for no rows."""
        rows = list(rows)
        with self.exclusive():
            if not rows:
                return
            self._written(sql)
            self._noting("written", lambda: self._dialect.executemany(sql, rows))

    def rows(self, sql: str, values: Values = ()) -> list[Row]:
        """All rows of a query by the names of their columns."""
        with self.exclusive():
            if not self._depth:
                self._check_place()
            found = self._noting("read", lambda: self._dialect.rows(sql, values))
            self._refused.pop("read", None)
            return found

    def row(self, sql: str, values: Values = ()) -> Row:
        """The one row of a query that always has one."""
        return self.rows(sql, values)[0]

    def next_id(self, table: str) -> int:
        """The next integer key. One writer makes this safe; `table` is a constant of this package."""
        return int(self.row(f"SELECT COALESCE(MAX(id), 0) + 1 AS id FROM {table}")["id"])  # noqa: S608

    def changes(self, tables: Sequence[str] | None = None) -> tuple[int, ...]:
        """Differs once something was written to one of these tables (None: any), or another was opened.

        Read it before the tables: what is written meanwhile makes it differ. One process writes. What another
        thread's transaction writes to any table differs once it is committed: nobody can read it before.
        """
        if tables is None:
            others = self._writer not in {None, threading.get_ident()}
            return (self._settled if others else self._written_to,)
        return tuple(self._changes[each] for each in (_EVERYTHING, *tables))

    def trouble(self) -> str | None:
        """Why the database cannot be used, in one line; None when it can. Makes no statement."""
        if self._closed:
            return f"{self.place}: is closed"
        return self._dialect.misplaced() or next(iter([*self._refused.values()]), None) or self._hangs()

    def look(self, prepare: Callable[[], None] = lambda: None) -> str | None:
        """See whether the database is still the one that was opened, and get it back if not.

        None: it is. Otherwise one line that says what happened and what was done; log it. A database
        that is new to us is migrated and goes through `prepare`. Raises DatabaseError when nothing helps.
        Makes no statement while nothing is wrong.
        """
        with self.exclusive():
            if self._depth:
                return None
            with suppress(DatabaseError):
                self._dialect.probe()
            if self._dialect.misplaced() is None:
                return None

            def ready() -> None:
                if self.writable:
                    self._migrate()
                    self._check_term()
                else:
                    self._check_version()
                self.reset()
                prepare()

            try:
                line = self._dialect.recover(ready)
            finally:
                self._count(_EVERYTHING)
                self.reset()
            self._refused.clear()
            return line

    def _written(self, sql: str) -> None:
        table = _WRITES.match(sql)
        self._count(_EVERYTHING if table is None else table[1])

    def _count(self, table: str) -> None:
        self._changes[table] += 1
        self._written_to += 1

    def _check_place(self) -> None:
        reason = self._dialect.misplaced()
        if reason is not None:
            raise DatabaseError(reason)

    def _noting(self, what: str, call: Callable[[], _T]) -> _T:
        """The call's result; what the database refuses is kept for `trouble`."""
        self._called = time.monotonic()
        try:
            return call()
        except DatabaseError as error:
            self._refused[what] = str(error)
            raise
        finally:
            self._called = None

    def _patience(self) -> float:
        """For how long to wait for another thread: not at all for one that the database keeps waiting."""
        if self._hangs() is not None:
            return 0
        return self.wait_seconds if self._dialect.misplaced() is None else min(self.wait_seconds, _RECOVERING)

    def _cannot(self) -> str | None:
        return self._hangs() or self._dialect.misplaced()

    def _hangs(self) -> str | None:
        """That the database does not answer, in one line; None while it does."""
        called = self._called
        if called is None or time.monotonic() - called < self.wait_seconds:
            return None
        return f"{self.place}: does not answer; see whether its server or disk hangs"

    def _undo(self) -> None:
        try:
            self._dialect.rollback()
        finally:
            self.reset()

    def confirm(self) -> None:
        """Hear from the database that this session still holds the lock. Raises DatabaseError when not."""
        if self.shared and self.writable:
            self.rows("SELECT 1 AS heard")

    def forget(self) -> None:
        """Somebody else has written: nothing that was read before is to be relied on."""
        with self.exclusive():
            self._count(_EVERYTHING)
            self.reset()

    def reset(self) -> None:
        """Let the stores forget what they keep in memory."""
        for forget in self._forget:
            forget()

    def _begin_term(self) -> None:
        if self.shared:
            [row] = self._dialect.rows(_BEGIN_TERM, (int(self._clock()),))
            self._term, self.writer = row["term"], row["name"]

    def _check_term(self) -> None:
        """Raise DatabaseLockedError when there was another writer since the lock was taken."""
        if not self.shared:
            return
        rows = self._dialect.rows("SELECT term, name FROM writer", ())
        if not rows or rows[0]["term"] != self._term:
            name = rows[0]["name"] if rows else "nobody, in another database"
            raise DatabaseLockedError(
                f"{self.place}: {name} has written to it meanwhile; what is in memory holds no more"
            )

    def _check_version(self) -> None:
        """Raise DatabaseError for tables of another version: what is read only is read as it is."""
        found = self._dialect.rows("SELECT MAX(version) AS version FROM schema_migrations", ())[0]["version"]
        newest = newest_schema()
        refuse_newer(self.place, found or 0)
        if found != newest:
            raise DatabaseOutdatedError(
                f"{self.place}: made by an older version (schema {found or 0}, this one has {newest});"
                " start the sla-worker, or run sla_database once"
            )

    def _has_ledger(self) -> bool:
        with suppress(DatabaseError):
            self._dialect.rows("SELECT COUNT(*) AS rows FROM ledger", ())
            return True
        return False

    def _migrate(self) -> None:
        """Apply the migrations that are not recorded yet, each in one transaction with its record."""
        dialect = self._dialect
        record(dialect)
        done = {row["version"] for row in dialect.rows("SELECT version FROM schema_migrations", ())}
        self.new = not done
        if done:
            refuse_newer(self.place, max(done))
        elif self._has_ledger():
            raise DatabaseError(
                f"{self.place}: has a table `ledger` of another program; give a place of its own"
            )
        for version, script in scripts().items():
            if version in done:
                continue
            dialect.begin(patient=True)
            try:
                apply(dialect, version, script, self._clock())
                dialect.commit()
            except BaseException:
                dialect.rollback()
                raise
