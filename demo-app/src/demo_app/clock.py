"""Time, injected: the clock that every mechanism reads, and the loop that repeats a step."""

import threading
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Where a mechanism reads the time."""

    def monotonic(self) -> float:
        """Return seconds that never jump, for durations and deadlines."""
        ...

    def time(self) -> float:
        """Return seconds since the epoch, for timestamps that leave the process."""
        ...


class SystemClock:
    """The clock of the machine."""

    def monotonic(self) -> float:
        """Return the seconds of the machine's monotonic clock."""
        return time.monotonic()

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return time.time()


class Repeater:
    """Calls a step in a thread of its own; the step returns the seconds until its next turn.

    Who gives `wake` can set it to have the next turn at once.
    """

    def __init__(self, name: str, step: Callable[[], float], wake: threading.Event | None = None) -> None:
        self.name = name
        self._step = step
        self._wake = wake or threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs; false before `start`, after `stop` and when a step raised."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread; its first step comes at once."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 2.0) -> None:
        """Ask the thread to end, and wait for it at most `timeout_seconds`."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(max(0.0, self._step()))
            self._wake.clear()
