"""The scan of the app's components: each module is read and compared with what it was at the start."""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from demo_app import catalogue as known
from demo_app.clock import Clock
from demo_app.faults import Faults

log = logging.getLogger(__name__)


class ScanEvents(Protocol):
    """Notified of scans."""

    def scan_ended(self, components: int, scanned: int, at: float) -> None:
        """Record a scan at `at`, in epoch seconds, that could check `scanned` of the components."""
        ...


@dataclass(frozen=True, slots=True)
class ScanReading:
    """What the last scan found; `at` is when it ended, in epoch seconds.

    `changed` names the modules that were other than at the start.
    """

    components: int
    scanned: int
    changed: tuple[str, ...]
    at: float


class ComponentScan:
    """Checks every module below some directories; a file that cannot be read is not scanned.

    It scans once when it is made. One thread calls `run`; `reading` may be called from every thread.
    """

    def __init__(
        self, directories: Iterable[Path], *, faults: Faults, clock: Clock, events: ScanEvents
    ) -> None:
        self._faults = faults
        self._clock = clock
        self._events = events
        paths = sorted(
            (str(path.relative_to(directory.parent)), path)
            for directory in directories
            for path in directory.rglob("*.py")
        )
        self._manifest: Mapping[str, tuple[Path, str]] = {name: (path, _digest(path)) for name, path in paths}
        self.run()

    def run(self) -> int:
        """Scan every component, and return how many could be read; what is wrong is logged."""
        refused = self._refused()
        changed: list[str] = []
        unread: list[str] = []
        for index, (name, (path, digest)) in enumerate(self._manifest.items()):
            # Nothing can lie below a file: that is how the system is made to refuse it.
            place = path / "refused" if index < refused else path
            try:
                if _digest(place) != digest:
                    changed.append(name)
            except OSError:
                unread.append(name)
        for word, names in (("not readable", unread), ("changed since the start", changed)):
            if names:
                log.warning("components %s count=%d names=%s", word, len(names), ",".join(names))
        scanned = len(self._manifest) - len(unread)
        self._reading = ScanReading(len(self._manifest), scanned, tuple(changed), self._clock.time())
        self._events.scan_ended(self._reading.components, scanned, self._reading.at)
        return scanned

    def reading(self) -> ScanReading:
        """Return what the last scan found."""
        return self._reading

    def _refused(self) -> int:
        share = self._faults.intensity(known.SCAN_GAP)
        return 0 if share is None else max(1, round(share * len(self._manifest)))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
