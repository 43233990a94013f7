"""The marks on the meters of the demo-app's page stand where the alerts fire."""

from __future__ import annotations

import re

import pytest

from rules.cases import ROOT, shipped_alerts

SCRIPT = ROOT / "demo-app/src/demo_app/page_files/parts.js"


@pytest.mark.parametrize(
    ("constant", "alert"),
    [
        ("BACKLOG_ALERT", "MessageBusBacklogGrowing"),
        ("MEMORY_ALERT", "HighMemoryUsage"),
        ("CPU_ALERT", "HighCPUUsage"),
        ("DISK_ALERT", "DiskSpaceLow"),
    ],
)
def test_a_mark_stands_at_the_threshold_of_its_alert(constant: str, alert: str) -> None:
    marked = re.search(rf"^const {constant} = ([\d.]+);", SCRIPT.read_text(), re.MULTILINE)
    # What begins the alert; behind an `or` stands what holds it while it fires.
    threshold = re.search(r"> ([\d.]+)(?=\s+or\s|$)", shipped_alerts()[alert].rule["expr"])
    assert marked is not None
    assert threshold is not None
    assert float(marked[1]) == float(threshold[1])
