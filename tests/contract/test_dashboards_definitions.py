"""Dashboard and alert are made from whatever SLAs the definitions hold, none of which the code knows."""

from __future__ import annotations

import ast
import json
import os
import pathlib
import shutil
import subprocess
import sys
from typing import Any

import promql_parser
import pytest
import yaml

from dashboards.alerting import literal
from dashboards.definitions import DEFINITIONS_FILE, REPOSITORY, load
from dashboards.lint import problems
from dashboards.output import dashboards, files
from dashboards.queries import dashboard_queries, panels
from waiting import patience

UPTIME = {
    "key": "shop-uptime",
    "name": "Shop Uptime",
    "category": "availability",
    "severity": "high",
    "comparison": ">=",
    "target": 0.99,
    "unit": "ratio",
    "description": "The shop answers.\nElse nobody buys.",
    "sli": {"kind": "uptime", "selector": 'up{job="shop"}'},
}
ERRORS = {
    "key": "checkout-errors",
    "name": "Checkout {{ Errors }}",
    "category": "reliability",
    "severity": "critical",
    "comparison": "<=",
    "target": 0.01,
    "unit": "ratio",
    "description": "Checkouts that fail.",
    "sli": {"kind": "events", "total": "checkouts_total", "bad": 'checkouts_total{ok="no"}'},
}
LATENCY = {
    "key": "search-p99",
    "name": "Search P99",
    "category": "performance",
    "severity": "low",
    "comparison": "<=",
    "target": 1,
    "unit": "seconds",
    "description": "Searches end within a second.",
    "sli": {"kind": "latency", "histogram": "search_seconds", "objective": 0.99},
}
SETS = {
    "a shop": [UPTIME, ERRORS, LATENCY],
    "availability alone": [UPTIME],
    "performance alone": [LATENCY],
    "reliability alone": [ERRORS],
    "several of a category": [ERRORS | {"key": f"e-{n}", "name": f"Errors {n}"} for n in range(5)],
    "marked ones": [
        ERRORS | {"key": f"e-{n}", "name": f"Errors {n}", "graph": n in {1, 3}} for n in range(5)
    ],
    "a target that allows nothing": [UPTIME | {"target": 1}, ERRORS | {"target": 0}],
}


@pytest.fixture
def made(tmp_path: pathlib.Path, request: pytest.FixtureRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    """The dashboard and the alert file of a set of definitions."""
    file = tmp_path / "sla_thresholds.yml"
    file.write_text(yaml.safe_dump({"slas": SETS[request.param]}))
    slas = load(file)
    (dashboard,) = [each for each in dashboards(slas) if each["uid"] == "insa-sla-monitoring"]
    (alerts,) = [text for path, text in files(slas).items() if path.suffix == ".yml"]
    return dashboard, yaml.safe_load(alerts)


of = pytest.mark.parametrize
Made = tuple[dict[str, Any], dict[str, Any]]


def rows(dashboard: dict[str, Any]) -> list[str]:
    return [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"]


def titles(dashboard: dict[str, Any]) -> list[str]:
    return [panel["title"] for panel in panels(dashboard)]


@of("made", SETS, indirect=True)
def test_every_set_of_definitions_gives_a_dashboard_that_keeps_the_rules(made: Made) -> None:
    dashboard, _ = made

    assert problems(dashboard) == []
    for query in dashboard_queries(pathlib.PurePosixPath("x.json"), dashboard):
        promql_parser.parse(query.expr)


@of("made", ["a shop"], indirect=True)
def test_each_category_has_a_row_with_a_panel_for_each_sla(made: Made) -> None:
    dashboard, _ = made

    assert rows(dashboard)[2:-3] == ["Availability", "Performance", "Reliability"]
    graphs = {panel["id"]: panel for panel in panels(dashboard) if 100 < panel["id"] < 800}
    assert {number: panel["title"] for number, panel in graphs.items()} == {
        101: "Shop Uptime (target ≥ 99 %)",
        201: "Search P99 (target ≤ 1 s)",
        301: "Checkout {{ Errors }} (target ≤ 1 %)",
    }
    descriptions = [panel["description"] for panel in graphs.values()]
    assert descriptions[0].startswith("The shop answers.\nElse nobody buys.")
    assert "scrapes that succeeded / scrapes that were made, from `up`" in descriptions[0]
    assert "percentile 99 of `search_seconds`" in descriptions[1]


@of("made", ["a shop"], indirect=True)
def test_nothing_of_the_demo_is_left(made: Made) -> None:
    dashboard, alerts = made
    queries = [query.expr for query in dashboard_queries(pathlib.PurePosixPath("x.json"), dashboard)]

    # No panel about instruments that none of the definitions uses.
    assert [expr for expr in queries if "insa_" in expr] == []
    assert not [key.key for key in load() if f'"{key.key}"' in str([queries, alerts])]


@of("made", ["performance alone", "reliability alone"], indirect=True)
def test_a_category_without_an_sla_has_no_row(made: Made) -> None:
    dashboard, _ = made

    # Overview, error budgets, the one category, this month, details, quality of the measurement.
    assert len(rows(dashboard)) == 6


@of("made", ["several of a category", "marked ones"], indirect=True)
def test_marked_slas_have_a_graph_else_the_first_ones_of_a_category(
    made: Made, request: pytest.FixtureRequest
) -> None:
    dashboard, _ = made

    places = {
        panel["title"].partition(" (")[0]: (panel["gridPos"]["x"], panel["gridPos"]["w"])
        for panel in panels(dashboard)
        if panel["title"].startswith("Errors")
    }
    wanted = {
        "several of a category": {"Errors 0": (0, 8), "Errors 1": (8, 8), "Errors 2": (16, 8)},
        "marked ones": {"Errors 1": (0, 12), "Errors 3": (12, 12)},
    }
    assert places == wanted[request.node.callspec.params["made"]]


@of("made", ["a shop", "availability alone"], indirect=True)
def test_the_alert_watches_the_first_sla_of_availability(made: Made) -> None:
    dashboard, alerts = made
    (rule,) = alerts["groups"][0]["rules"]
    panel = int(rule["annotations"]["__panelId__"])

    assert rule["title"] == "Shop Uptime SLA Breach"
    assert rule["data"][0]["model"]["expr"] == (
        'min by (sla) (sla_actual{sla="shop-uptime"} and on () '
        "(time() - sla_worker_last_pass_timestamp_seconds < 3 * sla_worker_slot_seconds))"
    )
    assert rule["data"][2]["model"]["conditions"][0]["evaluator"] == {"type": "lt", "params": [0.99]}
    assert rule["labels"]["severity"] == "warning"
    assert [each["title"] for each in panels(dashboard) if each["id"] == panel] == [
        "Shop Uptime (target ≥ 99 %)"
    ]
    # The mail's template shows these three lines under headings of their own.
    lines = rule["annotations"]["description"].splitlines()
    assert [line.partition(":")[0] for line in lines] == ["Impact", "Likely causes", "First steps"]
    assert lines[0] == "Impact: The shop answers. Else nobody buys."


@of("made", ["performance alone", "reliability alone"], indirect=True)
def test_without_availability_an_earlier_alert_is_removed(made: Made) -> None:
    _, alerts = made
    committed = yaml.safe_load(
        (REPOSITORY / "grafana" / "provisioning" / "alerting" / "sla.yml").read_text(encoding="utf-8")
    )
    (rule,) = committed["groups"][0]["rules"]

    assert alerts == {"apiVersion": 1, "deleteRules": [{"orgId": 1, "uid": rule["uid"]}]}


def test_a_text_with_braces_stays_as_it_is_in_a_template() -> None:
    # Go's template: {{ "{{" }} prints the braces; a lone }} is plain text.
    assert literal("a {{ b }}") == 'a {{ "{{" }} b }}'


def test_the_code_knows_no_sla_by_its_key() -> None:
    keys = {sla.key for sla in load()}
    texts = {
        node.value
        for file in (REPOSITORY / "grafana" / "src").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert len(keys) >= 3
    assert keys & texts == set()
    assert not [text for text in texts for key in keys if f'"{key}"' in text]


def test_dashboards_are_generated_for_a_foreign_program(tmp_path: pathlib.Path) -> None:
    """What `make generate` runs, in a copy whose three demo SLAs were replaced by others."""
    for source in ("grafana/src", "sla-worker/src", "prometheus/rules"):
        shutil.copytree(REPOSITORY / source, tmp_path / source, ignore=shutil.ignore_patterns("__pycache__"))
    definitions = tmp_path / DEFINITIONS_FILE.relative_to(REPOSITORY)
    # One of them is in a team's file.
    [first, *others] = SETS["a shop"]
    team = {"team": "orders", "owner": "orders@example.com", "slas": [first]}
    definitions.write_text(yaml.safe_dump({"slas": others}))
    (definitions.parent / "sla.d").mkdir()
    (definitions.parent / "sla.d" / "orders.yml").write_text(yaml.safe_dump(team))
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}/grafana/src:{tmp_path}/sla-worker/src"}

    for command in (
        [sys.executable, "-m", "dashboards"],
        [sys.executable, "-m", "dashboards", "--check"],
    ):
        done = subprocess.run(
            command,
            env=environment | {"SLA_DEFINITIONS": str(definitions)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=patience(60),
        )
        assert done.returncode == 0, done.stdout + done.stderr

    written = sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "grafana").rglob("*.*ml"))
    assert written == ["grafana/provisioning/alerting/sla.yml"]
    shown = (tmp_path / "grafana/dashboards/json/insa-sla-monitoring.json").read_text()
    assert all(each["key"] in shown for each in SETS["a shop"] if each.get("graph"))
    assert "shop-uptime" in shown
    record = json.loads((tmp_path / "grafana/dashboards/made-from.json").read_text())
    assert list(record) == ["sla-worker/sla_thresholds.yml", "sla-worker/sla.d/orders.yml"]
