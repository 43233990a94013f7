"""A ledger copied to another place, from one kind of database to the other: all of it, or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sla_worker.database.bulk import Bulk, Sum
from sla_worker.database.dialects import is_url, with_driver
from sla_worker.database.engine import apply, newest_schema, record, refuse_newer, scripts
from sla_worker.database.moved import refuse_moved
from sla_worker.database.place import discard, log_of, size, take_lock
from sla_worker.database.sqlite_bulk import SQLiteBulk
from sla_worker.errors import DatabaseError

Tell = Callable[[str], None]
_RECORDED = "schema_migrations"
_TELL_SECONDS = 10.0
_MOVED = "SELECT moved_to, moved_at FROM ledger"


@dataclass(frozen=True, slots=True)
class Copied:
    """Where a ledger went, the version of its schema, and how many rows each table has."""

    place: str
    schema: int
    rows: Mapping[str, int]


def copy_ledger(source: str | Path | Bulk, target: str | Path, *, now: float, tell: Tell) -> Copied:
    """Copy a ledger to a place that has none, check the copy, and retire the one that was copied.

    No worker may write to either meanwhile. Every row keeps its ids and its values, so mails that were sent
    stay sent; what is still owed is sent by the copy alone, since nobody writes to a ledger that is retired.
    The source may be one that is not open yet; `tell` takes lines of progress. Raises DatabaseError; then the
    target has nothing, and the source is as it was.
    """
    scheme, sign, _ = str(target).partition("://")
    if sign and not is_url(target):  # a file of that name would be made, and be the ledger from then on
        raise DatabaseError(
            f"{scheme[:20].strip()}://…: is neither the URL of a PostgreSQL nor the path of a file; give a"
            " URL like postgresql://user@host:5432/sla, or a path"
        )
    with closing(_opened(source)) as former:
        schema = _schema(former)
        found = former.rows(_MOVED, ())
        if not found:
            raise DatabaseError(f"{former.place}: is empty; there is nothing to copy")
        refuse_moved(found[0], former.place)
        into = _into_schema(str(target), former, now, tell) if is_url(target) else None
        rows = into or _into_file(Path(target), former, now, tell)
        to = former.rows(_MOVED, ())[0]["moved_to"]
    return Copied(str(to), schema, rows)


def reopen(place: str | Path) -> str | None:
    """Let a ledger be written again that was copied to another place. Returns that; None: it never was."""
    with closing(_opened(place)) as ledger:
        _schema(ledger)
        found = ledger.rows(_MOVED, ())
        ledger.begin()
        ledger.execute("UPDATE ledger SET moved_to = NULL, moved_at = NULL", ())
        ledger.commit()
    return str(found[0]["moved_to"]) if found and found[0]["moved_to"] else None


def copy_rows(source: Bulk, target: Bulk, tables: Mapping[str, Sequence[str]], tell: Tell) -> dict[str, Sum]:
    """Copy all rows of these tables, which are empty in the target. Returns what was read of each."""
    sums = {}
    for table, columns in tables.items():
        total = int(source.rows(f"SELECT COUNT(*) AS rows FROM {table}", ())[0]["rows"])  # noqa: S608
        sums[table] = Sum()
        rows = source.stream(table, columns)
        target.load(table, columns, _seen(rows, target, sums[table], _progress(f"{table}:", total, tell)))
        if total:
            tell(f"{table}: {total:,} rows")
    return sums


def verify(target: Bulk, tables: Mapping[str, Sequence[str]], sums: Mapping[str, Sum], tell: Tell) -> None:
    """Read everything again. Raises DatabaseError unless the target holds what was read."""
    for table, columns in tables.items():
        found, progress = Sum(), _progress(f"{table}, again:", sums[table].rows, tell)
        for _ in _seen(target.stream(table, columns), target, found, progress):
            pass
        if found != sums[table]:
            raise DatabaseError(
                f"{target.place}: {table} does not hold what was written to it ({found.rows:,} rows,"
                f" {sums[table].rows:,} were read); nothing is kept: see whether that disk or server is sound"
            )


def _seen(
    rows: Iterator[tuple[Any, ...]], target: Bulk, seen: Sum, progress: Callable[[int], None]
) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        kept = tuple(target.stored(each) for each in row)
        seen.add(kept)
        yield kept
        if not seen.rows % 1000:
            progress(seen.rows)


def _progress(what: str, total: int, tell: Tell) -> Callable[[int], None]:
    """A line of progress every ten seconds."""
    told = time.monotonic()

    def progress(rows: int) -> None:
        nonlocal told
        if time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            tell(f"{what} {rows:,} of {total:,} rows")

    return progress


def bulk_of(place: str | Path) -> Bulk:
    """What reads and fills the ledger at a place as its only writer, not yet open."""
    if not is_url(place):
        return SQLiteBulk(Path(place), read_only=False)

    def postgresql() -> Bulk:
        from sla_worker.database.postgres_bulk import PostgreSQLBulk  # noqa: PLC0415 - the driver is an extra

        return PostgreSQLBulk(str(place), read_only=False)

    return with_driver(postgresql)


def _opened(source: str | Path | Bulk) -> Bulk:
    """A ledger that is there, as its only writer."""
    place = source if isinstance(source, str | Path) else source.place
    if not is_url(place) and not Path(place).is_file():
        raise DatabaseError(f"{place}: there is no ledger yet; see SLA_DATABASE_PATH")
    ledger = bulk_of(source) if isinstance(source, str | Path) else source
    try:
        ledger.open()
        _require_ledger(ledger)
    except BaseException:
        ledger.close()
        raise
    return ledger


def _require_ledger(ledger: Bulk) -> None:
    if not {_RECORDED, "ledger"} <= set(ledger.tables()):
        raise DatabaseError(f"{ledger.place}: is no ledger; see SLA_DATABASE_PATH")


def _schema(ledger: Bulk) -> int:
    found = int(ledger.rows("SELECT MAX(version) AS version FROM schema_migrations", ())[0]["version"] or 0)
    refuse_newer(ledger.place, found)
    newest = newest_schema()
    if found < newest:
        raise DatabaseError(
            f"{ledger.place}: made by an older version (schema {found}, this one has {newest});"
            " run sla_database once, which brings it up to date, then copy it"
        )
    return found


def _into_file(path: Path, former: Bulk, now: float, tell: Tell) -> Mapping[str, int]:
    """A file appears at the path once all of it is there."""
    if path.exists() and path.stat().st_size:
        raise DatabaseError(f"{path}: is there already; give another path, or move that file away")
    if size(log_of(path)):  # SQLite would play it into the copy
        raise DatabaseError(
            f"{log_of(path)}: is the log of another ledger; move it away, or give another path"
        )
    partial = Path(f"{path}.partial")
    with take_lock(path, str(path)):
        try:
            discard(partial)
            target = SQLiteBulk(partial, read_only=False)

            def finish() -> None:
                said = str(next(iter(target.rows("PRAGMA integrity_check(1)", ())[0].values())))
                if said != "ok":
                    raise DatabaseError(
                        f"{path}: the copy is damaged ({said}); see whether the disk is sound"
                    )
                target.rows("PRAGMA journal_mode = DELETE", ())  # all of it is in the file, and on the disk
                target.close()
                partial.replace(path)

            return _into(target, former, now, tell, _End(str(path.resolve()), finish, path.unlink))
        except OSError as error:
            raise DatabaseError(f"{path}: cannot be written ({error}); give another path") from error
        finally:
            discard(partial)


def _into_schema(url: str, former: Bulk, now: float, tell: Tell) -> Mapping[str, int]:
    target = bulk_of(url)
    ours = set(former.tables())  # which the target had none of

    def undo() -> None:
        made = [table for table in target.tables() if table in ours]
        target.begin()
        target.execute(f"DROP TABLE {', '.join(made)} CASCADE", ())
        target.commit()

    return _into(target, former, now, tell, _End(target.place, lambda: None, undo))


@dataclass(frozen=True, slots=True)
class _End:
    """What a target is called, what makes it a place once it is filled, and what takes it away again."""

    name: str
    finish: Callable[[], None]
    undo: Callable[[], None]


def _into(target: Bulk, former: Bulk, now: float, tell: Tell, end: _End) -> Mapping[str, int]:
    """Fill an empty target, and retire the former one."""
    name = end.name
    with closing(target):
        target.open()
        there = set(target.tables())
        theirs = former.tables()
        taken = sorted(there & set(theirs))
        if taken:
            raise DatabaseError(
                f"{name}: has a table {taken[0]} already; give an empty database, or an empty schema of it:"
                " …?options=-csearch_path%3DSCHEMA"
            )

        def make() -> None:
            record(target)
            for version, script in scripts().items():
                apply(target, version, script, now)
            target.execute(f"DELETE FROM {_RECORDED}", ())  # noqa: S608 - a constant

        former.begin(patient=True)
        try:
            with target.filling(make):
                tables = {table: columns for table, columns in target.tables().items() if table not in there}
                _same(former, theirs, tables)
                sums = copy_rows(former, target, tables, tell)
                tell("all rows are copied; reading them again")
                verify(target, tables, sums, tell)
                former.execute("UPDATE ledger SET moved_to = ?, moved_at = ?", (name, int(now)))
            end.finish()
            _retire(former, end)
        except BaseException:
            former.rollback()
            raise
    return {table: found.rows for table, found in sums.items()}


def _retire(former: Bulk, end: _End) -> None:
    """Let nobody write to the former one any more, or have no copy: two that live would mail twice."""
    try:
        former.commit()
    except DatabaseError as error:
        try:
            end.undo()
        except (DatabaseError, OSError) as second:
            raise DatabaseError(
                f"{error}; the copy in {end.name} is complete and cannot be taken away ({second}): remove"
                " it, then copy again"
            ) from error
        raise


def _same(former: Bulk, theirs: Mapping[str, Sequence[str]], ours: Mapping[str, Sequence[str]]) -> None:
    """Raise DatabaseError unless the tables of a ledger are those that the copy has."""
    for table, columns in ours.items():
        if set(theirs.get(table, ())) != set(columns):
            raise DatabaseError(
                f"{former.place}: its table {table} is not that of this version; somebody has changed it:"
                " use a backup"
            )
