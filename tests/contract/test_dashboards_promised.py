"""The dashboards that users were promised: their addresses and titles, and the panels that they look for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dashboards.queries import panels

JSON = Path(__file__).resolve().parents[2] / "grafana" / "dashboards" / "json"
BOARDS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in JSON.glob("*.json")}
TITLES = {
    "insa-agent-performance": "Agent Performance Overview",
    "insa-worker-health": "Worker Health & Queue Metrics",
    "insa-error-handling": "Error Handling & Resilience",
    "insa-sla-monitoring": "SLA Monitoring & Compliance",
}
SLAS = "insa-sla-monitoring"

# Row by row: what a title begins with, the kind of panel, and the limit that it draws (None: not promised).
PROMISED: dict[str, list[tuple[str, str, float | None]]] = {
    "Overview": [
        ("Overall compliance", "gauge", None),
        ("Active breaches", "stat", None),
        ("SLAs meeting target", "stat", None),
        ("Data freshness", "stat", None),
        ("Breach trend, 24 h", "timeseries", None),
    ],
    "Availability": [
        ("Platform Uptime", "timeseries", 0.999),
        ("Health of each worker", "state-timeline", None),
    ],
    "Performance": [
        ("API Response Time P95", "timeseries", 5),
        ("API Response Time P99", "timeseries", 15),
        ("Database Query Time P95", "timeseries", 1),
    ],
    "Reliability": [
        ("API Error Rate", "timeseries", 0.001),
        ("Retry Success Rate", "timeseries", 0.7),
        ("Circuit Breaker Stability", "timeseries", 0.99),
    ],
    "Efficiency": [
        ("Cache Hit Rate", "timeseries", 0.8),
        ("Compliance by category, 7 days", "status-history", None),
    ],
    "This month": [
        ("Compliance by category", "bargauge", None),
        ("Top 5 breaches", "table", None),
    ],
}


def of_row(board: dict[str, Any], title: str) -> list[dict[str, Any]]:
    """The panels of the row whose title begins like that, open or closed."""
    found, inside = [], False
    for item in board["panels"]:
        if item["type"] == "row":
            inside = item["title"].startswith(title)
            found += item["panels"] if inside else []
        elif inside:
            found.append(item)
    return found


def test_there_are_four_with_their_addresses_and_titles() -> None:
    assert {uid: board["title"] for uid, board in BOARDS.items()} == TITLES


def test_there_are_as_many_panels_as_promised() -> None:
    count = {uid: len(list(panels(board))) for uid, board in BOARDS.items()}
    assert count[SLAS] >= 21
    assert sum(number for uid, number in count.items() if uid != SLAS) >= 16


@pytest.mark.parametrize("row", PROMISED)
def test_a_row_has_its_panels_with_their_target_lines(row: str) -> None:
    there = of_row(BOARDS[SLAS], row)
    for title, kind, limit in PROMISED[row]:
        [panel] = [each for each in there if each["title"].startswith(title) and each["type"] == kind]
        defaults = panel["fieldConfig"]["defaults"]
        if limit is not None:
            assert limit in [step["value"] for step in defaults["thresholds"]["steps"]], title
            assert defaults["custom"]["thresholdsStyle"]["mode"] == "dashed"


def test_the_first_screen_is_open() -> None:
    """Its row is the first one, and nothing is to be clicked to see it."""
    first = BOARDS[SLAS]["panels"][0]
    assert first["type"] == "row"
    assert first["title"].startswith("Overview")
    assert first["collapsed"] is False
