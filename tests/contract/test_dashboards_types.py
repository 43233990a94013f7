"""The dashboards against the types of the Grafana image's own version, by tsc and @grafana/schema."""

from __future__ import annotations

import copy
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from typing import Any

import pytest

from dashboards.queries import panels
from programs import node_modules

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROJECT = REPOSITORY / "tests" / "grafana"
DASHBOARDS = sorted((REPOSITORY / "grafana" / "dashboards" / "json").glob("*.json"))
CACHE = REPOSITORY / ".run" / "dashboard-types"


@pytest.fixture(scope="module")
def node_project() -> pathlib.Path:
    """The Node project with its modules, installed once for each content of the lock file."""
    return node_modules(PROJECT, CACHE, "the dashboards' types were")


def typescript(dashboard: dict[str, Any]) -> str:
    """Assigns the dashboard, and each panel's options and own field settings, to the schema's types."""
    lines = [
        "import type { JsonDashboard, PanelTypes } from './json-types';",
        f"export const dashboard: JsonDashboard = {json.dumps(dashboard)};",
    ]
    for panel in panels(dashboard):
        parts = {"options": panel["options"], "custom": panel["fieldConfig"]["defaults"].get("custom", {})}
        for part, value in parts.items():
            wanted = f"PanelTypes['{panel['type']}']['{part}']"
            lines.append(f"export const {part}{panel['id']}: {wanted} = {json.dumps(value)};")
    return "\n".join(lines) + "\n"


def misspelled_panel(dashboard: dict[str, Any]) -> None:
    dashboard["panels"][1]["fieldConfgi"] = {}


def unknown_color_mode(dashboard: dict[str, Any]) -> None:
    first(dashboard, "stat")["options"]["colorMode"] = "rainbow"


def unknown_line_style(dashboard: dict[str, Any]) -> None:
    first(dashboard, "timeseries")["fieldConfig"]["defaults"]["custom"]["drawStyle"] = "scribble"


def refresh_as_number(dashboard: dict[str, Any]) -> None:
    dashboard["refresh"] = 30


def option_of_another_panel(dashboard: dict[str, Any]) -> None:
    first(dashboard, "gauge")["options"]["cellHeight"] = "sm"


def first(dashboard: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(panel for panel in panels(dashboard) if panel["type"] == kind)


DAMAGES = {
    misspelled_panel: "fieldConfgi",
    unknown_color_mode: "rainbow",
    unknown_line_style: "scribble",
    refresh_as_number: "number",
    option_of_another_panel: "cellHeight",
}
"""What makes a dashboard wrong, and a word of what tsc says then."""


def damaged(damage: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    dashboard: dict[str, Any] = copy.deepcopy(
        json.loads((DASHBOARDS[0].parent / "insa-sla-monitoring.json").read_text(encoding="utf-8"))
    )
    damage(dashboard)
    return dashboard


@pytest.fixture(scope="module")
def refusals(node_project: pathlib.Path) -> dict[str, list[str]]:
    """What tsc says against each dashboard, a line each; all in one run, most of which reads the schema."""
    dashboards = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in DASHBOARDS}
    dashboards |= {damage.__name__: damaged(damage) for damage in DAMAGES}
    with tempfile.TemporaryDirectory(dir=node_project) as directory:
        for name in ("tsconfig.json", "json-types.ts"):
            shutil.copy(PROJECT / name, directory)
        for name, dashboard in dashboards.items():
            (pathlib.Path(directory) / f"{name}.ts").write_text(typescript(dashboard), encoding="utf-8")
        config = {"extends": "./tsconfig.json", "files": [f"{name}.ts" for name in dashboards]}
        (pathlib.Path(directory) / "check.json").write_text(json.dumps(config), encoding="utf-8")
        tsc = node_project / "node_modules" / ".bin" / "tsc"
        run = subprocess.run(
            [tsc, "--noEmit", "-p", "check.json"], cwd=directory, capture_output=True, text=True, check=False
        )
    lines = [line for line in run.stdout.splitlines() if "error TS" in line]
    assert lines, f"tsc did not run: {run.stdout}{run.stderr}"
    said = {name: [line for line in lines if line.startswith(f"{name}.ts(")] for name in dashboards}
    assert sum(len(each) for each in said.values()) == len(lines), lines
    return said


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_the_image_s_schema_accepts_the_dashboard(refusals: dict[str, list[str]], file: pathlib.Path) -> None:
    assert refusals[file.stem] == []


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_wrong_dashboard_is_refused(
    refusals: dict[str, list[str]], damage: Callable[[dict[str, Any]], None]
) -> None:
    assert [line for line in refusals[damage.__name__] if DAMAGES[damage] in line]


def test_the_lock_pins_the_schema_of_the_image_and_names_no_registry() -> None:
    lock = json.loads((PROJECT / "package-lock.json").read_text(encoding="utf-8"))
    schema = lock["packages"]["node_modules/@grafana/schema"]["version"]
    pins = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    assert re.findall(r"^GRAFANA_IMAGE=.*:(\S+)$", pins, re.MULTILINE) == [schema]
    for package in lock["packages"].values():
        assert "resolved" not in package
