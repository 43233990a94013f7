"""Faults: ranges, defaults, and an end that comes by itself."""

import math

import pytest

from demo_app.catalogue import SPECS
from demo_app.faults import Faults, FaultValueError, UnknownFaultError, struck
from unit.demo_app.simulation import FakeClock


class Heard:
    """Records the events it gets."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, bool]] = []

    def fault_changed(self, fault: str, *, active: bool) -> None:
        self.changes.append((fault, active))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def faults(clock: FakeClock, heard: Heard) -> Faults:
    return Faults(clock, heard)


def test_the_known_faults_and_their_ranges() -> None:
    assert [(spec.name, spec.minimum, spec.maximum) for spec in SPECS] == [
        ("worker_down", 1, 4),
        ("restart_loop", 1, 4),
        ("queue_flood", 110, 240),
        ("errors", 0, 1),
        ("timeouts", 0, 1),
        ("latency", 0, 120),
        ("traffic_drop", 0, 1),
        ("short_sessions", 5, 300),
        ("dependency_down", 1, 2),
        ("breaker_flapping", 2, 600),
        ("retry_failure", 0, 1),
        ("retry_storm", 0, 1),
        ("poisoned_messages", 0, 1),
        ("replay_failure", 0, 1),
        ("cache_miss_storm", 0, 1),
        ("eviction_storm", 1, 20),
        ("cache_down", 1, 2),
        ("database_errors", 0, 1),
        ("database_slow", 0, 30),
        ("database_down", 1, 1),
        ("bus_down", 1, 1),
        ("bus_slow", 0, 30),
        ("memory_pressure", 0.5, 0.98),
        ("cpu_burn", 0.1, 1),
        ("disk_fill", 0, 1),
        ("backup_failure", 1, 1),
        ("scan_gap", 0, 1),
        ("series_gone", 1, 10),
        ("metrics_gone", 1, 1),
    ]
    for spec in SPECS:
        assert spec.minimum <= spec.default <= spec.maximum
        assert spec.description
        assert spec.metrics


def test_a_fault_is_not_active_until_it_is_started(faults: Faults) -> None:
    assert [faults.intensity(spec.name) for spec in SPECS] == [None] * len(SPECS)
    assert not any(state.active for state in faults.states())


def test_a_fault_takes_its_defaults(faults: Faults) -> None:
    state = faults.start("latency")

    assert (state.active, state.intensity, state.remaining_seconds) == (True, 12, 300)


def test_a_fault_ends_on_its_own_and_its_end_is_reported(
    faults: Faults, heard: Heard, clock: FakeClock
) -> None:
    faults.start("errors", 0.5, 10)
    clock.now += 9.5
    assert faults.intensity("errors") == 0.5

    clock.now += 0.5
    faults.expire()

    assert faults.intensity("errors") is None
    assert heard.changes == [("errors", True), ("errors", False)]


def test_a_second_order_replaces_strength_and_duration(faults: Faults, clock: FakeClock) -> None:
    faults.start("errors", 0.5, 10)
    clock.now += 5

    state = faults.start("errors", 0.1, 100)

    assert (state.intensity, state.remaining_seconds) == (0.1, 100)


def test_an_intensity_of_zero_is_active_and_strikes_nothing(faults: Faults) -> None:
    state = faults.start("errors", 0)

    assert state.active
    assert not struck(faults.intensity("errors"), 0.0)


def test_a_share_of_one_strikes_every_draw() -> None:
    assert struck(1.0, 0.999999)
    assert not struck(None, 0.0)


def test_stopping_ends_one_fault_or_all(faults: Faults, heard: Heard) -> None:
    for name in ("errors", "latency", "timeouts"):
        faults.start(name)

    assert not faults.stop("errors").active
    assert faults.intensity("latency") == 12
    faults.stop_all()

    assert faults.intensity("latency") is None
    assert heard.changes[3:] == [("errors", False), ("timeouts", False), ("latency", False)]


def test_stopping_an_inactive_fault_reports_nothing(faults: Faults, heard: Heard) -> None:
    faults.stop("errors")
    faults.stop_all()

    assert heard.changes == []


@pytest.mark.parametrize("call", ["spec", "intensity", "start", "stop"])
def test_an_unknown_name_is_answered_with_the_known_ones(faults: Faults, call: str) -> None:
    with pytest.raises(
        UnknownFaultError,
        match="unknown fault: 'worker'; the known faults are worker_down, restart_loop, queue_flood, errors",
    ):
        getattr(faults, call)("worker")


@pytest.mark.parametrize(
    ("name", "intensity", "words"),
    [
        ("errors", 1.01, "from 0 to 1 "),
        ("errors", -0.01, "from 0 to 1 "),
        ("errors", math.nan, "from 0 to 1 "),
        ("latency", 121, "from 0 to 120 "),
        ("latency", math.inf, "from 0 to 120 "),
        ("worker_down", 0, "a whole number from 1 to 4 "),
        ("worker_down", 1.5, "a whole number from 1 to 4 "),
    ],
)
def test_an_intensity_out_of_range_is_answered_with_the_range(
    faults: Faults, heard: Heard, name: str, intensity: float, words: str
) -> None:
    with pytest.raises(FaultValueError, match=words):
        faults.start(name, intensity)
    assert heard.changes == []


@pytest.mark.parametrize("duration", [0.0, 0.99, 86_400.1, math.nan, math.inf])
def test_a_duration_out_of_range_is_answered_with_the_range(faults: Faults, duration: float) -> None:
    with pytest.raises(FaultValueError, match="from 1 to 86400 "):
        faults.start("errors", 1, duration)
