"""No lock of the app is held while it logs: a log handler may come back, to count or to ask."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from types import FrameType

import pytest

from demo_app.catalogue import SPECS
from demo_app.catalogue import names as known
from demo_app.system import System
from unit.demo_app.simulation import Simulation
from waiting import patience


class Locks(logging.Handler):
    """At each record, notes which objects on the way to it hold a lock of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[str] = []
        self.held: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record.getMessage())
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            owner = frame.f_locals.get("self")
            for name, value in getattr(owner, "__dict__", {}).items():
                # The simulation has no other thread: a lock that is taken is taken by one of these calls.
                if name == "_lock" and value.locked():
                    self.held.add(f"{type(owner).__name__}: {record.getMessage()}")
            frame = frame.f_back


@pytest.fixture
def locks() -> Locks:
    return Locks()


@pytest.fixture(autouse=True)
def installed(locks: Locks) -> object:
    logger = logging.getLogger("demo_app")
    level = logger.level
    logger.addHandler(locks)
    logger.setLevel(logging.DEBUG)
    yield
    logger.removeHandler(locks)
    logger.setLevel(level)


@pytest.mark.parametrize("fault", [spec.name for spec in SPECS])
def test_no_lock_is_held_while_a_fault_is_logged(fault: str, locks: Locks) -> None:
    simulation = Simulation()
    simulation.run(2)

    simulation.faults.start(fault, duration_seconds=5)
    simulation.run(8)  # it ends by itself, and whoever asks first logs it
    simulation.faults.start(fault)
    simulation.faults.stop(fault)
    simulation.faults.start(fault)
    simulation.faults.stop_all()

    assert sum(f"fault ended fault={fault}" == each for each in locks.records) == 3
    assert locks.held == set()


@pytest.mark.parametrize(
    "ask",
    [
        lambda system: system.sessions.counts(),
        lambda system: system.sessions.observe(),
        lambda system: system.sessions.used(1),
        lambda system: system.database.release(system.database.lease()),
        lambda system: system.orchestrator.batch.step(),
        lambda system: system.bus.step(),
    ],
    ids=["sessions", "sessions' observer", "a session", "database", "batch", "bus"],
)
def test_no_lock_is_held_by_the_part_that_first_finds_a_fault_ended(
    ask: Callable[[System], object], locks: Locks
) -> None:
    simulation = Simulation()
    for spec in SPECS:
        simulation.faults.start(spec.name, duration_seconds=5)

    simulation.clock.now += 6
    ask(simulation.system)

    assert sum(each.startswith("fault ended") for each in locks.records) == len(SPECS)
    assert locks.held == set()


def test_a_lock_that_is_held_would_be_seen(locks: Locks) -> None:
    class Holder:
        def __init__(self) -> None:
            self._lock = threading.Lock()

        def log(self) -> None:
            with self._lock:
                logging.getLogger("demo_app.here").info("a record")

    Holder().log()

    assert locks.held == {"Holder: a record"}


def test_a_log_handler_may_ask_which_faults_are_active() -> None:
    simulation = Simulation()
    seen: list[float | None] = []

    class Asking(logging.Handler):
        def createLock(self) -> None:  # noqa: N802  # logging's name
            """Have none: a handler that hangs would keep the end of the test run waiting."""
            self.lock = None

        def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002  # any record
            seen.append(simulation.faults.intensity(known.ERRORS))

    handler = Asking()
    logger = logging.getLogger("demo_app.faults")
    logger.addHandler(handler)
    try:
        # A thread of its own: one that waits for itself would never end, and the test with it.
        starting = threading.Thread(target=lambda: simulation.faults.start(known.ERRORS, 0.5), daemon=True)
        starting.start()
        starting.join(patience(20))
        assert not starting.is_alive(), "the handler waits for the lock that its own caller holds"
    finally:
        logger.removeHandler(handler)
    assert seen == [0.5]
