"""An upgrade of a ledger: made in a copy, compared with what it was, and only then put in its place."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sla_worker.database.copies import backup
from sla_worker.database.engine import Engine, Row
from sla_worker.database.place import aside, discard, move_logs, take_lock
from sla_worker.database.sqlite import SQLite, write_log_into
from sla_worker.errors import DatabaseError

_FIGURES = ("sla_measurements", "sla_hours", "sla_daily_summaries")
_SAME = 1e-9  # sums of the same numbers in another order
_MOST_SHOWN = 3

Rows = Callable[[str], list[Row]]
"""Asks a database."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What must be the same after an upgrade. `rows`: of each table. `sums`: its good and total events.

    `months`: the digest of what was frozen, by month and revision. `dangling`: rows that refer to rows
    which are not there.
    """

    schema: int
    rows: Mapping[str, int]
    sums: Mapping[str, tuple[float, float]]
    months: Mapping[str, str]
    dangling: int = 0


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade found and made; `former` is the ledger as it was, kept until somebody removes it."""

    before: Survey
    after: Survey
    former: Path


def upgrade(path: Path, *, clock: Callable[[], float] = time.time) -> Upgraded:
    """Bring the ledger in a file to the schema of this version; no worker may have it open.

    Raises DatabaseError; then the ledger is the file that it was, untouched. So it is after a kill too.
    """
    copy = Path(f"{path}.upgrading")
    with take_lock(path, str(path)):
        write_log_into(path)
        try:
            discard(copy)  # one that was killed has left its log, which would be played into this copy
            backup(path, copy, force=True)
            before = _survey_of(path)
            Engine(SQLite(copy, read_only=False), clock=clock).close()
            after = _survey_of(copy)
            refuse_differences(str(path), before, after)
            former = aside(path, "before-upgrade", clock())
            shutil.copymode(path, copy)
            os.link(path, former)
            copy.replace(path)
        except OSError as error:
            raise DatabaseError(f"{path}: cannot be upgraded ({error}); check space and rights") from error
        except DatabaseError as error:
            raise DatabaseError(
                f"{str(error).replace(str(copy), str(path))} (the upgrade was undone)"
            ) from error
        finally:
            discard(copy)
    return Upgraded(before, after, former)


def go_back(path: Path, former: Path, *, clock: Callable[[], float] = time.time) -> Path:
    """Put the ledger as it was before an upgrade in its place again. Returns where the other one is kept.

    Only names change, so it works on a full disk. Raises DatabaseError; then nothing has changed.
    """
    _survey_of(former)
    with take_lock(path, str(path)):
        kept = aside(path, "upgraded", clock())
        try:
            try:
                write_log_into(path)
            except DatabaseError:  # whatever happened to it: its log must not be played into the other one
                move_logs(path, kept)
            if path.exists():
                os.link(path, kept)
            former.replace(path)
        except OSError as error:
            raise DatabaseError(f"{path}: cannot be replaced ({error}); check the directory") from error
    return kept


def survey(rows: Rows, tables: Sequence[str]) -> Survey:
    """What a ledger holds, by questions that every schema since the first one answers."""
    [newest] = rows("SELECT MAX(version) AS version FROM schema_migrations")
    counts, sums = {}, {}
    for table in tables:
        [found] = rows(f"SELECT COUNT(*) AS rows FROM {table}")  # noqa: S608 - a table that is there
        counts[table] = int(found["rows"])
    for table in (each for each in _FIGURES if each in counts):
        [found] = rows(f"SELECT SUM(good_events) AS good, SUM(total_events) AS total FROM {table}")  # noqa: S608
        sums[table] = (float(found["good"] or 0), float(found["total"] or 0))
    return Survey(
        int(newest["version"] or 0), counts, sums, _months(rows) if "sla_monthly_reports" in counts else {}
    )


def differences(before: Survey, after: Survey) -> list[str]:
    """What an upgrade lost or changed, a line each; empty when all is there."""
    found = []
    for table, count in before.rows.items():
        if table != "schema_migrations" and after.rows.get(table) != count:
            found.append(f"{table}: {count} rows before, {after.rows.get(table, 'no table')} after")
    if after.dangling > before.dangling:
        found.append(f"{after.dangling} rows refer to rows that are not there, {before.dangling} before")
    for table, sums in before.sums.items():
        now = after.sums.get(table, (math.nan, math.nan))
        if not all(math.isclose(a, b, rel_tol=_SAME) for a, b in zip(sums, now, strict=True)):
            found.append(f"{table}: good and total events {sums} before, {now} after")
    found += [
        f"the frozen month {name} differs"
        for name, each in before.months.items()
        if after.months.get(name) != each
    ]
    return found


def refuse_differences(place: str, before: Survey, after: Survey) -> None:
    """Raise DatabaseError unless all that was there is there."""
    if found := differences(before, after):
        more = f" and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
        raise DatabaseError(
            f"{place}: schema {after.schema} would not hold what schema {before.schema} holds"
            f" ({'; '.join(found[:_MOST_SHOWN])}{more}); stay with the former version and report this"
        )


def _months(rows: Rows) -> dict[str, str]:
    """One month after the other: of thousands of SLAs each may have many megabytes."""
    found = {}
    for row in rows("SELECT month, revision FROM sla_monthly_reports ORDER BY month, revision"):
        month, revision = str(row["month"]), int(row["revision"])
        [texts] = rows(
            "SELECT document, content FROM sla_monthly_reports"  # noqa: S608 - quoted
            f" WHERE month = '{month.replace(chr(39), chr(39) * 2)}' AND revision = {revision}"
        )
        digest = hashlib.sha256(f"{texts['document']}\0{texts['content']}".encode())
        found[f"{month}, revision {revision}"] = digest.hexdigest()
    return found


def _survey_of(path: Path) -> Survey:
    """Of a file; raises DatabaseError for one that is damaged."""
    database = SQLite(path, read_only=True)
    try:
        database.open()

        def rows(sql: str) -> list[Row]:
            return database.rows(sql, ())

        said = [str(next(iter(row.values()))) for row in rows("PRAGMA integrity_check")]
        if said != ["ok"]:
            raise DatabaseError(f"{path}: is damaged ({said[0]}); use a backup")
        names = rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        found = survey(rows, [str(row["name"]) for row in names])
        return replace(found, dangling=len(rows("PRAGMA foreign_key_check")))
    finally:
        database.close()
