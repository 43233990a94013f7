"""The app's own volume: a directory with a quota, and the fault that fills it.

The quota holds for the app's own jobs, which ask for room before they write. SQLite does not ask: a full
volume stops backups, never a request.
"""

import contextlib
import errno
import math
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Final, Protocol

from demo_app import catalogue as known
from demo_app.faults import Faults

CAPACITY_BYTES: Final = 32 * 2**20
"""Room for three copies of the database with a year of usage (8 MB each) and for SQLite's write-ahead log."""

BALLAST_NAME: Final = "ballast"
CHUNK: Final = b"\xa5" * 2**20
"""What the ballast grows by in one turn, at most: written in a millisecond, so that nothing waits for it."""

GROWING_SECONDS: Final = 0.05
IDLE_SECONDS: Final = 0.25


class VolumeEvents(Protocol):
    """Notified of how full the volume is."""

    def volume_used(self, used_bytes: int, capacity_bytes: int) -> None:
        """Record how many bytes are in use, of how many that there are."""
        ...


class Volume:
    """A directory with a quota in bytes; a temporary one if none is given.

    A ballast that a killed process left behind is removed.
    """

    def __init__(
        self, directory: Path | None, *, events: VolumeEvents, capacity_bytes: int = CAPACITY_BYTES
    ) -> None:
        self.capacity_bytes = capacity_bytes
        self._events = events
        temporary = Path(tempfile.mkdtemp(prefix="demo-app-")) if directory is None else None
        self.path = temporary or directory or Path()
        self.close = weakref.finalize(self, _remove, temporary)
        """Removes a temporary directory; call it at the end, when nothing is being written."""
        self.ballast_path.unlink(missing_ok=True)
        self.observe()

    @property
    def ballast_path(self) -> Path:
        """Where the ballast lies while there is one."""
        return self.path / BALLAST_NAME

    def used_bytes(self) -> int:
        """Return the size of all files below the directory, read from the file system."""
        return _bytes_below(self.path)

    def require(self, size: int) -> None:
        """Reserve room before a write; raises OSError with ENOSPC when that many bytes do not fit."""
        free = max(0, self.capacity_bytes - self.used_bytes())
        if size > free:
            reason = f"{os.strerror(errno.ENOSPC)}: {size} bytes do not fit, {free} are free"
            raise OSError(errno.ENOSPC, reason, str(self.path))

    def observe(self) -> None:
        """Tell how full the volume is."""
        self._events.volume_used(self.used_bytes(), self.capacity_bytes)


class DiskBallast:
    """Fills the volume while the fault is active: a file of real bytes, a chunk a turn."""

    def __init__(self, volume: Volume, faults: Faults) -> None:
        self._volume = volume
        self._faults = faults
        self._held = 0

    def step(self) -> float:
        """Grow or shrink the file towards the fault's share of the capacity; return the seconds to wait.

        Raises OSError when the machine's own disk takes no more.
        """
        share = self._faults.intensity(known.DISK_FILL)
        if share is None:
            self.release()
            return IDLE_SECONDS
        others = self._volume.used_bytes() - self._held
        goal = max(0, math.ceil(share * self._volume.capacity_bytes) - others)
        if goal < self._held:
            os.truncate(self._volume.ballast_path, goal)
            self._held = goal
        elif goal > self._held:
            self._grow(min(goal - self._held, len(CHUNK)))
        return IDLE_SECONDS if self._held == goal else GROWING_SECONDS

    def release(self) -> None:
        """Remove the file."""
        if self._held:
            self._volume.ballast_path.unlink(missing_ok=True)
            self._held = 0

    def _grow(self, size: int) -> None:
        try:
            with self._volume.ballast_path.open("ab") as file:
                file.write(CHUNK[:size])
        finally:  # what a full disk still took is there too
            self._held = self._volume.ballast_path.stat().st_size


def _bytes_below(directory: Path | str) -> int:
    total = 0
    # What has vanished in the meantime, or cannot be read, does not count.
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    total += _bytes_below(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def _remove(directory: Path | None) -> None:
    if directory is not None:
        shutil.rmtree(directory, ignore_errors=True)
