"""The families of instruments: names, types, labels, buckets, and every label set at zero."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest
from prometheus_client import CollectorRegistry

from demo_app.circuit_breaker import TRANSITIONS as TRANSITIONS_OF_BREAKERS
from demo_app.circuit_breaker import State
from demo_app.model import Status
from insa_instruments.caches import CacheInstruments
from insa_instruments.circuit_breakers import STATE_VALUES, TRANSITIONS, CircuitBreakerInstruments
from insa_instruments.compliance import ComplianceInstruments
from insa_instruments.database import DatabaseInstruments, QueryInstruments
from insa_instruments.dead_letters import DeadLetterInstruments
from insa_instruments.message_bus import MessageBusInstruments
from insa_instruments.requests import STATUSES, RequestInstruments
from insa_instruments.retries import RetryInstruments
from insa_instruments.sessions import SessionInstruments
from insa_instruments.system import SystemInstruments
from insa_instruments.workers import WorkerInstruments

Family = Callable[[CollectorRegistry], object]

FAMILIES: Mapping[str, tuple[Family, str]] = {
    "requests": (
        lambda registry: RequestInstruments(registry, ["a", "b"]),
        # Two agents; three statuses each.
        """
        counter insa_agent_requests_total 6
        histogram insa_agent_request_duration_seconds 2
        histogram insa_agent_request_size_bytes 2
        gauge insa_agent_requests_in_flight 2
        counter insa_agent_fallbacks_total 2
        """,
    ),
    "workers": (
        lambda registry: WorkerInstruments(registry, ["w"]),
        """
        gauge insa_worker_health_status 1
        gauge insa_worker_queue_depth 1
        gauge insa_worker_queue_capacity 1
        gauge insa_worker_utilization_ratio 1
        gauge insa_worker_last_heartbeat_timestamp_seconds 1
        counter insa_worker_tasks_processed_total 1
        counter insa_worker_tasks_failed_total 1
        counter insa_worker_restarts_total 1
        histogram insa_worker_task_duration_seconds 1
        """,
    ),
    "caches": (
        lambda registry: CacheInstruments(registry, ["c", "d", "e"]),
        """
        counter insa_cache_hits_total 3
        counter insa_cache_misses_total 3
        counter insa_cache_evictions_total 3
        gauge insa_cache_entries 3
        gauge insa_cache_capacity_entries 3
        gauge insa_cache_up 3
        histogram insa_cache_lookup_duration_seconds 3
        """,
    ),
    "circuit_breakers": (
        lambda registry: CircuitBreakerInstruments(registry, ["x", "y"]),
        # Two breakers; four changes and three states each.
        """
        gauge insa_circuit_breaker_state 2
        counter insa_circuit_breaker_transitions_total 8
        counter insa_circuit_breaker_rejected_calls_total 2
        counter insa_circuit_breaker_failed_requests_total 2
        counter insa_circuit_breaker_failures_total 2
        counter insa_circuit_breaker_state_seconds_total 6
        """,
    ),
    "retries": (
        lambda registry: RetryInstruments(registry, ["x", "y", "z"]),
        # Three operations; two outcomes each.
        """
        counter insa_retry_attempts_total 3
        counter insa_retry_outcomes_total 6
        histogram insa_retry_delay_seconds 1
        histogram insa_retry_attempts_per_call 1
        """,
    ),
    "dead_letters": (
        lambda registry: DeadLetterInstruments(registry, ["poisoned", "expired"]),
        """
        gauge insa_dlq_size 1
        gauge insa_dlq_oldest_message_age_seconds 1
        counter insa_dlq_enqueued_total 2
        counter insa_dlq_replayed_total 2
        counter insa_dlq_dropped_total 1
        """,
    ),
    "queries": (
        lambda registry: QueryInstruments(registry, ["read"], ["sql", "unavailable"]),
        """
        counter insa_database_queries_total 2
        histogram insa_database_query_duration_seconds 1
        counter insa_database_errors_total 2
        """,
    ),
    "database": (
        lambda registry: DatabaseInstruments(registry, ["read", "write"], ["sql"]),
        # Two operations; two statuses each.
        """
        counter insa_database_queries_total 4
        histogram insa_database_query_duration_seconds 2
        counter insa_database_errors_total 1
        gauge insa_database_pool_size 1
        gauge insa_database_pool_in_use 1
        gauge insa_database_up 1
        """,
    ),
    "message_bus": (
        lambda registry: MessageBusInstruments(registry, ["requests", "customers"]),
        """
        counter insa_message_bus_published_total 2
        counter insa_message_bus_delivered_total 2
        counter insa_message_bus_dropped_total 2
        histogram insa_message_bus_processing_duration_seconds 2
        gauge insa_message_bus_backlog 2
        gauge insa_message_bus_up 1
        """,
    ),
    "sessions": (
        SessionInstruments,
        """
        gauge insa_sessions_active 1
        histogram insa_session_duration_seconds 1
        """,
    ),
    "system": (
        SystemInstruments,
        """
        gauge insa_system_memory_used_bytes 1
        gauge insa_system_memory_limit_bytes 1
        counter insa_system_cpu_seconds_total 1
        gauge insa_system_cpu_limit_cores 1
        gauge insa_system_disk_used_bytes 1
        gauge insa_system_disk_capacity_bytes 1
        gauge insa_system_disk_used_ratio 1
        gauge insa_system_open_files 1
        """,
    ),
    "compliance": (
        ComplianceInstruments,
        # Two results.
        """
        counter insa_backup_runs_total 2
        gauge insa_backup_last_success_timestamp_seconds 1
        gauge insa_backup_size_bytes 1
        gauge insa_scan_components 1
        gauge insa_scan_components_scanned 1
        gauge insa_scan_last_run_timestamp_seconds 1
        gauge insa_metrics_retention_seconds 1
        """,
    ),
}
"""How to make each family, and its metrics: type, name, and how many label sets there must be."""

MAIN_SERIES = {"counter": "_total", "gauge": "", "histogram": "_count"}


def made(family: str) -> CollectorRegistry:
    """A registry with this family alone."""
    registry = CollectorRegistry()
    FAMILIES[family][0](registry)
    return registry


def label_sets(registry: CollectorRegistry) -> dict[str, tuple[str, int]]:
    """Of each metric its type and the number of its label sets."""
    found = {}
    for metric in registry.collect():
        suffix = MAIN_SERIES[metric.type]
        series = [sample for sample in metric.samples if sample.name == metric.name + suffix]
        found[metric.name + ("_total" if metric.type == "counter" else "")] = (metric.type, len(series))
    return found


def bounds(registry: CollectorRegistry, name: str) -> list[str]:
    """The buckets of a histogram, of one of its label sets."""
    values = [
        sample.labels["le"]
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == f"{name}_bucket"
    ]
    return list(dict.fromkeys(values))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_its_metrics_with_their_types_and_all_label_sets(family: str) -> None:
    rows = (line.split() for line in FAMILIES[family][1].strip().splitlines())
    expected = {name: (kind, int(count)) for kind, name, count in rows}

    assert label_sets(made(family)) == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_every_series_of_a_family_is_zero_from_the_start(family: str) -> None:
    samples = [sample for metric in made(family).collect() for sample in metric.samples]

    assert {sample.value for sample in samples if not sample.name.endswith("_created")} == {0}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_explains_each_metric_in_a_sentence(family: str) -> None:
    texts = [metric.documentation for metric in made(family).collect()]

    assert all(re.fullmatch(r"[A-Z1].+\.", text) for text in texts)
    assert len(set(texts)) == len(texts)


def test_all_families_fit_into_one_registry() -> None:
    registry = CollectorRegistry()
    for name, (make, _) in FAMILIES.items():
        if name != "queries":  # the database has these too
            make(registry)

    # 5 + 9 + 7 + 6 + 4 + 5 + 6 + 6 + 2 + 8 + 7
    assert len(list(registry.collect())) == 65


@pytest.mark.parametrize(
    ("family", "histogram", "expected"),
    [
        ("requests", "insa_agent_request_duration_seconds", "0.05 0.1 0.25 0.5 1 2 5 10 15 30 60"),
        ("requests", "insa_agent_request_size_bytes", "100 1000 10000 100000"),
        ("workers", "insa_worker_task_duration_seconds", "0.05 0.1 0.25 0.5 1 2 5 10 15 30 60"),
        ("database", "insa_database_query_duration_seconds", "0.001 0.01 0.1 0.5 1 3 10 30"),
        ("message_bus", "insa_message_bus_processing_duration_seconds", "0.01 0.1 0.5 1 2 5 10 30"),
        ("sessions", "insa_session_duration_seconds", "30 60 120 300 600 1200"),
    ],
)
def test_a_histogram_has_these_bounds(family: str, histogram: str, expected: str) -> None:
    found = bounds(made(family), histogram)

    assert [float(bound) for bound in found] == [*(float(each) for each in expected.split()), float("inf")]


def test_the_words_of_the_instruments_are_those_of_the_mechanisms() -> None:
    assert set(STATUSES) == set(Status)
    assert set(STATE_VALUES) == set(State)
    assert set(TRANSITIONS) == set(TRANSITIONS_OF_BREAKERS)
