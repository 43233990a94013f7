"""An upgrade of a ledger in PostgreSQL: one transaction, after a copy of all its rows into a file.

The transaction undoes a migration that fails; the file is for what fails after it. It is a ledger of SQLite
of the schema that was there: no tool has to be installed for it, and none has to fit the server's version.
"""

from __future__ import annotations

import glob
import re
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sla_worker.database.bulk import Bulk
from sla_worker.database.dialects import is_url
from sla_worker.database.engine import Row, apply, record, refuse_newer, scripts
from sla_worker.database.moving import bulk_of, copy_rows, verify
from sla_worker.database.place import aside, discard
from sla_worker.database.sqlite_bulk import SQLiteBulk
from sla_worker.database.upgrading import Upgraded, refuse_differences, survey
from sla_worker.errors import DatabaseError

_RECORDED = "schema_migrations"
_KEPT = "before-upgrade"
_MADE = re.compile(r"(?:CREATE TABLE|RENAME TO) (\w+)")

Tell = Callable[[str], None]


def upgrade_schema(url: str, beside: Path, *, tell: Tell, clock: Callable[[], float] = time.time) -> Upgraded:
    """Bring the ledger to this version's schema; `beside` begins the name of the file with its copy.

    No worker may write to it. Raises DatabaseError; then nothing has changed, and there is no file. But where
    the server's answer to the end of the transaction is lost, the file stays, and the error names it.
    """
    former = aside(beside, _KEPT, clock())
    with closing(_opened(url)) as ledger:
        schema = _schema(ledger)
        for killed in beside.parent.glob(f"{glob.escape(beside.name)}.{_KEPT}-*.partial"):
            discard(killed)  # by whoever had the lock before: as large as the ledger, and no use to anybody
        ledger.begin(patient=True)
        try:
            ledger.execute("SET LOCAL statement_timeout = 0", ())
            tables = [each for each in ledger.tables() if each in _ours()]
            before = survey(lambda sql: _rows(ledger, sql), tables)
            _copy_into(former, ledger, schema, clock(), tell)
            for version, script in scripts().items():
                if version > schema:
                    apply(ledger, version, script, clock())
            tables = [each for each in ledger.tables() if each in _ours()]
            after = survey(lambda sql: _rows(ledger, sql), tables)
            refuse_differences(ledger.place, before, after)
        except BaseException as error:
            former.unlink(missing_ok=True)
            ledger.rollback()
            if isinstance(error, DatabaseError):
                raise DatabaseError(f"{error} (the upgrade was undone)") from error
            raise
        try:
            ledger.commit()
        except DatabaseError as error:
            raise DatabaseError(
                f"{error} (it may be upgraded or as it was; as it was, it is in {former})"
            ) from error
    return Upgraded(before, after, former)


def go_back_schema(url: str, former: Path, *, tell: Tell, clock: Callable[[], float] = time.time) -> None:
    """Put the rows of a file in the place of the ledger's, in one transaction; the file stays.

    Raises DatabaseError; then nothing has changed.
    """
    if not former.is_file():
        raise DatabaseError(f"{former}: there is no such file; give the one that the upgrade has named")
    with closing(SQLiteBulk(former, read_only=True)) as source, closing(_opened(url)) as ledger:
        source.open()
        schema = _schema(source)

        def make() -> None:
            there = [each for each in ledger.tables() if each in _ours()]
            if there:
                ledger.execute(f"DROP TABLE {', '.join(there)} CASCADE", ())
            _make(ledger, schema, clock())

        with ledger.filling(make):
            tables = source.tables()
            sums = copy_rows(source, ledger, tables, tell)
            verify(ledger, tables, sums, tell)


def is_there(place: str | Path) -> bool:
    """Whether there is anything at a place that could be a ledger. Raises DatabaseError."""
    if not is_url(place):
        return Path(place).exists()
    with closing(_opened(str(place))) as ledger:
        return "ledger" in ledger.tables()


def _copy_into(file: Path, ledger: Bulk, schema: int, now: float, tell: Tell) -> None:
    """All rows of the ledger, as a ledger in a file, which appears once it was read again."""
    partial = Path(f"{file}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(SQLiteBulk(partial, read_only=False)) as copy:
            copy.open()
            with copy.filling(lambda: _make(copy, schema, now)):
                tables = copy.tables()
                sums = copy_rows(ledger, copy, tables, tell)
                verify(copy, tables, sums, tell)
            copy.rows("PRAGMA journal_mode = DELETE", ())
        partial.replace(file)
    except OSError as error:
        raise DatabaseError(f"{file}: cannot be written ({error}); check space and rights") from error
    finally:
        discard(partial)


def _make(ledger: Bulk, schema: int, now: float) -> None:
    """The tables of a schema, without a row."""
    record(ledger)
    for version, script in scripts().items():
        if version <= schema:
            apply(ledger, version, script, now)
    for table in ledger.tables():
        if table in _ours():
            ledger.execute(f"DELETE FROM {table}", ())  # noqa: S608 - what a migration writes is copied too


def _opened(url: str) -> Bulk:
    ledger = bulk_of(url)
    try:
        ledger.open()
    except BaseException:
        ledger.close()
        raise
    return ledger


def _schema(ledger: Bulk) -> int:
    if not {"ledger", _RECORDED} <= set(ledger.tables()):
        raise DatabaseError(f"{ledger.place}: is no ledger; see SLA_DATABASE_URL")
    found = int(ledger.rows("SELECT MAX(version) AS version FROM schema_migrations", ())[0]["version"])
    refuse_newer(ledger.place, found)
    return found


def _ours() -> set[str]:
    """The tables that some migration makes; others in the schema are somebody else's."""
    return {
        _RECORDED,
        *(name for each in scripts().values() for name in _MADE.findall(each.read_text("utf-8"))),
    }


def _rows(ledger: Bulk, sql: str) -> list[Row]:
    return ledger.rows(sql, ())
