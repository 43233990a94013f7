"""What the process draws on: memory, CPU and open files, measured against limits of the app's own.

The limits are small, far below what a laptop has: they are what the figures are compared with, so that a
fault can bring the app to its limit while the machine has plenty left.
"""

import time
from dataclasses import dataclass
from typing import Protocol

import psutil


class ResourceEvents(Protocol):
    """Who wants to know what the process draws on."""

    def memory_used(self, used_bytes: int, limit_bytes: int) -> None:
        """Take note of the resident memory, and of its limit."""
        ...

    def cpu_used(self, seconds: float, limit_cores: float) -> None:
        """Take note that the process used so many CPU seconds more, and of its limit in cores."""
        ...

    def files_open(self, files: int) -> None:
        """Take note how many file descriptors are open."""
        ...


class Meter(Protocol):
    """Where the figures of a process are read."""

    def memory_bytes(self) -> int:
        """Return the resident memory."""
        ...

    def cpu_seconds(self) -> float:
        """Return the CPU time used since the process began, of all its threads."""
        ...

    def open_files(self) -> int:
        """Return the number of open file descriptors."""
        ...


class ProcessMeter:
    """Reads the figures of this process."""

    def __init__(self) -> None:
        self._process = psutil.Process()

    def memory_bytes(self) -> int:
        """Return the resident memory."""
        return int(self._process.memory_info().rss)

    def cpu_seconds(self) -> float:
        """Return the CPU time of all threads; finer than psutil's, which counts in ticks of 10 ms."""
        return time.process_time()

    def open_files(self) -> int:
        """Return the number of open file descriptors."""
        return int(self._process.num_fds())


@dataclass(frozen=True, slots=True)
class Limits:
    """What the process is meant to stay below; nothing enforces it."""

    memory_bytes: int
    cpu_cores: float


class Resources:
    """Tells what the process draws on."""

    def __init__(self, meter: Meter, limits: Limits, events: ResourceEvents) -> None:
        self._meter = meter
        self._limits = limits
        self._events = events
        self._cpu_told = 0.0
        self.observe()

    def observe(self) -> None:
        """Measure, and tell; the first time tells the CPU time since the process began."""
        self._events.memory_used(self._meter.memory_bytes(), self._limits.memory_bytes)
        seconds = self._meter.cpu_seconds()
        self._events.cpu_used(seconds - self._cpu_told, self._limits.cpu_cores)
        self._cpu_told = seconds
        self._events.files_open(self._meter.open_files())
