"""Each alert's mail leads to the dashboard and the panel that shows what the alert is about."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.exported import ROOT, known_metrics
from contract.promql_names import metric_names, parse, selectors
from dashboards.limits import Alert, alerts
from dashboards.queries import panels
from rules.cases import EXTERNAL_LABELS
from sla_worker.conventions import PERIODS
from unit.sla_worker.setting import Setting

LINK = re.compile(r"\{\{ \$externalLabels\.grafana_url \}\}/d/(insa-[a-z-]+)\?viewPanel=(\d+)")
BOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text())
    for path in (ROOT / "grafana" / "dashboards" / "json").glob("*.json")
}
IN_PLACE = {
    "Watchdog": "ALERTS",
    "SLABudgetBurnFast": "sla_burn_rate",  # the sustained rate is the lesser of two of these
    "SLABudgetBurnSlow": "sla_burn_rate",
    "SLABudgetBurnSteady": "sla_burn_rate",
    "SLABudgetExhausted": "sla_window_error_budget_remaining_ratio",  # how long it lasts is made of these two
    "SLABudgetSoonGone": "sla_window_error_budget_remaining_ratio",
    "SLABreachActive": "sla_active_breaches",
}
"""Alerts whose panel shows something else than what they ask for, and what: the Watchdog asks for nothing."""


@functools.cache
def recorded() -> dict[str, str]:
    """Recording rule → expression."""
    files = sorted((ROOT / "prometheus" / "rules").rglob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return {rule["record"]: rule["expr"] for group in groups for rule in group["rules"] if "record" in rule}


def metrics_of(expr: str) -> set[str]:
    """The metrics that an expression asks for, and those that its recording rules do."""
    found: set[str] = set()
    for selector in selectors(parse(expr)):
        for name in metric_names(selector, known_metrics()):
            found.add(name)
            if name in recorded():
                found |= metrics_of(recorded()[name])
    return found


def panel_of(alert: Alert) -> dict[str, Any]:
    match = LINK.fullmatch(alert.dashboard_url)
    assert match, f"{alert.file}: {alert.name} links {alert.dashboard_url!r}: give /d/<uid>?viewPanel=<id>"
    uid, number = match[1], int(match[2])
    assert uid in BOARDS, f"{alert.file}: {alert.name} links the dashboard {uid}, which is not there"
    found = [panel for panel in panels(BOARDS[uid]) if panel["id"] == number]
    assert found, f"{alert.file}: {alert.name} links panel {number} of {uid}, which is not there"
    return found[0]


@pytest.mark.parametrize("name", sorted(alerts()))
def test_the_linked_panel_shows_a_metric_of_the_alert(name: str) -> None:
    alert = alerts()[name]
    wanted = {IN_PLACE[name]} if name in IN_PLACE else metrics_of(alert.expr)
    shown = set[str]().union(*(metrics_of(target["expr"]) for target in panel_of(alert)["targets"]))
    assert wanted & shown, f"{name}: {sorted(wanted)} are not on its panel, which shows {sorted(shown)}"


@pytest.mark.parametrize("name", sorted(alerts()))
def test_the_linked_panel_is_not_one_of_a_repeated_row(name: str) -> None:
    """Its id changes with the choice, and Grafana would not find it."""
    board = BOARDS[LINK.fullmatch(alerts()[name].dashboard_url)[1]]  # type: ignore[index]  # the test above
    repeated = [row for row in board["panels"] if row["type"] == "row" and row.get("repeat")]
    assert panel_of(alerts()[name]) not in [panel for row in repeated for panel in row["panels"]]


@pytest.mark.parametrize("name", sorted(alerts()))
def test_a_panel_with_the_alert_s_limit_is_the_one_that_is_linked(name: str) -> None:
    """Where graphs draw the limit of an alert, the link leads to one of them."""
    drawing = [
        (uid, panel["id"])
        for uid, board in BOARDS.items()
        for panel in panels(board)
        if panel["type"] == "timeseries" and re.search(rf"alert {name}\b", panel["description"])
    ]
    match = LINK.fullmatch(alerts()[name].dashboard_url)
    assert match
    assert not drawing or (match[1], int(match[2])) in drawing


def test_the_link_in_a_mail_is_a_whole_address() -> None:
    template = alerts()["WorkerUnhealthy"].dashboard_url
    url = re.sub(r"\{\{ \$externalLabels\.(\w+) \}\}", lambda m: EXTERNAL_LABELS[m[1]], template)
    assert url == "http://grafana.example.com/d/insa-worker-health?viewPanel=21"


def test_links_to_the_sla_worker_lead_to_pages_that_it_has(tmp_path: Path) -> None:
    urls = set(re.findall(r'"\$\{worker_url\}([^"]*)"', json.dumps(BOARDS)))
    assert {url.partition("?")[0] for url in urls} == {"/", "/runbooks/", "/explain"}
    worker = Setting(tmp_path)
    worker.step()
    for url in urls:
        for window in PERIODS:
            asked = url.replace("${window}", window).replace("${__value.raw}", "api-error-rate")
            assert "$" not in asked
            assert worker.ask(asked)[0] == "200 OK", asked
    worker.close()


def test_the_folder_of_rules_is_read_whole() -> None:
    assert len(alerts()) == sum(
        "alert" in rule
        for file in Path(ROOT / "prometheus" / "rules").rglob("*.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    )
