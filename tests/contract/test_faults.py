"""What a fault says must notice it is there to notice it."""

from __future__ import annotations

import pytest
import yaml

from demo_app.catalogue import SPECS, FaultSpec
from rules.binaries import ROOT

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


def test_every_alert_on_requests_is_named_by_a_fault() -> None:
    named = {alert for fault in SPECS for alert in fault.alerts}
    assert {"HighErrorRate", "HighTimeoutRate", "HighLatencyP95", "HighLatencyP99"} <= named
    assert {"WorkerUnhealthy", "MultipleWorkersDown"} <= named
