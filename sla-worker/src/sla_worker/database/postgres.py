"""PostgreSQL behind the seam: one session, one writer by an advisory lock of the schema.

The only module that imports psycopg, and only imported for a postgresql:// URL.
"""

from __future__ import annotations

import os
import re
import select
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
# A commit that a crash of the server takes back would have a mail sent twice.
_LASTING = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
_TAKE_LOCK = "SELECT pg_try_advisory_lock(%s) AS taken"
_HOLDER = """
SELECT a.application_name AS name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND ((l.classid::bigint << 32) | l.objid::bigint) = %s
"""


class PostgreSQL:
    """The dialect of one schema, the first of the URL's search_path. With `read_only` no lock is taken."""

    def __init__(self, url: str, *, read_only: bool) -> None:
        self.place = shown(url)
        self.writable = not read_only
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None
        self._lost: str | None = None

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
        """One statement for each of the rows, in one round trip."""
        with self._clear("written") as connection, connection.cursor() as cursor:
            cursor.executemany(_translated(sql), [tuple(each) for each in rows])

    def rows(self, sql: str, values: Values) -> list[Row]:
        """All rows of a query by the names of their columns."""
        with self._clear("read") as connection, connection.cursor() as cursor:
            cursor.execute(_translated(sql), tuple(values))
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def begin(self) -> None:
        """Begin a transaction that may write."""
        self.execute("BEGIN", ())

    def commit(self) -> None:
        """Keep what the transaction did."""
        self.execute("COMMIT", ())

    def rollback(self) -> None:
        """Undo what the transaction did; the end of a connection has done so by itself."""
        connection = self._connection
        if connection is None or connection.closed:
            return
        if connection.info.transaction_status != TransactionStatus.IDLE:
            self.execute("ROLLBACK", ())

    def statements(self, script: str) -> Iterator[str]:
        """The statements of a script, with the words of SQLite in it replaced."""
        script = re.sub(r"--[^\n]*", "", script).replace("WITHOUT ROWID", "")
        script = re.sub(r"\bINTEGER\b", "BIGINT", script)
        for statement in script.split(";"):
            if statement.strip():
                yield statement

    def misplaced(self) -> str | None:
        """Why nothing can be stored since the connection was lost; None while it stands."""
        return self._lost

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
        self.close()
        try:
            self._connection = self._connect()
        except DatabaseLockedError:
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

    def _connect(self) -> psycopg.Connection[Any]:
        given = {**_CONNECT, "application_name": f"sla_worker on {socket.gethostname()[:30]}, {os.getpid()}"}
        try:
            wanted = psycopg.conninfo.conninfo_to_dict(self._url)
        except psycopg.Error as error:  # its message shows the URL, and the password in it
            raise DatabaseError(
                f"{self.place}: cannot be understood; give a URL like postgresql://user:password@host:5432/sla"
            ) from error
        try:
            connection = psycopg.connect(**{**given, **wanted}, autocommit=True, client_encoding="UTF8")
        except psycopg.Error as error:
            raise DatabaseError(
                f"{self.place}: cannot be reached ({_line(error, self._url)}); check SLA_DATABASE_URL and the"
                " server"
            ) from error
        connection.adapters.register_loader("numeric", _Number)
        connection.adapters.register_dumper(str, _Text)
        try:
            connection.execute("SET lock_timeout = '10s'")  # as long as SQLite waits for others
            connection.execute("SET jit = off")  # compiling takes seconds here, the statements milliseconds
            if self.writable:
                connection.execute(_LASTING)
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

    def _take_lock(self, connection: psycopg.Connection[Any]) -> None:
        [schema, key] = connection.execute(_LOCK_KEY).fetchone() or (None, None)
        if schema is None:
            raise DatabaseError(f"{self.place}: its search_path names no schema that is there; create it")
        [taken] = connection.execute(_TAKE_LOCK, (key,)).fetchone() or (False,)
        if not taken:
            [holder] = connection.execute(_HOLDER, (key,)).fetchone() or ("another program",)
            raise DatabaseLockedError(
                f"{self.place}: {holder} already writes to it; stop that one (perhaps the service) first"
            )

    @contextmanager
    def _clear(self, what: str) -> Iterator[psycopg.Connection[Any]]:
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
    try:
        parts = urlsplit(url)
        user, host = parts.username, parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "postgresql://…"
    if ":" in host:
        host = f"[{host}]"
    return f"postgresql://{f'{user}@' if user else ''}{host}{port}{parts.path}"


@lru_cache(maxsize=256)
def _translated(sql: str) -> Any:
    """The placeholders of psycopg in place of `?`."""
    return sql.replace("%", "%%").replace("?", "%s")


def _line(error: psycopg.Error, url: str) -> str:
    """The first line of what the error says, without the password; the others guess or advise."""
    text = next(iter(str(error).splitlines()), "").strip() or type(error).__name__
    try:
        password = psycopg.conninfo.conninfo_to_dict(url).get("password")
    except psycopg.Error:
        password = None
    return text.replace(str(password), "…") if password else text
