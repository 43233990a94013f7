"""The files beside a ledger of SQLite, by its path: which they are, and the lock of the one writer."""

from __future__ import annotations

import fcntl
import itertools
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from sla_worker.errors import DatabaseError, DatabaseLockedError

Identity = tuple[int, int] | None
"""Device and inode; None: there is no such file."""


def formers(path: Path) -> set[Path]:
    """The former databases of a place that are wholly written."""
    found = set(path.parent.glob(f"{path.name}.former-*"))
    return {each for each in found if each.name.endswith("Z") and Path(f"{each}-journal") not in found}


def aside(path: Path, word: str, now: float | None = None) -> Path:
    """A name beside a place for what was there, with the time in UTC; none that is taken already."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now))
    more = itertools.chain([""], (f".{number}" for number in itertools.count(2)))
    return next(each for end in more if not (each := Path(f"{path}.{word}-{stamp}{end}Z")).exists())


def identity(path: Path) -> Identity:
    """Which file is at a path."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def size(path: Path) -> int:
    """Bytes; 0 when there is no such file."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def log_of(path: Path) -> Path:
    """Where SQLite keeps what is not in the file yet."""
    return Path(f"{path}-wal")


def logs_of(path: Path) -> tuple[Path, Path]:
    """What SQLite keeps beside the file: the log, and its index."""
    return log_of(path), Path(f"{path}-shm")


def lock_of(path: Path) -> Path:
    """The file that the writer locks."""
    return Path(f"{path}.lock")


def discard(path: Path) -> None:
    """Remove a copy and what lies beside it: its log would be played into the next one of that name."""
    for each in (path, *logs_of(path), lock_of(path)):
        each.unlink(missing_ok=True)


def move_logs(path: Path, to: Path) -> None:
    """Move the log along with its file: without that it would be played into the next one."""
    for old, new in zip(logs_of(path), logs_of(to), strict=True):
        if old.exists():
            old.replace(new)


def take_lock(path: Path, place: str) -> TextIO:
    """An advisory lock beside the database; the kernel gives it back when the process dies."""
    lock_path = lock_of(path)
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
    with suppress(OSError):  # whoever is refused is told the number; a full disk has no place for it
        file.truncate(0)
        os.write(file.fileno(), str(os.getpid()).encode())
    return file
