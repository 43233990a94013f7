"""The stack as a whole: every URL answers, everything is scraped, every rule works."""

from __future__ import annotations

import pytest

from e2e.live import Stack
from e2e.stack_under_test import StackCommand
from waiting import poll, wait_for

pytestmark = pytest.mark.live

PAGES = [
    ("prometheus", "/-/ready", "Ready"),
    ("alertmanager", "/-/ready", "OK"),
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
def test_each_service_answers_where_the_table_of_urls_says(
    stack: Stack, service: str, path: str, words: str
) -> None:
    def look() -> bool:
        return words in stack.client.get(getattr(stack, service) + path).raise_for_status().text

    poll(look, f"{words!r} at {service}{path}", seconds=30)


def test_grafana_answers_or_the_launcher_says_that_it_is_not_there(
    stack: Stack, stack_command: StackCommand
) -> None:
    if "grafana" in stack_command("ps"):
        assert stack.get(f"{stack.grafana}/api/health")["database"] == "ok"
    else:  # without Docker, where no Grafana can be had: then nothing may wait for it either
        assert stack_command.words[1] != "compose"
        assert stack.value('count(up{job="grafana"})') is None


@pytest.mark.parametrize("job", ["prometheus", "alertmanager", "demo-app", "sla-worker"])
def test_prometheus_scrapes_each_job(healthy: Stack, job: str) -> None:
    wait_for(1, lambda: healthy.value(f'min(up{{job="{job}"}})'), f"up of {job}", seconds=30)


def test_every_loaded_rule_evaluates_without_error(stack: Stack) -> None:
    def look() -> bool:
        groups = stack.get(f"{stack.prometheus}/api/v1/rules")["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        broken = [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] == "err"]
        assert broken == []
        return len(rules) > 10 and all(rule["health"] == "ok" for rule in rules)

    poll(look, "every rule to have been evaluated", seconds=30)
