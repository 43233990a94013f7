"""The dashboards keep the house rules, and each rule refuses a dashboard that breaks it."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from contract import made_up_dashboard
from dashboards.lint import problems
from dashboards.queries import panels

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DASHBOARDS = sorted((REPOSITORY / "grafana" / "dashboards" / "json").glob("*.json"))

Json = dict[str, Any]
Damage = Callable[[Json], object]


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_the_dashboard_keeps_the_rules(file: pathlib.Path) -> None:
    assert problems(json.loads(file.read_text(encoding="utf-8"))) == []


def test_a_dashboard_that_keeps_the_rules_is_accepted() -> None:
    assert problems(made_up_dashboard.dashboard()) == []


def test_links_between_dashboards_lead_to_a_panel_that_exists() -> None:
    boards = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in DASHBOARDS}
    ids = {uid: {panel["id"] for panel in panels(board)} for uid, board in boards.items()}
    for uid, board in boards.items():
        for target, shown in re.findall(
            r"/d/([\w-]+)(?:[^\s\"]*viewPanel=(?:panel-)?(\d+))?", json.dumps(board)
        ):
            assert target in ids, f"{uid} links to {target}"
            assert not shown or int(shown) in ids[target], f"{uid} links to panel {shown} of {target}"


def first(dashboard: Json, kind: str) -> Json:
    return next(panel for panel in panels(dashboard) if panel["type"] == kind)


def defaults(dashboard: Json, kind: str) -> Json:
    settings: Json = first(dashboard, kind)["fieldConfig"]["defaults"]
    return settings


def steps(dashboard: Json, kind: str) -> list[Json]:
    found: list[Json] = defaults(dashboard, kind)["thresholds"]["steps"]
    return found


def closed_row(dashboard: Json) -> Json:
    row: Json = next(item for item in dashboard["panels"] if item["type"] == "row" and item["collapsed"])
    return row


def swap(dashboard: Json) -> None:
    found = steps(dashboard, "gauge")
    found[1], found[2] = found[2], found[1]


def ask(expr: str, kind: str = "timeseries") -> Damage:
    """Another expression in a panel's query."""
    return lambda dashboard: first(dashboard, kind)["targets"][0].update(expr=expr)


def variable(position: int, **values: object) -> Damage:
    """Other settings of a variable: 0 the datasource, 1 the workers."""
    return lambda dashboard: dashboard["templating"]["list"][position].update(values)


def annotate(**values: object) -> Damage:
    """Other settings of the annotation."""
    return lambda dashboard: dashboard["annotations"]["list"][0].update(values)


def option(kind: str, **values: object) -> Damage:
    """Other options of a panel."""
    return lambda dashboard: first(dashboard, kind)["options"].update(values)


def shown(kind: str, **values: object) -> Damage:
    """Other settings of a panel itself."""
    return lambda dashboard: first(dashboard, kind).update(values)


OF_THE_WHOLE: list[tuple[str, Damage]] = [
    ("refresh is", lambda d: d.update(refresh="5s")),
    ("time is", lambda d: d.update(time={"from": "now-1h", "to": "now"})),
    ("graphTooltip is", lambda d: d.update(graphTooltip=0)),
    ("schemaVersion is", lambda d: d.update(schemaVersion=42)),
    ("is not readable and fixed", lambda d: d.update(uid="nErXDvCkzz")),
    ("id belongs to a single Grafana", lambda d: d.update(id=7)),
    ("tag 'insa' is missing", lambda d: d.update(tags=[])),
    ("no annotation shows firing alerts", lambda d: d.update(annotations={"list": []})),
    ("keep time and variables", lambda d: d["links"][0].update(keepTime=False)),
    ("keep time and variables", lambda d: d["links"][1].update(url="/d/insa-worker-health")),
    ("overlap in line", lambda d: first(d, "stat")["gridPos"].update(x=0)),
    ("gap in line", lambda d: first(d, "gauge")["gridPos"].update(w=4)),
    ("outside of the grid", lambda d: first(d, "bargauge")["gridPos"].update(w=13)),
    ("gap in line", lambda d: closed_row(d)["panels"][0]["gridPos"].update(w=23)),
    ("panels belong into a collapsed row", lambda d: closed_row(d).update(collapsed=False)),
    ("is not unique", lambda d: first(d, "stat").update(id=2)),
    ("is not unique", lambda d: first(d, "stat").update(id=1)),
    ("is not unique", lambda d: closed_row(d)["panels"][0].update(id=2)),
]

OF_A_PANEL: list[tuple[str, Damage]] = [
    ("no unit", lambda d: defaults(d, "stat").pop("unit")),
    ("no noValue", lambda d: defaults(d, "table").pop("noValue")),
    ("the description must give", shown("table", description="All SLAs.")),
    ("a share needs min", lambda d: defaults(d, "gauge").pop("min")),
    ("a share needs max", lambda d: defaults(d, "bargauge").pop("max")),
    ("a share needs min (or axisSoftMin", lambda d: defaults(d, "timeseries").pop("min")),
    ("would look green", lambda d: steps(d, "gauge")[0].update(color="green")),
    ("must begin with one step", lambda d: steps(d, "gauge").pop(0)),
    ("do not ascend", swap),
    ("not drawn as dashed", lambda d: defaults(d, "timeseries")["custom"].pop("thresholdsStyle")),
    ("must be instant", lambda d: first(d, "stat")["targets"][0].update(instant=False)),
    ("must be over a range", lambda d: first(d, "timeseries")["targets"][0].update(range=False)),
    ("same refId", lambda d: first(d, "table")["targets"].append(first(d, "table")["targets"][0])),
    ("no query", shown("stat", targets=[])),
    ("is hidden", lambda d: first(d, "stat")["targets"][0].update(hide=True)),
]

OF_A_QUERY: list[tuple[str, Damage]] = [
    ("does not parse", ask("sum(")),
    ("$__nothing", ask("rate(a[$__nothing])")),
    ("rate has a fixed range", ask("rate(a_total[5m])")),
    ("deriv has a fixed range", ask("sum(deriv(insa_queue_depth[1h])) + 1")),
    ("insa_tasks_total is a counter", ask("sum(insa_tasks_total)")),
    ("seconds_bucket is a counter", ask("histogram_quantile(0.9, sum by (le) (insa_seconds_bucket))")),
    ("$worker may be several values", ask('insa_worker_health_status{worker_name="$worker"}')),
    ("the instance 'localhost:9091' is fixed", ask('up{instance="localhost:9091"}')),
    (
        "datasource 'P1809' is not",
        lambda d: first(d, "stat")["datasource"].update(uid="P1809"),
    ),
    ("datasource None", lambda d: first(d, "stat")["targets"][0].pop("datasource")),
    ("datasource None", variable(1, datasource=None)),
    ("annotation 'Firing alerts': datasource None", annotate(datasource=None)),
    ("has a region a series", annotate(expr='ALERTS{alertstate="firing"}')),
    ("has a region a series", annotate(expr='ALERTS{alertstate="firing"} and on () max(x)')),
    ("the first variable must be the datasource", variable(0, query="loki")),
    ("make it the provisioned one", variable(0, current={"value": "another"})),
    ("'worker' must be asked for again", variable(1, refresh=1)),
    ("all of it must match by one pattern", variable(1, allValue=None)),
    ("does not parse", variable(1, query="label_values(sum(, worker_name)")),
    ("is neither label_values", variable(1, query="worker_name")),
    (
        "variable 'worker' is used nowhere",
        lambda d: [each["targets"][0].update(expr="x") for each in panels(d)],
    ),
    (
        "insa_tasks_total is not narrowed by $job",
        lambda d: d["templating"]["list"].append(made_up_dashboard.workers() | {"name": "job"}),
    ),
]

OF_THE_SCREEN: list[tuple[str, Damage]] = [
    ("has 29 letters, and 6 columns show 28", shown("stat", title="x" * 29)),
    (
        "the legend needs 4 lines",
        lambda d: first(d, "timeseries")["options"]["legend"].update(displayMode="table"),
    ),
    ("a mapping shows null as 'No data'", lambda d: defaults(d, "stat").update(noValue="Never")),
    (
        "a mapping for null paints",
        lambda d: defaults(d, "state-timeline").update(mappings=defaults(d, "stat")["mappings"]),
    ),
    ("show ranges, not words", lambda d: defaults(d, "state-timeline").update(color={"mode": "thresholds"})),
]

OF_VERSIONS: list[tuple[str, Damage]] = [
    ("elements belongs to the newer model", lambda d: d.update(elements={})),
    ("apiVersion belongs to the newer model", lambda d: d.update(apiVersion="dashboard.grafana.app/v2")),
    ("dashboard: Grafana 9.4 does not know 'tabs'", lambda d: d.update(tabs=[])),
    ("variable 'worker': Grafana 9.4 does not know 'allowCustomValue'", variable(1, allowCustomValue=False)),
    (
        "link 'Status page': Grafana 9.4 does not know 'placement'",
        lambda d: d["links"][1].update(placement="inControlsMenu"),
    ),
    ("annotation 'Firing alerts': Grafana 9.4 does not know 'filter'", annotate(filter={})),
    (
        "row 'Details': Grafana 9.4 does not know 'repeatDirection'",
        lambda d: closed_row(d).update(repeatDirection="h"),
    ),
    ("type 'canvas' is not one of", shown("stat", type="canvas")),
    ("Grafana 9.4 does not know 'showMenuAlways'", shown("stat", showMenuAlways=True)),
    ("options: Grafana 9.4 does not know 'wideLayout'", option("stat", wideLayout=True)),
    ("options: Grafana 9.4 does not know 'perPage'", option("state-timeline", perPage=20)),
    (
        "options.tooltip: Grafana 9.4 does not know 'hideZeros'",
        option("timeseries", tooltip={"hideZeros": True}),
    ),
    (
        "defaults: Grafana 9.4 does not know 'fieldMinMax'",
        lambda d: defaults(d, "stat").update(fieldMinMax=True),
    ),
    (
        "custom: Grafana 9.4 does not know 'axisBorderShow'",
        lambda d: defaults(d, "timeseries")["custom"].update(axisBorderShow=True),
    ),
    (
        "override: Grafana 9.4 does not know 'actions'",
        lambda d: first(d, "stat")["fieldConfig"]["overrides"].append(
            {"matcher": {"id": "byName", "options": "x"}, "properties": [{"id": "actions", "value": []}]}
        ),
    ),
    (
        "query A: Grafana 9.4 does not know 'scopes'",
        lambda d: first(d, "stat")["targets"][0].update(scopes=[]),
    ),
    (
        "transformation: Grafana 9.4 does not know 'transpose'",
        shown("table", transformations=[{"id": "transpose"}]),
    ),
]

DAMAGES = [*OF_THE_WHOLE, *OF_A_PANEL, *OF_A_QUERY, *OF_THE_SCREEN, *OF_VERSIONS]


@pytest.mark.parametrize(
    ("words", "damage"), DAMAGES, ids=[f"{number}: {words}" for number, (words, _) in enumerate(DAMAGES)]
)
def test_a_broken_rule_is_named(words: str, damage: Damage) -> None:
    dashboard = made_up_dashboard.dashboard()
    damage(dashboard)
    assert [problem for problem in problems(dashboard) if words in problem]


@pytest.mark.parametrize(
    "expr",
    [
        "increase(insa_restarts_total[15m])",  # a named window is a figure of its own
        "increase(insa_restarts_total[$__range])",
        "rate(insa_restarts_total[$__rate_interval] offset 1w)",
        "count(insa_restarts_total)",
        'insa_worker_health_status{worker_name!~"$worker", instance=~".*"} > 0'.replace(
            ', instance=~".*"', ""
        ),
    ],
)
def test_these_may_be_asked(expr: str) -> None:
    dashboard = made_up_dashboard.dashboard()
    first(dashboard, "timeseries")["targets"][0]["expr"] = expr
    assert problems(dashboard) == []
