"""What an action costs here and in the server that it asks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds: wall time, CPU of the program that asks, of the engine, and of the ledger's server."""

    wall: float
    own: float
    engine: float
    ledger: float = 0.0


def cpu_of(pid: int) -> float:
    """The CPU of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cost(
    action: Callable[[], object],
    engine_cpu: Callable[[], float],
    repeated: int,
    ledger_cpu: Callable[[], float] = float,
) -> Cost:
    """The cheapest of some tries; the CPU of a server is counted in steps of 10 ms, so it is a mean."""
    action()
    before, walls, own = (engine_cpu(), ledger_cpu()), [], []
    for _ in range(repeated):
        wall, mine = time.perf_counter(), time.process_time()
        action()
        walls.append(time.perf_counter() - wall)
        own.append(time.process_time() - mine)
    after = engine_cpu(), ledger_cpu()
    engine, kept = ((now - then) / repeated for now, then in zip(after, before, strict=True))
    return Cost(min(walls), min(own), engine, kept)
