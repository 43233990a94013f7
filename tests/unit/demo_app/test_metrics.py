"""The instruments: names, labels, zeros."""

from collections import Counter

from prometheus_client import CollectorRegistry

from demo_app.catalogue import SPECS
from demo_app.metrics import Metrics, add_runtime_collectors
from demo_app.model import AGENTS, WORKERS, Status

FAULTS = [spec.name for spec in SPECS]
OF_WORKERS = (
    "insa_worker_health_status",
    "insa_worker_queue_depth",
    "insa_worker_queue_capacity",
    "insa_worker_tasks_processed_total",
    "insa_worker_tasks_failed_total",
    "insa_worker_task_duration_seconds_count",
    "insa_worker_restarts_total",
    "insa_worker_utilization_ratio",
    "insa_worker_last_heartbeat_timestamp_seconds",
)

EXPECTED_SERIES = {
    "insa_circuit_breaker_state": 2,
    "insa_circuit_breaker_transitions_total": 8,  # 2 breakers, 4 changes each
    "insa_circuit_breaker_rejected_calls_total": 2,
    "insa_circuit_breaker_failed_requests_total": 2,
    "insa_circuit_breaker_failures_total": 2,
    "insa_circuit_breaker_state_seconds_total": 6,
    "insa_retry_attempts_total": 2,
    "insa_retry_outcomes_total": 4,
    "insa_retry_delay_seconds_count": 1,
    "insa_retry_attempts_per_call_count": 1,
    "insa_dlq_size": 1,
    "insa_dlq_oldest_message_age_seconds": 1,
    "insa_dlq_enqueued_total": 1,
    "insa_dlq_replayed_total": 2,
    "insa_dlq_dropped_total": 1,
    "insa_cache_hits_total": 2,
    "insa_cache_misses_total": 2,
    "insa_cache_evictions_total": 2,
    "insa_cache_entries": 2,
    "insa_cache_capacity_entries": 2,
    "insa_cache_up": 2,
    "insa_cache_lookup_duration_seconds_count": 2,
    "insa_database_queries_total": 4,
    "insa_database_query_duration_seconds_count": 2,
    "insa_database_errors_total": 2,
    "insa_database_pool_size": 1,
    "insa_database_pool_in_use": 1,
    "insa_database_up": 1,
    "insa_agent_fallbacks_total": 4,
    "insa_agent_request_size_bytes_count": 4,
    "insa_message_bus_published_total": 2,
    "insa_message_bus_delivered_total": 2,
    "insa_message_bus_dropped_total": 2,
    "insa_message_bus_processing_duration_seconds_count": 2,
    "insa_message_bus_backlog": 2,
    "insa_message_bus_up": 1,
    "insa_sessions_active": 1,
    "insa_session_duration_seconds_count": 1,
}


def test_every_label_set_is_there_at_zero_from_the_start() -> None:
    registry = CollectorRegistry()
    Metrics(registry, FAULTS)

    for agent in AGENTS:
        for status in ("success", "error", "timeout"):
            labels = {"agent": agent, "status": status}
            assert registry.get_sample_value("insa_agent_requests_total", labels) == 0
        for name in ("insa_agent_request_duration_seconds_count", "insa_agent_requests_in_flight"):
            assert registry.get_sample_value(name, {"agent": agent}) == 0
    for worker in WORKERS:
        for name in OF_WORKERS:
            assert registry.get_sample_value(name, {"worker_name": worker}) == 0, name
    for fault in FAULTS:
        assert registry.get_sample_value("insa_fault_active", {"fault": fault}) == 0


def test_every_instrument_has_all_its_series_and_each_is_zero_from_the_start() -> None:
    registry = CollectorRegistry()
    Metrics(registry, FAULTS)

    samples = [
        sample
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith(("_bucket", "_sum", "_created"))
    ]

    assert {sample.value for sample in samples} == {0}
    series = Counter(sample.name for sample in samples)
    assert {name: series[name] for name in EXPECTED_SERIES} == EXPECTED_SERIES


def test_the_query_duration_has_a_bound_at_every_target_and_threshold() -> None:
    registry = CollectorRegistry()
    Metrics(registry, FAULTS)

    for bound in ("0.1", "0.5", "1.0", "3.0"):
        labels = {"operation": "read", "le": bound}
        assert registry.get_sample_value("insa_database_query_duration_seconds_bucket", labels) == 0


def test_the_duration_has_a_bound_at_every_target_and_threshold() -> None:
    registry = CollectorRegistry()
    Metrics(registry, FAULTS)

    bounds = [
        sample.labels["le"]
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "insa_agent_request_duration_seconds_bucket" and sample.labels["agent"] == "crm"
    ]

    assert " ".join(bounds) == "0.05 0.1 0.25 0.5 1.0 2.0 5.0 10.0 15.0 30.0 60.0 +Inf"


def test_a_request_is_in_flight_until_it_is_counted_by_its_end() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry, FAULTS)
    metrics.request_started("crm")
    metrics.request_started("crm")
    assert registry.get_sample_value("insa_agent_requests_in_flight", {"agent": "crm"}) == 2

    metrics.request_finished("crm", Status.TIMEOUT, 6.0)

    assert registry.get_sample_value("insa_agent_requests_in_flight", {"agent": "crm"}) == 1
    labels = {"agent": "crm", "status": "timeout"}
    assert registry.get_sample_value("insa_agent_requests_total", labels) == 1
    assert registry.get_sample_value("insa_agent_request_duration_seconds_sum", {"agent": "crm"}) == 6.0


def test_two_apps_in_one_process_do_not_meet() -> None:
    first, second = CollectorRegistry(), CollectorRegistry()
    Metrics(first, FAULTS).worker_restarted("worker-1")
    Metrics(second, FAULTS)

    labels = {"worker_name": "worker-1"}
    assert first.get_sample_value("insa_worker_restarts_total", labels) == 1
    assert second.get_sample_value("insa_worker_restarts_total", labels) == 0


def test_process_platform_and_collector_are_measured_too() -> None:
    registry = CollectorRegistry()
    add_runtime_collectors(registry)

    names = {sample.name for family in registry.collect() for sample in family.samples}

    assert {"process_resident_memory_bytes", "python_info", "python_gc_collections_total"} <= names


def test_the_size_of_a_request_is_counted_for_its_agent() -> None:
    registry = CollectorRegistry()
    Metrics(registry, FAULTS).request_received("crm", 640)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"insa_agent_request_size_bytes_{name}", labels)

    assert value("sum", agent="crm") == 640
    # 640 is above 100 and below 1,000.
    assert value("bucket", agent="crm", le="100.0") == 0
    assert value("bucket", agent="crm", le="1000.0") == 1
    assert value("count", agent="sizing") == 0
