"""What the process draws on: memory, CPU and open files, measured against limits of the app's own.

The limits are small, far below what a laptop has: they are what the figures are compared with, so that a
fault can bring the app to its limit while the machine has plenty left.
"""

import time
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

import psutil

from demo_app.clock import Clock

CPU_WINDOW_SECONDS: Final = 10.0
"""Over which time the use of the CPU is averaged: long enough to hold a hundred turns of every thread."""


class ResourceEvents(Protocol):
    """Notified of what the process draws on."""

    def memory_used(self, used_bytes: int, limit_bytes: int) -> None:
        """Record the resident memory, and of its limit."""
        ...

    def cpu_used(self, seconds: float, limit_cores: float) -> None:
        """Record the CPU seconds used since the last report, and the limit in cores."""
        ...

    def files_open(self, files: int) -> None:
        """Record how many file descriptors are open."""
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


@dataclass(frozen=True, slots=True)
class ResourceReading:
    """What the process drew on when it was measured last.

    `cpu_cores` is the average of the last CPU_WINDOW_SECONDS: of less after the start, of more after a stall,
    and 0 before the second measurement.
    """

    memory_bytes: int
    cpu_cores: float
    open_files: int


class Resources:
    """Shows what the process draws on; `reading` may be called from every thread."""

    def __init__(self, meter: Meter, limits: Limits, *, clock: Clock, events: ResourceEvents) -> None:
        self.limits = limits
        self._meter = meter
        self._clock = clock
        self._events = events
        self._cpu_told = 0.0
        self._cpu: deque[tuple[float, float]] = deque()
        self._reading = ResourceReading(0, 0.0, 0)
        self.observe()

    def observe(self) -> None:
        """Measure and report; the first report covers the CPU time since the process started."""
        memory, seconds, files = (
            self._meter.memory_bytes(),
            self._meter.cpu_seconds(),
            self._meter.open_files(),
        )
        self._events.memory_used(memory, self.limits.memory_bytes)
        self._events.cpu_used(seconds - self._cpu_told, self.limits.cpu_cores)
        self._events.files_open(files)
        self._cpu_told = seconds
        self._reading = ResourceReading(memory, self._average(seconds), files)

    def reading(self) -> ResourceReading:
        """Return what was measured last."""
        return self._reading

    def _average(self, seconds: float) -> float:
        now = self._clock.monotonic()
        self._cpu.append((now, seconds))
        while len(self._cpu) > 1 and now - self._cpu[1][0] >= CPU_WINDOW_SECONDS:
            self._cpu.popleft()
        began, before = self._cpu[0]
        return (seconds - before) / (now - began) if now > began else 0.0
