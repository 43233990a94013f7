"""docs/dashboards.md says of each panel what Grafana is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dashboards.definitions import load
from dashboards.output import PAGE, files
from dashboards.page import line, page
from dashboards.queries import panels

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = sorted((ROOT / "grafana" / "dashboards" / "json").glob("*.json"))
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_the_committed_page_is_what_the_dashboards_give() -> None:
    assert files(load())[PAGE] == TEXT
    assert page(json.loads(path.read_text()) for path in ()) in TEXT  # its head


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_is_a_line(path: Path) -> None:
    board: dict[str, Any] = json.loads(path.read_text())
    lines = TEXT.partition(f"`{board['uid']}`")[2].partition("\n## ")[0].splitlines()
    numbers = [row.split(" | ")[0].removeprefix("| ") for row in lines if row.startswith("| ")]
    assert [number for number in numbers if number != "no."] == [str(each["id"]) for each in panels(board)]


def test_a_line_gives_question_unit_limits_and_query() -> None:
    panel = {
        "id": 23,
        "type": "timeseries",
        "title": "Error rate",
        "description": "Share that\nfails.\n\n**Formula:** a / b.\n\n**What to do:** look.",
        "fieldConfig": {
            "defaults": {
                "unit": "percentunit",
                "thresholds": {
                    "steps": [
                        {"value": None, "color": "green"},
                        {"value": 0.001, "color": "yellow"},
                        {"value": 0.05, "color": "red"},
                    ]
                },
            }
        },
        "targets": [{"expr": 'a{x=~"b|c"}'}, {"expr": "d"}],
    }
    assert line(panel) == (
        "| 23 | Error rate | Share that fails. | share, as % | yellow from 0.1 %, red from 5 % "
        '| `a{x=~"b\\|c"}`<br>`d` |'
    )
    panel["type"] = "state-timeline"
    panel["fieldConfig"]["defaults"]["mappings"] = [  # type: ignore[index]  # written above
        {"type": "value", "options": {"0": {"text": "Down", "color": "red"}}}
    ]
    assert "| Down red |" in line(panel)
