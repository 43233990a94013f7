"""Memory and CPU that a fault makes the process use, first invented, then real."""

import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo_app.faults import Faults
from demo_app.pressure import CpuBurner, MemoryBallast, Pressure, ThisProcess
from demo_app.resources import Limits
from logged import lines
from unit.demo_app.machine import FakeMachine
from unit.demo_app.recording import Recorder
from unit.demo_app.simulation import FakeClock

MIB = 2**20
LIMITS = Limits(memory_bytes=160 * MIB, cpu_cores=0.25)
SOURCE = Path(__file__).parents[3] / "demo-app" / "src"


class Bench:
    """A machine at 60 MiB and a hundredth of a core, and the loads that faults can put on it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.machine = FakeMachine(self.clock)
        self.faults = Faults(self.clock, Recorder())
        self.memory = MemoryBallast(self.machine, LIMITS, self.faults)
        self.cpu = CpuBurner(self.machine, LIMITS, self.faults, self.clock)
        self.pressure = Pressure([self.memory, self.cpu])

    def run(self, seconds: float) -> None:
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += max(self.pressure.step(), 0.001)

    def cpu_share(self, seconds: float) -> float:
        """Run, and return the CPU used as a share of the limit."""
        before = self.machine.cpu_seconds()
        began = self.clock.now
        self.run(seconds)
        return (self.machine.cpu_seconds() - before) / (self.clock.now - began) / LIMITS.cpu_cores


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_memory_grows_by_blocks_until_the_process_uses_its_share(bench: Bench) -> None:
    bench.faults.start("memory_pressure", 0.95)

    held = [bench.memory.step() and bench.machine.held / MIB for _ in range(13)]

    # 0.95 x 160 = 152 MiB, 60 of them are in use: 92 MiB, eleven blocks of 8 and one of 4
    assert held == [8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 92, 92]


def test_memory_is_given_back_when_the_process_needs_it_itself_and_when_the_fault_ends(bench: Bench) -> None:
    bench.faults.start("memory_pressure", 0.95, 60)
    bench.run(5)
    assert bench.machine.held == 92 * MIB

    bench.faults.start("memory_pressure", 0.5, 60)
    bench.run(1)
    # 0.5 x 160 = 80 MiB leave 20 for the ballast. The last block, 4, goes, and eight of 8: 24 are left, as
    # the next one would be more than is too much.
    assert bench.machine.held == 24 * MIB

    bench.run(60)
    assert bench.machine.held == bench.memory.held_bytes == 0


def test_the_ballast_never_goes_beyond_the_limit_whatever_the_meter_says(bench: Bench) -> None:
    bench.machine.memory_bytes = lambda: 0  # type: ignore[method-assign]  # a meter that is stuck
    bench.faults.start("memory_pressure", 0.95)

    bench.run(60)

    assert bench.machine.held == 160 * MIB


def test_a_machine_without_memory_is_logged_once_and_the_other_load_continues(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.machine.exhausted = True
    bench.faults.start("memory_pressure", 0.95)
    bench.faults.start("cpu_burn", 0.8)

    with caplog.at_level(logging.WARNING):
        share = bench.cpu_share(60)

    assert lines(caplog, "demo_app") == [
        "pressure cannot grow load=MemoryBallast reason=[Errno 12] Cannot allocate memory"
    ]
    assert share == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95, 1])
def test_cpu_is_burnt_in_short_bursts_up_to_the_share_with_the_processs_own_use(
    bench: Bench, share: float
) -> None:
    bench.faults.start("cpu_burn", share)

    # a turn of 0.1 s more or less in 60 s is less than 1 %
    assert bench.cpu_share(60) == pytest.approx(share, rel=0.02)
    # of each 0.1 s: share x 0.25 cores less the hundredth that the app uses itself
    assert max(bench.machine.bursts) == pytest.approx(0.1 * (share * 0.25 - 0.01), rel=0.05)


def test_no_cpu_is_burnt_without_the_fault_or_while_the_process_uses_its_share_itself(bench: Bench) -> None:
    bench.run(10)
    assert bench.machine.bursts == []

    bench.faults.start("cpu_burn", 0.1)
    bench.pressure.step()
    bench.machine.burn(1.0)  # the app's own work
    bench.run(5)

    # 5 s are owed 0.1 x 0.25 x 5 = 0.125 s, less than is held against the peak: 0.25 s
    assert bench.machine.bursts == [1.0]


def test_after_a_stall_no_more_than_a_quarter_of_a_second_is_made_up_for(bench: Bench) -> None:
    bench.faults.start("cpu_burn", 1)
    bench.pressure.step()
    bench.clock.now += 3600  # a laptop that slept owes 900 s
    bench.faults.start("cpu_burn", 1)

    bench.run(0.2)

    assert 0.25 <= bench.machine.burnt <= 0.25 + 0.2 * 0.25 + 0.001
    assert max(bench.machine.bursts) == 0.05


def test_what_this_process_takes_is_real_and_goes_back_to_the_system() -> None:
    """In a process of its own, whose memory nobody else moves."""
    program = """
from demo_app.pressure import ThisProcess
process = ThisProcess()
figures = [process.memory_bytes()]
blocks = [process.allocate(8 * 2**20) for _ in range(8)]
figures.append(process.memory_bytes())
for block in blocks:
    block.close()
print(*figures, process.memory_bytes())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )

    before, during, after = (int(figure) / MIB for figure in done.stdout.split())
    assert during - before == pytest.approx(64, abs=2)  # 8 blocks of 8 MiB
    assert after - before == pytest.approx(0, abs=2)


def test_burning_takes_the_cpu_time_that_it_is_asked_for() -> None:
    process = ThisProcess()
    began = time.thread_time()

    process.burn(0.1)

    assert time.thread_time() - began == pytest.approx(0.1, abs=0.02)
