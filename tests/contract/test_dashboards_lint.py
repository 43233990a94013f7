"""The dashboards keep the house rules, and each rule refuses a dashboard that breaks it."""

from __future__ import annotations

import copy
import json
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from dashboards.lint import problems
from dashboards.queries import panels

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DASHBOARDS = sorted((REPOSITORY / "grafana" / "dashboards" / "json").glob("*.json"))

DASHBOARD = REPOSITORY / "grafana" / "dashboards" / "json" / "insa-sla-monitoring.json"

Json = dict[str, Any]


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_the_dashboard_keeps_the_rules(file: pathlib.Path) -> None:
    assert problems(json.loads(file.read_text(encoding="utf-8"))) == []


def first(dashboard: Json, kind: str) -> Json:
    return next(panel for panel in panels(dashboard) if panel["type"] == kind)


def defaults(dashboard: Json, kind: str) -> Json:
    settings: Json = first(dashboard, kind)["fieldConfig"]["defaults"]
    return settings


def closed_row(dashboard: Json) -> Json:
    row: Json = next(item for item in dashboard["panels"] if item["type"] == "row" and item["collapsed"])
    return row


def set_color(steps: list[Json], color: str) -> None:
    steps[0]["color"] = color


def panel(dashboard: Json, panel_id: int) -> Json:
    settings: Json = next(item for item in panels(dashboard) if item["id"] == panel_id)["fieldConfig"][
        "defaults"
    ]
    return settings


def variable(dashboard: Json, name: str) -> Json:
    found: Json = next(item for item in dashboard["templating"]["list"] if item["name"] == name)
    return found


def swap(dashboard: Json) -> None:
    steps = defaults(dashboard, "gauge")["thresholds"]["steps"]
    steps[1], steps[2] = steps[2], steps[1]


DAMAGES: list[tuple[str, Callable[[Json], object]]] = [
    ("overlap in line", lambda d: first(d, "stat")["gridPos"].update(x=0)),
    ("gap in line", lambda d: first(d, "gauge")["gridPos"].update(w=4)),
    ("outside of the grid", lambda d: first(d, "bargauge")["gridPos"].update(w=9)),
    ("gap in line", lambda d: closed_row(d)["panels"][0]["gridPos"].update(w=23)),
    ("panels belong into a collapsed row", lambda d: closed_row(d).update(collapsed=False)),
    ("is not unique", lambda d: first(d, "stat").update(id=11)),
    ("is not unique", lambda d: first(d, "stat").update(id=10)),
    ("no unit", lambda d: defaults(d, "stat").pop("unit")),
    ("no noValue", lambda d: defaults(d, "table").pop("noValue")),
    ("the description must give", lambda d: first(d, "table").update(description="All SLAs.")),
    ("a share needs min", lambda d: defaults(d, "gauge").pop("min")),
    ("a share needs max", lambda d: defaults(d, "bargauge").pop("max")),
    ("a share needs min (or axisSoftMin", lambda d: panel(d, 101)["custom"].pop("axisSoftMin")),
    ("would look green", lambda d: set_color(defaults(d, "gauge")["thresholds"]["steps"], "green")),
    ("must begin with one step", lambda d: defaults(d, "gauge")["thresholds"]["steps"].pop(0)),
    ("do not ascend", swap),
    ("not drawn as dashed", lambda d: defaults(d, "timeseries")["custom"].pop("thresholdsStyle")),
    ("is not ${datasource}", lambda d: first(d, "stat")["datasource"].update(uid="P1809F7CD0C75ACF3")),
    ("is not ${datasource}", lambda d: first(d, "stat")["targets"][0].pop("datasource")),
    ("must be instant", lambda d: first(d, "stat")["targets"][0].update(instant=False)),
    ("must be over a range", lambda d: first(d, "timeseries")["targets"][0].update(range=False)),
    ("same refId", lambda d: first(d, "table")["targets"][1].update(refId="A")),
    ("no query", lambda d: first(d, "stat").update(targets=[])),
    ("use $__rate_interval", lambda d: first(d, "timeseries")["targets"][0].update(expr="rate(a[5m])")),
    ("does not parse", lambda d: first(d, "stat")["targets"][0].update(expr="sum(")),
    ("$__nothing", lambda d: first(d, "stat")["targets"][0].update(expr="rate(a[$__nothing])")),
    ("refresh is", lambda d: d.update(refresh="5s")),
    ("time is", lambda d: d.update(time={"from": "now-1h", "to": "now"})),
    ("graphTooltip is", lambda d: d.update(graphTooltip=0)),
    ("schemaVersion is", lambda d: d.update(schemaVersion=42)),
    ("is not readable and fixed", lambda d: d.update(uid="nErXDvCkzz")),
    ("id belongs to a single Grafana", lambda d: d.update(id=7)),
    ("tag 'insa' is missing", lambda d: d.update(tags=[])),
    ("no annotation shows firing alerts", lambda d: d.update(annotations={"list": []})),
    (
        "marks each alert",
        lambda d: d["annotations"]["list"][1].update(expr='ALERTS{alertstate="firing"}'),
    ),
    ("must be there, and be 'prometheus'", lambda d: variable(d, "datasource")["current"].update(value="x")),
    ("'prometheus_url' is not used", lambda d: d["links"].pop()),
    ("must ask ${datasource}", lambda d: variable(d, "worker_url").update(datasource=None)),
    ("keep time and variables", lambda d: d["links"][0].update(keepTime=False)),
]


@pytest.mark.parametrize(
    ("words", "damage"), DAMAGES, ids=[f"{number}: {words}" for number, (words, _) in enumerate(DAMAGES)]
)
def test_a_broken_rule_is_named(words: str, damage: Callable[[Json], object]) -> None:
    dashboard = copy.deepcopy(json.loads(DASHBOARD.read_text(encoding="utf-8")))
    damage(dashboard)
    assert [problem for problem in problems(dashboard) if words in problem]
