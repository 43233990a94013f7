"""PostgreSQL behind the seam: one session, one writer by an advisory lock of the schema.

No statement is waited for without end: the server ends it, or its connection is given up. The only module
that imports psycopg, and only imported for a postgresql:// URL.
"""

from __future__ import annotations

import os
import re
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumper

from sla_worker.database import fixes
from sla_worker.database.engine import Row, Values
from sla_worker.errors import DatabaseError, DatabaseLockedError

_CONNECT: dict[str, Any] = {
    "connect_timeout": 5,
    # A peer that is gone without a word is noticed within half a minute, also in the middle of a statement.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_LOCK_KEY = "SELECT current_schema() AS schema, hashtextextended('sla_worker ' || current_schema(), 0) AS key"
# Each unless the URL or the server's configuration says otherwise. Those of TCP let the server notice that
# this side is gone: a session behind a broken network does not keep the lock for hours.
_LIMITS = {
    "statement_timeout": "60s",
    "lock_timeout": "10s",  # as long as SQLite waits for others
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30s",
}
_UNSET = "SELECT name FROM pg_settings WHERE name = ANY(%s) AND source = 'default'"
_PROCESS = "SELECT pg_backend_pid() AS process"
_STATEMENT_MS = "SELECT setting::bigint AS ms FROM pg_settings WHERE name = 'statement_timeout'"
_PATIENT = "1h"  # for a migration: of a large ledger it writes every row
_BETWEEN_STATEMENTS = re.compile(r";(?=(?:[^$]*\$\$[^$]*\$\$)*[^$]*\Z)")  # none within a DO block
_IN_ORDER = re.compile(r"/\*(ORDER BY [\w.]+)\*/")  # see rollup_sql.py
_TOGETHER = 100  # statements in a round trip: the server may take its time for each of them
# Marks a statement whose rows are given as arrays, column by column, with their types; no row may come twice.
_AT_ONCE = re.compile(r"VALUES /\*AT ONCE ([\w, ]+)\*/ \([?, ]+\)")
_ROWS_AT_ONCE = 10_000
_MINUTE, _HOUR = 60.0, 3600.0
_END_FORMER = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid = %s AND backend_start = %s AND pid <> pg_backend_pid()
"""
_FORMER_SECONDS = 2.0  # one that does not hang ends within milliseconds
# A commit that a crash of the server takes back would have a mail sent twice.
_LASTING = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
_TAKE_LOCK = "SELECT pg_try_advisory_lock(%s) AS taken"
# The server shows the locks of all its databases; in each a schema of the same name has the same key.
_HOLDER = """
SELECT a.application_name AS name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND ((l.classid::bigint << 32) | l.objid::bigint) = %s
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class _Session(psycopg.Connection[Any]):
    """A connection that waits for `limit_seconds` for an answer, then closes itself: the server may hang."""

    limit_seconds = 15.0  # while it is being set up

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As in psycopg, which waits without end if it is not told better."""
        limit = self.limit_seconds if timeout is None else timeout
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:  # its answer may come yet
                self.pgconn.finish()
                raise psycopg.OperationalError(f"no answer within {limit:.3g} s") from None
            raise


class _FormerSessionError(DatabaseError):
    """The lock is held by a session of this worker that was given up, and that the server has not ended."""


class PostgreSQL:
    """The dialect of one schema, the first of the URL's search_path. With `read_only` no lock is taken."""

    partitioned = True

    def __init__(self, url: str, *, read_only: bool) -> None:
        self.place = shown(url)
        self.writable = not read_only
        self.shared = True
        self._url = url
        self._connection: _Session | None = None
        self._lost: str | None = None
        self._held: str | None = None  # why it cannot be had back, if that is another reason
        self._usual_seconds = _MINUTE
        self._session: tuple[int, Any] | None = None  # which one the server knows us by: pid and start

    def open(self) -> None:
        """Connect and take the lock; the tables are made by the migrations."""
        self._connection = self._connect()
        if not self.writable and not self.rows("SELECT to_regclass('ledger') AS made", ())[0]["made"]:
            raise DatabaseError(f"{self.place}: there is no database yet; run sla_database to make it")

    def close(self) -> None:
        """Disconnect, which gives the lock back; twice does no harm."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def execute(self, sql: str, values: Values) -> None:
        """One statement that returns nothing."""
        with self._clear("written") as connection:
            connection.execute(_translated(sql), tuple(values))

    def executemany(self, sql: str, rows: Iterable[Values]) -> None:
        """One statement for each of the rows, many in a round trip, whose answer is waited for as for one.

        One that says AT ONCE is a single one for many rows: half the CPU of the server.
        """
        values = [tuple(each) for each in rows]
        at_once = _with_arrays(sql)
        with self._clear("written") as connection, connection.cursor() as cursor:
            if at_once is not None:
                for first in range(0, len(values), _ROWS_AT_ONCE):
                    columns = zip(*values[first : first + _ROWS_AT_ONCE], strict=True)
                    cursor.execute(at_once.sql, at_once.arrays(columns))
                return
            for first in range(0, len(values), _TOGETHER):
                cursor.executemany(_translated(sql), values[first : first + _TOGETHER])

    def rows(self, sql: str, values: Values) -> list[Row]:
        """All rows of a query by the names of their columns."""
        with self._clear("read") as connection, connection.cursor() as cursor:
            cursor.execute(_translated(sql), tuple(values))
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def begin(self, *, patient: bool = False) -> None:
        """Begin a transaction that may write; a `patient` one may take an hour."""
        self.execute("BEGIN", ())
        if patient and self._connection is not None:
            self.execute(f"SET LOCAL statement_timeout = '{_PATIENT}'", ())
            self._connection.limit_seconds = _given_up_after(_HOUR)

    def commit(self) -> None:
        """Keep what the transaction did."""
        self.execute("COMMIT", ())
        self._hurry()

    def rollback(self) -> None:
        """Undo what the transaction did; the end of a connection has done so by itself."""
        connection = self._connection
        if connection is None or connection.closed:
            return
        if connection.info.transaction_status != TransactionStatus.IDLE:
            self.execute("ROLLBACK", ())
        self._hurry()

    def _hurry(self) -> None:
        if self._connection is not None:
            self._connection.limit_seconds = self._usual_seconds

    def statements(self, script: str) -> Iterator[str]:
        """The statements of a script, with the words of SQLite in it replaced."""
        script = script.replace("--postgresql: ", "")  # what only this database does
        script = re.sub(r"--[^\n]*", "", script).replace("WITHOUT ROWID", "")
        script = re.sub(r"\bINTEGER\b", "BIGINT", script)
        script = re.sub(r"\bBLOB\b", "BYTEA", script)
        for statement in _BETWEEN_STATEMENTS.split(script):
            if statement.strip():
                yield statement

    def misplaced(self) -> str | None:
        """Why nothing can be stored since the connection was lost; None while it stands."""
        return self._held or self._lost

    def probe(self) -> None:
        """See whether the server has ended the idle connection, without a statement."""
        connection = self._connection
        if connection is None or self._lost is not None:
            return
        with self._clear("read"):
            # First comes why the server ends it, then the end itself; a notice alone means nothing.
            while select.select([connection.fileno()], [], [], 0)[0]:
                connection.pgconn.consume_input()

    def recover(self, prepare: Callable[[], None]) -> str:
        """Connect again, as the only writer, and see whether the tables are still as they were left."""
        lost = self._lost or f"{self.place}: the connection was lost"
        self._held = None
        self.close()
        try:
            self._connection = self._connect()
        except DatabaseLockedError:
            raise
        except _FormerSessionError as error:
            self._held = str(error)
            raise
        except DatabaseError as error:  # the same line as long as it lasts
            raise DatabaseError(lost) from error
        self._lost = None
        try:
            prepare()
        except BaseException as error:
            self.close()
            self._lost = str(error) if isinstance(error, DatabaseError) else lost
            raise
        return f"{lost.partition(';')[0]}; it is connected again"

    def _connect(self) -> _Session:
        given = {**_CONNECT, "application_name": f"sla_worker on {socket.gethostname()[:30]}, {os.getpid()}"}
        try:
            wanted = None if _is_torn(self._url) else psycopg.conninfo.conninfo_to_dict(self._url)
        except psycopg.Error:  # its message shows the URL, and the password in it
            wanted = None
        if wanted is None:
            raise DatabaseError(
                f"{self.place}: cannot be understood; give a URL like postgresql://user:password@host:5432/sla"
                " (in the password, %40 stands for @, %2F for /, %3A for :, %25 for %)"
            )

        def connect() -> _Session:
            return _Session.connect(**{**given, **wanted}, autocommit=True, client_encoding="UTF8")

        try:
            connection = connect()
        except psycopg.Error as error:
            raise DatabaseError(
                f"{self.place}: cannot be reached ({_line(error, self._url)}); check SLA_DATABASE_URL and the"
                " server"
            ) from error
        connection.adapters.register_loader("numeric", _Number)
        connection.adapters.register_dumper(str, _Text)
        try:
            self._refuse_shared_session(connection, connect)
            connection.execute("SET jit = off")  # compiling takes seconds here, the statements milliseconds
            self._set_limits(connection)
            connection.execute(_LASTING)
            if self.writable:
                self._take_lock(connection)
            else:
                connection.execute("SET default_transaction_read_only = on")
        except psycopg.Error as error:
            connection.close()
            raise DatabaseError(
                f"{self.place}: cannot be opened ({_line(error, self._url)});"
                f" {fixes.of_postgresql(error.sqlstate, 'opened')}"
            ) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _refuse_shared_session(self, connection: _Session, connect: Callable[[], _Session]) -> None:
        """Raise DatabaseError where a pooler gives its sessions to whoever has a transaction just now.

        Then several workers would have one lock, and all of them lead. A pooler is known by the process that
        it makes up; in transaction mode a second connection takes the session that the first one had.
        """
        [process] = connection.execute(_PROCESS).fetchone() or (0,)
        if process == connection.info.backend_pid:
            return
        with suppress(psycopg.Error), connect() as second:
            second.execute("BEGIN")
            [other] = second.execute(_PROCESS).fetchone() or (0,)
            [again] = connection.execute(_PROCESS).fetchone() or (0,)
            if other != process and again == process:
                return
            raise DatabaseError(
                f"{self.place}: is a pooler in transaction mode, behind which several workers would write at"
                " once; give the address of the server itself, or of a pool in session mode"
            )

    def _set_limits(self, connection: _Session) -> None:
        unset = [name for (name,) in connection.execute(_UNSET, (list(_LIMITS),))]
        if unset:
            calls = ", ".join("set_config(%s, %s, false)" for _ in unset)
            values = [part for name in unset for part in (name, _LIMITS[name])]
            connection.execute(f"SELECT {calls}".encode(), values)
        [milliseconds] = connection.execute(_STATEMENT_MS).fetchone() or (0,)
        # 0: somebody wants statements without a limit; the server must still answer at some time.
        self._usual_seconds = _given_up_after(milliseconds / 1000 or _HOUR)
        connection.limit_seconds = self._usual_seconds

    def _take_lock(self, connection: _Session) -> None:
        [schema, key] = connection.execute(_LOCK_KEY).fetchone() or (None, None)
        if schema is None:
            raise DatabaseError(f"{self.place}: its search_path names no schema that is there; create it")
        [taken] = connection.execute(_TAKE_LOCK, (key,)).fetchone() or (False,)
        if not taken and self._session is not None:
            taken = self._take_from_former(connection, key, *self._session)
        if not taken:
            [holder] = connection.execute(_HOLDER, (key,)).fetchone() or ("another program",)
            raise DatabaseLockedError(
                f"{self.place}: {holder} already writes to it; stop that one (perhaps the service) first"
            )
        self._session = connection.execute(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ).fetchone()

    def _take_from_former(self, connection: _Session, key: Any, process: int, start: Any) -> bool:
        """Whether the lock is free once the session that was given up is ended, if that one has it.

        The server may not know that it was given up, or it hangs: then it must not write any more.
        """
        if not connection.execute(_END_FORMER, (process, start)).fetchone():
            return False
        deadline = time.monotonic() + _FORMER_SECONDS
        while time.monotonic() < deadline:
            [taken] = connection.execute(_TAKE_LOCK, (key,)).fetchone() or (False,)
            if taken:
                return True
            time.sleep(0.05)
        raise _FormerSessionError(
            f"{self.place}: nothing is stored: the server does not end this worker's former session (its"
            f" process {process} hangs), which may still write; end it there, or restart the server"
        )

    @contextmanager
    def _clear(self, what: str) -> Iterator[_Session]:
        """The connection; psycopg's errors become one clear line, and a lost connection is remembered."""
        connection = self._connection
        if connection is None:
            raise DatabaseError(self._lost or f"{self.place}: is closed; it cannot be {what}")
        try:
            yield connection
        except psycopg.Error as error:
            reason = _line(error, self._url)
            if connection.closed:
                self._lost = (
                    f"{self.place}: the connection was lost ({reason}); nothing is stored until it is back"
                )
                raise DatabaseError(self._lost) from error
            fix = fixes.of_postgresql(error.sqlstate, what)
            raise DatabaseError(f"{self.place}: cannot be {what} ({reason}); {fix}") from error


class _Number(Loader):
    """The sum of whole numbers is a `numeric`: a whole number again, else a float."""

    def load(self, data: Any) -> float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


class _Text(StrDumper):
    """PostgreSQL stores every text but one with a NUL."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))


def shown(url: str) -> str:
    """The URL as messages show it: without password and options."""
    if _is_torn(url):
        return "postgresql://…"
    try:
        parts = urlsplit(url)
        user, host = parts.username, parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "postgresql://…"
    if ":" in host:
        host = f"[{host}]"
    return f"postgresql://{f'{user}@' if user else ''}{host}{port}{parts.path}"


def _is_torn(url: str) -> bool:
    """Whether a sign of the password ends it too early: the rest would be taken for the host."""
    address, rest = re.split(r"(?=[/?#]|$)", url.partition("://")[2], maxsplit=1)
    return address.count("@") > 1 or "@" in rest.partition("=")[0]  # an option may have one


def _given_up_after(statement_seconds: float) -> float:
    """For how long an answer is waited for: a little longer than the server gives a statement itself."""
    return statement_seconds * 1.1 + 1


@lru_cache(maxsize=256)
def _translated(sql: str) -> Any:
    """The placeholders of psycopg in place of `?`, and the order in which sums are to be added."""
    return _IN_ORDER.sub(r"\1", sql).replace("%", "%%").replace("?", "%s")


@dataclass(frozen=True, slots=True)
class _WithArrays:
    """A statement that takes an array for each column of many rows."""

    sql: Any
    real: tuple[bool, ...]

    def arrays(self, columns: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
        """The columns, each of one type: of 1 and 0.5 psycopg would make no array."""
        return [
            [None if each is None else float(each) for each in column] if real else list(column)
            for real, column in zip(self.real, columns, strict=True)
        ]


@lru_cache
def _with_arrays(sql: str) -> _WithArrays | None:
    marked = _AT_ONCE.search(sql)
    if marked is None:
        return None
    types = marked[1].split(", ")
    arrays = ", ".join(f"?::{each}[]" for each in types)
    made = f"{sql[: marked.start()]}SELECT * FROM unnest({arrays}){sql[marked.end() :]}"  # noqa: S608 - types
    return _WithArrays(_translated(made), tuple(each == "double precision" for each in types))


def _line(error: psycopg.Error, url: str) -> str:
    """The first line of what the error says, without the password; the others guess or advise."""
    text = next(iter(str(error).splitlines()), "").strip() or type(error).__name__
    try:
        password = psycopg.conninfo.conninfo_to_dict(url).get("password")
    except psycopg.Error:
        password = None
    return text.replace(str(password), "…") if password else text
