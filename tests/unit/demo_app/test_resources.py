"""What the process uses: the reported figures, and those of this very process."""

import os

import pytest

from demo_app.resources import Limits, ProcessMeter, ResourceReading, Resources
from unit.demo_app.machine import FakeMachine
from unit.demo_app.recording import Recorder
from unit.demo_app.simulation import FakeClock

MIB = 2**20


def test_figures_are_reported_with_their_limits_and_cpu_time_as_its_growth(clock: FakeClock) -> None:
    events = Recorder()
    machine = FakeMachine(clock)
    machine.burn(2.0)
    resources = Resources(machine, Limits(160 * MIB, 0.25), clock=clock, events=events)
    machine.allocate(4 * MIB)
    clock.now += 30

    resources.observe()

    assert events.of("memory") == [(60 * MIB, 160 * MIB), (64 * MIB, 160 * MIB)]
    # 2 s until it was looked at first, then 30 s at a hundredth of a core
    assert events.of("cpu") == [(2.0, 0.25), (pytest.approx(0.3), 0.25)]
    assert events.of("files") == [(20,), (20,)]


def test_the_reading_averages_the_cpu_over_the_last_ten_seconds(clock: FakeClock) -> None:
    machine = FakeMachine(clock)
    resources = Resources(machine, Limits(160 * MIB, 0.25), clock=clock, events=Recorder())
    assert resources.reading() == ResourceReading(60 * MIB, 0.0, 20)  # one measurement makes no average

    def pass_seconds(count: int, burnt: float) -> float:
        for _ in range(count):
            clock.now += 1
            machine.burn(burnt)
            resources.observe()
        return resources.reading().cpu_cores

    assert pass_seconds(4, 0.1) == pytest.approx(0.11)  # 0.1 s a second, and a hundredth of a core at rest
    # Of the last ten seconds, six are at rest: 0.01 + 4 x 0.1 / 10.
    assert pass_seconds(6, 0.0) == pytest.approx(0.05)
    assert pass_seconds(4, 0.0) == pytest.approx(0.01)
    machine.allocate(4 * MIB)
    resources.observe()
    assert resources.reading().memory_bytes == 64 * MIB


def test_after_a_stall_the_average_goes_back_to_the_last_measurement(clock: FakeClock) -> None:
    machine = FakeMachine(clock)
    resources = Resources(machine, Limits(160 * MIB, 0.25), clock=clock, events=Recorder())
    clock.now += 60  # longer than the window
    machine.burn(6.0)

    resources.observe()

    assert resources.reading().cpu_cores == pytest.approx(0.11)  # 6 s / 60 s, and a hundredth at rest


def test_the_figures_of_this_process_are_real() -> None:
    meter = ProcessMeter()
    with open(os.devnull) as first, open(os.devnull) as second:  # noqa: PTH123  # a descriptor is what counts
        assert first.fileno() != second.fileno()
        more = meter.open_files()
    before = meter.cpu_seconds()
    sum(range(1_000_000))

    assert meter.open_files() == more - 2
    assert 0 < meter.cpu_seconds() - before < 10
    assert 10 * MIB < meter.memory_bytes() < 2000 * MIB  # an interpreter with a test suite in it
