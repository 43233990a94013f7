"""The faults of memory and CPU: blocks that are really held, and cycles that are really burnt.

Both look at what the whole process uses and add what is missing to the fault's share of the app's own limit.
They work in short turns, in a thread of their own, and release the interpreter's lock while they are busy.
"""

import hashlib
import logging
import math
import mmap
import time
from collections.abc import Sequence
from typing import Final, Protocol

from demo_app import catalogue as known
from demo_app.clock import Clock
from demo_app.faults import Faults
from demo_app.resources import Limits, Meter, ProcessMeter

log = logging.getLogger(__name__)

BLOCK_BYTES: Final = 8 * 2**20
SMALLEST_BLOCK_BYTES: Final = 2**16
"""0.04 % of the limit."""

GROWING_SECONDS: Final = 0.05
IDLE_SECONDS: Final = 0.25

TURN_SECONDS: Final = 0.1
BURST_SECONDS: Final = 0.05
"""CPU time of one burst, at most."""

MEMORY_OF_BURNER_SECONDS: Final = 0.25
"""How much CPU the burner makes up for after a stall, and how much it holds against the app after a peak."""


class Block(Protocol):
    """Memory that is held until it is closed."""

    def close(self) -> None:
        """Give the memory back to the system."""
        ...


class Machine(Meter, Protocol):
    """A process whose figures can be read, and which can be made to use more."""

    def allocate(self, size: int) -> Block:
        """Allocate that many bytes of memory and touch them all; raises OSError when there are not enough."""
        ...

    def burn(self, seconds: float) -> None:
        """Use that many seconds of CPU time."""
        ...


class ThisProcess(ProcessMeter):
    """The process itself."""

    def __init__(self) -> None:
        super().__init__()
        self._fuel = bytes(2**18)

    def allocate(self, size: int) -> Block:
        """Map memory of its own, which goes back to the system as a whole, and write to every page."""
        block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for page in range(0, size, mmap.PAGESIZE):
            block[page] = 1
        return block

    def burn(self, seconds: float) -> None:
        """Hash a large buffer over and over; hashlib releases the interpreter's lock while it does."""
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            hashlib.sha256(self._fuel).digest()


class Load(Protocol):
    """Something that a fault makes the process use."""

    def step(self) -> float:
        """Follow the fault by one turn, and return the seconds to wait; raises OSError when it cannot."""
        ...

    def release(self) -> None:
        """Give back everything."""
        ...


class MemoryBallast:
    """Holds memory while the fault is active, so that the process uses the fault's share of its limit."""

    def __init__(self, machine: Machine, limits: Limits, faults: Faults) -> None:
        self._machine = machine
        self._limit = limits.memory_bytes
        self._faults = faults
        self._blocks: list[tuple[Block, int]] = []

    @property
    def held_bytes(self) -> int:
        """How much the ballast holds."""
        return sum(size for _, size in self._blocks)

    def step(self) -> float:
        """Take a block, or give blocks back, towards the fault's share; return the seconds to wait."""
        share = self._faults.intensity(known.MEMORY_PRESSURE)
        if share is None:
            self.release()
            return IDLE_SECONDS
        missing = math.ceil(share * self._limit) - self._machine.memory_bytes()
        while self._blocks and missing + self._blocks[-1][1] <= 0:
            missing += self._give_back()
        # Whatever the meter says, the ballast alone never goes beyond the limit.
        size = min(max(missing, SMALLEST_BLOCK_BYTES), BLOCK_BYTES, self._limit - self.held_bytes)
        if missing <= 0 or size <= 0:
            return IDLE_SECONDS
        self._blocks.append((self._machine.allocate(size), size))
        return GROWING_SECONDS

    def release(self) -> None:
        """Give back everything."""
        while self._blocks:
            self._give_back()

    def _give_back(self) -> int:
        block, size = self._blocks.pop()
        block.close()
        return size


class CpuBurner:
    """Burns CPU while the fault is active, so that the process uses the fault's share of its limit."""

    def __init__(self, machine: Machine, limits: Limits, faults: Faults, clock: Clock) -> None:
        self._machine = machine
        self._limit = limits.cpu_cores
        self._faults = faults
        self._clock = clock
        self._since: tuple[float, float] | None = None
        self._owed = 0.0

    def step(self) -> float:
        """Burn what is missing since the turn before, in one short burst; return the seconds to wait."""
        share = self._faults.intensity(known.CPU_BURN)
        if share is None:
            self.release()
            return IDLE_SECONDS
        now, used = self._clock.monotonic(), self._machine.cpu_seconds()
        if self._since is not None:
            owed = self._owed + share * self._limit * (now - self._since[0]) - (used - self._since[1])
            self._owed = min(max(owed, -MEMORY_OF_BURNER_SECONDS), MEMORY_OF_BURNER_SECONDS)
        self._since = now, used
        if self._owed > 0:
            self._machine.burn(min(self._owed, BURST_SECONDS))
        return TURN_SECONDS if self._owed <= BURST_SECONDS else 0.0

    def release(self) -> None:
        """Forget what was owed."""
        self._since, self._owed = None, 0.0


class Pressure:
    """Puts all loads on the process, each as its fault wants it."""

    def __init__(self, loads: Sequence[Load]) -> None:
        self._loads = loads
        self._stuck: set[Load] = set()

    def step(self) -> float:
        """Give every load its turn, and return the seconds until the next."""
        return min(self._turn(load) for load in self._loads)

    def release(self) -> None:
        """Let go of everything; for the end."""
        for load in self._loads:
            load.release()

    def _turn(self, load: Load) -> float:
        try:
            wait = load.step()
        except OSError as error:  # the machine itself has no more: what is held stays
            if load not in self._stuck:
                log.warning("pressure cannot grow load=%s reason=%s", type(load).__name__, error)
            self._stuck.add(load)
            return IDLE_SECONDS
        self._stuck.discard(load)
        return wait
