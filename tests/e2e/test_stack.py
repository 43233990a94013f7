"""The stack as a whole: every URL answers, everything is scraped, every rule and every dashboard query works."""

from __future__ import annotations

import pytest
from dashboards.queries import all_queries

from e2e.live import Stack, poll

pytestmark = pytest.mark.live

PAGES = [
    ("prometheus", "/-/ready", "ready"),
    ("alertmanager", "/-/ready", "OK"),
    ("grafana", "/api/health", "database"),
    ("mailhog", "/api/v2/messages", "total"),
    ("demo_api", "/healthz", "ok"),
    ("demo_api", "/faults", "worker_down"),
    ("demo_metrics", "/metrics", "insa_agent_requests_total"),
    ("sla_worker", "/healthz", "ok"),
    ("sla_worker", "/metrics", "sla_compliance_ratio"),
    ("sla_worker", "/", "Platform Uptime"),
    ("sla_worker", "/runbooks/WorkerUnhealthy", "Diagnosis"),
]


@pytest.mark.parametrize(("service", "path", "words"), PAGES)
def test_each_service_answers_where_the_table_of_urls_says(stack: Stack, service: str, path: str, words: str) -> None:
    def look() -> bool:
        return words in stack.client.get(getattr(stack, service) + path).raise_for_status().text

    poll(look, f"{words!r} at {service}{path}", timeout_seconds=30)


@pytest.mark.parametrize("job", ["prometheus", "alertmanager", "demo-app", "sla-worker"])
def test_prometheus_scrapes_each_job(healthy: Stack, job: str) -> None:
    poll(lambda: healthy.value(f'min(up{{job="{job}"}})') == 1, f"up of {job}", timeout_seconds=30)


def test_every_loaded_rule_evaluates_without_error(stack: Stack) -> None:
    def look() -> bool:
        groups = stack.client.get(f"{stack.prometheus}/api/v1/rules").raise_for_status().json()["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        broken = [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] == "err"]
        assert broken == []
        return len(rules) > 10 and all(rule["health"] == "ok" for rule in rules)

    poll(look, "every rule to have been evaluated", timeout_seconds=60)


@pytest.mark.parametrize("query", all_queries(), ids=lambda query: f"{query.path.stem}: {query.panel}")
def test_every_dashboard_query_runs_on_the_live_prometheus(stack: Stack, query: object) -> None:
    stack.query(query.expr)  # type: ignore[attr-defined]  # raises when Prometheus refuses it


def test_a_healthy_stack_has_no_alert_but_the_watchdog(healthy: Stack) -> None:
    def look() -> bool:
        alerts = healthy.client.get(f"{healthy.prometheus}/api/v1/alerts").raise_for_status().json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"} == {"Watchdog"}

    poll(look, "no alert but the Watchdog", timeout_seconds=60)
