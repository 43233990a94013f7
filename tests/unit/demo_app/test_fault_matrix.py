"""For every fault: the metrics that it names move, and those of what it does not touch stay as they are.

The app with the fault runs beside an undisturbed twin: the same requests at the same instants. What differs
between the two was moved by the fault, and nothing else can have done it.
"""

import functools
import re
from collections.abc import Mapping, Sequence

import pytest

from demo_app.catalogue import SPECS
from unit.demo_app.simulation import Simulation

Snapshot = Mapping[tuple[str, frozenset[tuple[str, str]]], float]

CALM_SECONDS = 60
FAULT_SECONDS = 240
INTERVAL_SECONDS = 4
"""Not a divisor of any period at work (a crash some 23 s after the last one, a breaker's 30 s)."""

SNAPSHOTS = (FAULT_SECONDS + 40) // INTERVAL_SECONDS

GROUPS = {
    "requests": "insa_agent_",
    "workers": "insa_worker_",
    "caches": "insa_cache_",
    "breakers": "insa_circuit_breaker_",
    "retries": "insa_retry_",
    "dead letters": "insa_dlq_",
    "database": "insa_database_",
    "bus": "insa_message_bus_",
    "sessions": "insa_session",
}

REQUESTS_FAIL_OR_TAKE_LONGER = {"requests", "workers", "retries", "database", "bus"}
"""Requests that end otherwise or later write their visits, and are published, otherwise or later too."""

INTENSITIES: Mapping[str, float] = {"dependency_down": 2}
"""Where the default does not reach all that the fault names."""

MOVES: Mapping[str, set[str]] = {
    "worker_down": {"workers"},
    "errors": REQUESTS_FAIL_OR_TAKE_LONGER,
    "timeouts": REQUESTS_FAIL_OR_TAKE_LONGER,
    "latency": REQUESTS_FAIL_OR_TAKE_LONGER,
    "traffic_drop": REQUESTS_FAIL_OR_TAKE_LONGER | {"caches", "sessions"},
    "dependency_down": REQUESTS_FAIL_OR_TAKE_LONGER | {"breakers"},
    "breaker_flapping": REQUESTS_FAIL_OR_TAKE_LONGER - {"database"} | {"breakers"},  # the CRM's goes on
    "retry_failure": REQUESTS_FAIL_OR_TAKE_LONGER,
    "retry_storm": REQUESTS_FAIL_OR_TAKE_LONGER,
    "poisoned_messages": REQUESTS_FAIL_OR_TAKE_LONGER | {"caches", "dead letters"},  # replays look up anew
    "replay_failure": REQUESTS_FAIL_OR_TAKE_LONGER | {"caches", "dead letters"},
    "cache_miss_storm": REQUESTS_FAIL_OR_TAKE_LONGER | {"caches"},
    "eviction_storm": REQUESTS_FAIL_OR_TAKE_LONGER | {"caches"},
    "cache_down": REQUESTS_FAIL_OR_TAKE_LONGER | {"caches"},
    "database_errors": {"requests", "workers", "database", "bus"},
    "database_slow": {"requests", "workers", "database", "bus"},
    "database_down": {"requests", "workers", "database", "bus"},
    "restart_loop": {"requests", "workers", "caches"},  # what is begun anew takes longer, and looks up anew
    "queue_flood": {"workers"},
    "bus_down": {"bus"},
    "bus_slow": {"bus"},
    "short_sessions": {"sessions"},
}


def observe(fault: str | None) -> Sequence[Snapshot]:
    """Return what is scraped from the begin of the fault to a while after its end."""
    simulation = Simulation()
    simulation.run(CALM_SECONDS)
    if fault is not None:
        simulation.faults.start(fault, INTENSITIES.get(fault), FAULT_SECONDS)
    snapshots = []
    for _ in range(SNAPSHOTS):
        simulation.run(INTERVAL_SECONDS)
        snapshots.append(
            {
                (sample.name, frozenset(sample.labels.items())): sample.value
                for family in simulation.registry.collect()
                for sample in family.samples
                if not sample.name.endswith("_created")
            }
        )
    return snapshots


undisturbed = functools.cache(functools.partial(observe, None))


def tolerance(name: str) -> float:
    """Return what two undisturbed runs may differ by.

    Times are told at least once a second, and whatever turns the loops more often tells them more often; a
    turn may come a microsecond after it was due.
    """
    return 1.1 if name.endswith(("_timestamp_seconds", "_state_seconds_total")) else 0.01


def moved(fault: str) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    """Return the series that were not what they would have been without the fault."""
    return {
        series
        for expected, found in zip(undisturbed(), observe(fault), strict=True)
        for series, value in found.items()
        if abs(value - expected[series]) > tolerance(series[0])
    }


def test_every_fault_has_its_row() -> None:
    assert set(MOVES) == {spec.name for spec in SPECS}


@pytest.mark.parametrize("fault", MOVES)
def test_a_fault_moves_what_it_names_and_leaves_the_rest_alone(fault: str) -> None:
    series = moved(fault)

    for metric in next(spec.metrics for spec in SPECS if spec.name == fault):
        name, _, rest = metric.partition("{")
        labels = set(re.findall(r'(\w+)="([^"]*)"', rest))
        names = {name, f"{name}_bucket", f"{name}_count", f"{name}_sum"}
        assert [each for each in series if each[0] in names and labels <= each[1]], metric
    found = {group for group, prefix in GROUPS.items() if any(name.startswith(prefix) for name, _ in series)}
    assert found == MOVES[fault]


def test_two_undisturbed_runs_do_not_differ() -> None:
    assert observe(None) == undisturbed()
