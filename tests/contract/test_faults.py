"""What a fault says must notice it is there to notice it, and every alert on the application has a fault."""

from __future__ import annotations

import pytest
import yaml

from demo_app.catalogue import SPECS, FaultSpec
from rules.binaries import ROOT
from rules.cases import shipped_alerts

SLAS = {each["key"] for each in yaml.safe_load((ROOT / "sla-worker/sla_thresholds.yml").read_text())["slas"]}


@pytest.mark.parametrize("fault", SPECS, ids=lambda fault: fault.name)
def test_every_alert_and_sla_that_a_fault_names_exists(fault: FaultSpec) -> None:
    assert set(fault.alerts) <= shipped_alerts().keys()
    assert set(fault.slas) <= SLAS


def test_every_alert_on_the_application_is_named_by_a_fault() -> None:
    """Those on SLAs are about what the sla-worker says: the faults name their SLAs."""
    of_the_monitoring = {
        name
        for name, shipped in shipped_alerts().items()
        if shipped.rule["labels"]["component"] in {"monitoring", "sla"}
    }
    named = {alert for fault in SPECS for alert in fault.alerts}
    assert shipped_alerts().keys() - named == of_the_monitoring - {"TargetDown"}
