"""What a fault says must notice it is there to notice it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from contract.simulated_alerts import alerts_of_the_groups, complaint, scrapes, steps_with_the_fault
from demo_app.catalogue import SPECS, FaultSpec
from rules.binaries import ROOT, newest

ALERTS = {
    rule["alert"]
    for path in (ROOT / "prometheus" / "rules").rglob("*.yml")
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
SLAS = {
    rule["labels"]["sla"]
    for group in yaml.safe_load((ROOT / "prometheus/rules/sla/recording.yml").read_text())["groups"]
    for rule in group["rules"]
    if "sla" in rule.get("labels", {})
}


@pytest.mark.parametrize("fault", SPECS, ids=lambda fault: fault.name)
def test_every_alert_and_sla_that_a_fault_names_exists(fault: FaultSpec) -> None:
    assert set(fault.alerts) <= ALERTS
    assert set(fault.slas) <= SLAS


STRONGER = {
    # Two workers are several; with all four no request finds a taker.
    ("worker_down", 2): {"MultipleWorkersDown"},
    ("worker_down", 4): {"MultipleWorkersDown", "HighErrorRate"},
    # 32 s are above the 30 of the 99th percentile, and the slowest reach the deadline of 45 s in their queue.
    ("latency", 32): {"HighLatencyP99", "HighTimeoutRate"},
    # Writes are those of the CRM agent, 40 % of the requests: 0.1 of them are 4 % of all, 0.2 are 8 %.
    ("database_errors", 0.2): {"HighErrorRate"},
    # 2 visits a second of 10 s each need 20 connections of 16, so that requests wait until their deadline.
    ("database_slow", 10): {"DatabasePoolExhausted", "HighLatencyP95", "HighLatencyP99", "HighTimeoutRate"},
}
"""The alerts that a fault gives at more than its default intensity, beside those that it gives at that."""


def simulated() -> list[tuple[str, float | None, frozenset[str]]]:
    """Each fault that the groups are to notice: its name, an intensity or the default, what fires then."""
    runs: list[tuple[str, float | None, frozenset[str]]] = []
    for fault in SPECS:
        if named := alerts_of_the_groups() & set(fault.alerts):
            stronger = {at: more for (name, at), more in STRONGER.items() if name == fault.name}
            at_default = named.difference(*stronger.values())
            runs.append((fault.name, None, at_default))
            runs += [(fault.name, at, at_default | more) for at, more in stronger.items()]
    return runs


@pytest.mark.parametrize(("fault", "intensity", "alerts"), simulated())
def test_just_the_alerts_that_a_fault_names_fire(
    fault: str, intensity: float | None, alerts: frozenset[str], tmp_path: Path
) -> None:
    series = scrapes(fault, intensity, steps_with_the_fault(alerts))
    assert complaint(newest("promtool"), series, alerts, tmp_path) is None


def test_what_a_stronger_fault_gives_is_named_by_it() -> None:
    for fault in SPECS:
        needed = {each for (name, _), more in STRONGER.items() if name == fault.name for each in more}
        assert needed <= set(fault.alerts)


def test_at_rest_no_alert_fires(tmp_path: Path) -> None:
    # A fault of no strength at all, for as long as the alert with the longest wait needs.
    series = scrapes("latency", 0, steps_with_the_fault(alerts_of_the_groups()))
    assert complaint(newest("promtool"), series, (), tmp_path) is None


def test_every_alert_of_the_groups_is_named_by_a_fault() -> None:
    named = {alert for fault in SPECS for alert in fault.alerts}
    # No fault fills a worker's queue with a hundred tasks or makes a worker die again and again.
    assert alerts_of_the_groups() - named <= {"WorkerHighQueueDepth", "WorkerFrequentRestarts"}
