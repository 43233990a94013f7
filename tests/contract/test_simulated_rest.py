"""At rest the demo-app trips no alert and keeps every SLA."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contract.simulated import Recording, alerts_in, at_rest, evaluated
from rules.binaries import newest

EVER_PENDING = 'count by (alertname) (count_over_time(ALERTS{alertname!="Watchdog"}[29m]))'
"""From the second minute on: what asks for an increase or an average has to see two scrapes first."""


def quantile(share: float, histogram: str) -> str:
    """A quantile of a histogram over the half hour."""
    return f"histogram_quantile({share}, sum by (le) (increase({histogram}_bucket[30m])))"


def share(counter: str, matcher: str) -> str:
    """The share of a counter that has a label, over the half hour."""
    return f"sum(increase({counter}{{{matcher}}}[30m])) / sum(increase({counter}[30m]))"


@pytest.fixture(scope="module")
def half_an_hour() -> Recording:
    """Thirty minutes at rest."""
    return at_rest(30 * 60)


def test_half_an_hour_at_rest_makes_no_alert_even_pending(half_an_hour: Recording, tmp_path: Path) -> None:
    ever, still = evaluated(
        newest("promtool"),
        tmp_path,
        half_an_hour,
        [(EVER_PENDING, half_an_hour.seconds), ('ALERTS{alertname="Watchdog"}', half_an_hour.seconds)],
    )
    assert alerts_in(ever) == set()
    assert alerts_in(still) == {"Watchdog"}  # the rules were evaluated


MISSED = {
    "Platform Uptime": 'avg_over_time(up{job="demo-app"}[30m]) < 0.999',
    "Agent Worker Uptime": "avg_over_time(insa_worker_health_status[30m]) < 0.999",
    "Database Uptime": "avg_over_time(insa_database_up[30m]) < 0.9995",
    "Message Bus Uptime": "avg_over_time(insa_message_bus_up[30m]) < 0.999",
    "Cache Uptime": "avg_over_time(insa_cache_up[30m]) < 0.995",
    "API Response Time P50": f"{quantile(0.5, 'insa_agent_request_duration_seconds')} > 2",
    "API Response Time P95": f"{quantile(0.95, 'insa_agent_request_duration_seconds')} > 5",
    "API Response Time P99": f"{quantile(0.99, 'insa_agent_request_duration_seconds')} > 15",
    "Database Query Time P95": f"{quantile(0.95, 'insa_database_query_duration_seconds')} > 1",
    "Database Query Time P99": f"{quantile(0.99, 'insa_database_query_duration_seconds')} > 3",
    "Message Processing Time P95": f"{quantile(0.95, 'insa_message_bus_processing_duration_seconds')} > 2",
    "API Error Rate": share("insa_agent_requests_total", 'status="error"') + " > 0.001",
    "API Timeout Rate": share("insa_agent_requests_total", 'status="timeout"') + " > 0.005",
    "Database Error Rate": share("insa_database_queries_total", 'status="error"') + " > 0.0001",
    "Retry Success Rate": share("insa_retry_outcomes_total", 'outcome="success"') + " < 0.7",
    "Circuit Breaker Stability": "sum by (breaker) (increase(insa_circuit_breaker_state_seconds_total"
    '{state="closed"}[30m])) '
    "/ sum by (breaker) (increase(insa_circuit_breaker_state_seconds_total[30m])) < 0.99",
    "DLQ Processing Rate": "sum(insa_dlq_size) > 0",  # at rest no letter is left, so none is unprocessed
    "Cache Hit Rate": "sum by (cache) (increase(insa_cache_hits_total[30m])) / (sum by (cache) "
    "(increase(insa_cache_hits_total[30m])) + sum by (cache) (increase(insa_cache_misses_total[30m]))) < 0.8",
    "Cache Eviction Rate": "sum(increase(insa_cache_evictions_total[30m])) / "
    "(sum(increase(insa_cache_hits_total[30m])) + sum(increase(insa_cache_misses_total[30m]))) > 0.05",
    "Worker Queue Depth": "max_over_time(insa_worker_queue_depth[30m]) > 50",
    "Worker Utilization": "max_over_time(insa_worker_utilization_ratio[30m]) > 0.8",
    "Request Throughput": "sum(increase(insa_agent_requests_total[30m])) / 30 < 100",
    "Average Session Duration": "increase(insa_session_duration_seconds_sum[30m]) "
    "/ increase(insa_session_duration_seconds_count[30m]) < 300",
    "Concurrent Active Sessions": "min_over_time(insa_sessions_active[29m]) < 10",  # nobody is there at once
    "Metrics Retention": "insa_metrics_retention_seconds < 15 * 86400",
    "Backup Success Rate": share("insa_backup_runs_total", 'result="success"') + " < 1",
    "Security Scan Coverage": "insa_scan_components_scanned / insa_scan_components < 1",
}
"""For each SLA on the demo-app what is true when its target is missed over the half hour."""


def test_half_an_hour_at_rest_keeps_every_sla(half_an_hour: Recording, tmp_path: Path) -> None:
    end = half_an_hour.seconds
    # The same without its comparison has a value: no SLA is kept because its metric is missing.
    measured = [re.sub(r" [<>] [\d.* ]+$", "", expression) for expression in MISSED.values()]
    answers = evaluated(
        newest("promtool"), tmp_path, half_an_hour, [(each, end) for each in [*MISSED.values(), *measured]]
    )
    missed, values = answers[: len(MISSED)], answers[len(MISSED) :]
    assert dict(zip(MISSED, missed, strict=True)) == dict.fromkeys(MISSED, "")
    assert [name for name, value in zip(MISSED, values, strict=True) if not value or "NaN" in value] == []
