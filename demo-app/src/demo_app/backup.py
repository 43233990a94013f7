"""The backup of the CRM's database: copied by SQLite itself, verified, then put in place of the last one."""

import contextlib
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from demo_app import catalogue as known
from demo_app.clock import Clock
from demo_app.database import FILE_NAME, Database, DatabaseError
from demo_app.faults import Faults
from demo_app.volume import Volume

log = logging.getLogger(__name__)

DIRECTORY_NAME: Final = "backup"
UNVERIFIED_SUFFIX: Final = ".part"


class BackupEvents(Protocol):
    """Notified of backups."""

    def backup_succeeded(self, at: float, size_bytes: int) -> None:
        """Record a backup that was verified at `at`, in epoch seconds."""
        ...

    def backup_kept(self, at: float, size_bytes: int) -> None:
        """There is one from before the start, of `at` in epoch seconds."""
        ...

    def backup_failed(self) -> None:
        """Record a backup that failed."""
        ...


Verify = Callable[[Path, dict[str, int]], None]
"""Raises CopyError unless a copy is intact and has the given number of rows in each table."""


class CopyError(Exception):
    """The copy differs from the original."""


@dataclass(frozen=True, slots=True)
class BackupReading:
    """What became of the backups since the start, and of the last good one, even from before it.

    `last_succeeded` is None before the first run, `last_success_at` (epoch seconds) and `size_bytes` are None
    without a good copy.
    """

    succeeded: int = 0
    failed: int = 0
    last_succeeded: bool | None = None
    last_success_at: float | None = None
    size_bytes: int | None = None


class Backup:
    """Backs the database up into the volume. The last good copy stays until there is a better one.

    One thread calls `run`; `reading` may be called from every thread.
    """

    def __init__(
        self,
        database: Database,
        volume: Volume,
        *,
        faults: Faults,
        clock: Clock,
        events: BackupEvents,
        verify: Verify | None = None,
    ) -> None:
        self._verify = verify or verify_copy
        self._database = database
        self._volume = volume
        self._faults = faults
        self._clock = clock
        self._events = events
        self._reading = BackupReading()
        with contextlib.suppress(OSError):
            kept = self.path.stat()
            self._reading = BackupReading(last_success_at=kept.st_mtime, size_bytes=kept.st_size)
            events.backup_kept(kept.st_mtime, kept.st_size)

    @property
    def path(self) -> Path:
        """Where the last good copy lies."""
        return self._volume.path / DIRECTORY_NAME / FILE_NAME

    def run(self) -> bool:
        """Make a backup, and return whether there is a new one; the reason why not is logged."""
        target = self._target()
        copy = target.with_name(target.name + UNVERIFIED_SUFFIX)
        try:
            target.parent.mkdir(exist_ok=True)
            copy.unlink(missing_ok=True)
            rows = self._copy(copy)
            self._verify(copy, rows)
            size = copy.stat().st_size
            copy.replace(target)
        except (OSError, sqlite3.Error, DatabaseError, CopyError) as error:
            with contextlib.suppress(OSError):
                copy.unlink()
            log.warning("backup failed reason=%s", error)
            self._reading = replace(self._reading, failed=self._reading.failed + 1, last_succeeded=False)
            self._events.backup_failed()
            return False
        now = self._clock.time()
        self._reading = replace(
            self._reading,
            succeeded=self._reading.succeeded + 1,
            last_succeeded=True,
            last_success_at=now,
            size_bytes=size,
        )
        self._events.backup_succeeded(now, size)
        return True

    def reading(self) -> BackupReading:
        """Return what became of the backups so far."""
        return self._reading

    def _target(self) -> Path:
        if self._faults.intensity(known.BACKUP_FAILURE) is None:
            return self.path
        return self._volume.path / FILE_NAME / DIRECTORY_NAME / FILE_NAME  # nothing can lie below a file

    def _copy(self, copy: Path) -> dict[str, int]:
        """Copy the database as it is at one moment, and return its row counts by table."""
        with self._database.connection() as source:
            source.execute("BEGIN")  # reads from here on see the same state, the copy's too
            rows = _rows(source)
            pages, page_bytes = (
                source.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
            )
            self._volume.require(pages * page_bytes)
            with contextlib.closing(sqlite3.connect(copy)) as target:
                source.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")  # one self-contained file
            source.execute("COMMIT")
        return rows


def _rows(connection: sqlite3.Connection) -> dict[str, int]:
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return {
        name: int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608  # our own tables
        for (name,) in tables
    }


def verify_copy(copy: Path, rows: dict[str, int]) -> None:
    """Raise CopyError unless the file is a sound database with the rows that were copied."""
    with contextlib.closing(sqlite3.connect(f"{copy.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            raise CopyError(f"the copy is corrupt: {verdict}")
        found = _rows(connection)
    if found != rows:
        raise CopyError(f"the copy has other rows than the original: {found} instead of {rows}")
