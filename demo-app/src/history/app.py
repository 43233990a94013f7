"""The whole demo-app on a clock of its own and without threads: a minute of traffic takes milliseconds."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from demo_app.clock import Clock
from demo_app.settings import Settings
from demo_app.system import build
from demo_app.workers import Worker, WorkerCrashError

MEMORY_AT_REST = 60 * 2**20
CPU_AT_REST = 0.01

Step = Callable[[], float]
"""A turn of a thread's loop; it returns the seconds until the next one."""


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_800_000_000.0 + self.now


class InventedBlock:
    """Memory that is only counted."""

    def __init__(self, close: Callable[[], None]) -> None:
        self.close = close


class InventedMachine:
    """Uses 60 MiB, a hundredth of a core and 20 files, and what it is made to use beside that."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self.held = 0
        self.burnt = 0.0
        self.bursts: list[float] = []
        self.exhausted = False

    def memory_bytes(self) -> int:
        return MEMORY_AT_REST + self.held

    def cpu_seconds(self) -> float:
        return CPU_AT_REST * (self._clock.monotonic() - self._began) + self.burnt

    def open_files(self) -> int:
        return 20

    def allocate(self, size: int) -> InventedBlock:
        if self.exhausted:
            raise OSError(12, "Cannot allocate memory")
        self.held += size
        return InventedBlock(lambda: self._give_back(size))

    def burn(self, seconds: float) -> None:
        self.burnt += seconds
        self.bursts.append(seconds)

    def _give_back(self, size: int) -> None:
        self.held -= size


class SimulatedApp:
    """Runs a demo-app step by step; `registry` holds its metrics."""

    def __init__(self, rate: float = 5.0, seed: int = 1) -> None:
        self.clock = SetClock()
        self.registry = CollectorRegistry()
        self.machine = InventedMachine(self.clock)
        self.system = build(
            Settings(rate=rate, seed=seed),
            self.clock,
            self.registry,
            spawn=self._spawned,
            machine=self.machine,
        )
        self.faults = self.system.faults
        self.orchestrator = self.system.orchestrator
        self._steps: dict[str, tuple[Step, threading.Event]] = {
            "traffic": (self.system.traffic.step, threading.Event()),
            "supervisor": (self.system.supervisor.step, threading.Event()),
            "housekeeping": (self.system.housekeeping.step, threading.Event()),
            "pressure": (self.system.pressure.step, threading.Event()),
            **{
                worker.name: (functools.partial(_turn_of, worker), worker.changed)
                for worker in self.orchestrator.workers
            },
            "bus": (self.system.bus.step, self.system.bus.changed),  # after those who publish
        }
        self._due = dict.fromkeys(self._steps, self.clock.now)
        self.orchestrator.start()

    def run(self, seconds: float) -> None:
        """Let `seconds` pass, with every thread's turn when it is due."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self._turn()
            woken = any(changed.is_set() for _, changed in self._steps.values())
            following = self.clock.now if woken else min(self._due.values())
            # A smaller step could be lost in rounding.
            self.clock.now = min(end, max(following, self.clock.now + 1e-6))

    def _turn(self) -> None:
        """Give each thread its turn, if that is due or the thread was woken."""
        for name, (step, changed) in self._steps.items():
            if changed.is_set():
                changed.clear()
            elif self._due[name] > self.clock.now:
                continue
            self._due[name] = self.clock.now + step()

    def _spawned(self, _target: object, name: str) -> None:
        """A worker was started: its thread would turn at once."""
        self._due[name] = self.clock.now


def _turn_of(worker: Worker) -> float:
    """A turn of a worker; for one that is down there is none until it is started again."""
    try:
        turn = worker.turn() if worker.alive else None
    except WorkerCrashError:  # as in a thread of its own, it has ended and the others go on
        turn = None
    return math.inf if turn is None else turn
