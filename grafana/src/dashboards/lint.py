"""The house rules for dashboards, checked on the JSON that Grafana gets; a line for each violation.

Beside these: keys that every Grafana knows (keys), what fits on the screen (screen), what is asked
(promql_rules).
"""

from __future__ import annotations

import itertools
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser

from . import keys, names, promql_rules, screen
from .layout import COLUMNS
from .panels import GREEN
from .queries import UnknownVariableError, dashboard_queries, panels

INSTANT_TYPES = {"stat", "gauge", "bargauge", "table"}
"""These show the newest value only, so a range query would be wasted."""

TRACKING = {
    "refresh": "30s",
    "time": {"from": "now-24h", "to": "now"},
    "graphTooltip": 1,
    "schemaVersion": 37,
}

WITHOUT_DATA = "text"
"""The kind of panel that asks nothing and holds words alone."""

DESCRIPTION_PARTS = ("**Formula:**", "**What to do:**")


def problems(dashboard: Mapping[str, Any]) -> list[str]:
    """What breaks the rules, empty when nothing does."""
    whole = [
        dashboard_problems,
        keys.unknown,
        datasource_problems,
        expression_problems,
        promql_rules.problems,
        grid_problems,
        id_problems,
    ]
    of_panel = [word_problems, threshold_problems, target_problems, screen.problems]
    found = [problem for rule in whole for problem in rule(dashboard)]
    return found + [
        f"panel {panel['id']} {panel['title']!r}: {problem}"
        for panel in panels(dashboard)
        if panel["type"] != WITHOUT_DATA
        for rule in of_panel
        for problem in rule(panel)
    ]


def dashboard_problems(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """Rules for the dashboard as a whole."""
    for key, wanted in TRACKING.items():
        if dashboard.get(key) != wanted:
            yield f"{key} is {dashboard.get(key)!r}, make it {wanted!r}"
    if not re.fullmatch(r"insa-[a-z-]{3,35}", dashboard.get("uid") or ""):
        yield f"uid {dashboard.get('uid')!r} is not readable and fixed: begin it with insa-"
    for key in sorted(keys.OF_ONE_GRAFANA):
        if key in dashboard:
            yield f"{key} belongs to a single Grafana: leave it out"
    if names.DASHBOARD_TAG not in dashboard.get("tags", []):
        yield f"tag {names.DASHBOARD_TAG!r} is missing: the other dashboards cannot link to it"
    annotations = dashboard.get("annotations", {}).get("list", [])
    if not any("ALERTS{" in annotation.get("expr", "") for annotation in annotations):
        yield "no annotation shows firing alerts (ALERTS)"
    links = [link for link in dashboard.get("links", []) if leads_to_a_dashboard(link)]
    if not links or not all(link["keepTime"] and link["includeVars"] for link in links):
        yield "links to other dashboards must be there and keep time and variables"


def leads_to_a_dashboard(link: Mapping[str, Any]) -> bool:
    """Whether a link stays inside Grafana."""
    return link["type"] == "dashboards" or str(link.get("url", "")).startswith("/d/")


def datasource_problems(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """The datasource is a variable, and everything that asks takes it from there."""
    variables = dashboard.get("templating", {}).get("list", [])
    own = variables[0] if variables else {}
    if (own.get("name"), own.get("type"), own.get("query")) != ("datasource", "datasource", "prometheus"):
        yield "the first variable must be the datasource: name datasource, query prometheus"
    elif (own.get("current") or {}).get("value") != names.DATASOURCE_UID:
        yield f"the datasource is {own.get('current')!r} at first: make it the provisioned one"
    asking = [(f"variable {each['name']!r}", each) for each in variables if each["type"] == "query"]
    asking += [
        (f"annotation {each['name']!r}", each)
        for each in dashboard.get("annotations", {}).get("list", [])
        if "expr" in each
    ]
    for panel in panels(dashboard):
        where = f"panel {panel['id']} {panel['title']!r}"
        asking += [(where, holder) for holder in (panel, *panel.get("targets", []))]
    for where, holder in asking:
        uid = (holder.get("datasource") or {}).get("uid")
        if uid != names.DATASOURCE and holder.get("type") != WITHOUT_DATA:
            yield f"{where}: datasource {uid!r} is not the chosen one: {names.DATASOURCE}"


def expression_problems(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """Every expression has only known variables and, these substituted, is PromQL."""
    try:
        queries = dashboard_queries(pathlib.PurePosixPath("dashboard"), dashboard)
    except UnknownVariableError as error:
        yield str(error)
        return
    for query in queries:
        try:
            promql_parser.parse(query.expr)
        except ValueError as error:
            yield f"{query.panel}: {query.expr!r} does not parse: {error}"


def grid_problems(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """No overlap, no gap, nothing beyond the 24 columns; a collapsed row has a grid of its own."""
    items = dashboard.get("panels", [])
    yield from area_problems("dashboard", items, top=0)
    for row in items:
        if row["type"] == "row":
            if row["collapsed"] != bool(row["panels"]):
                yield f"row {row['title']!r}: panels belong into a collapsed row, and beside an open one"
            yield from area_problems(f"row {row['title']!r}", row["panels"], top=row["gridPos"]["y"] + 1)


def area_problems(area: str, items: list[dict[str, Any]], top: int) -> Iterator[str]:
    """Overlaps and gaps of one grid, whose first line is `top`."""
    owners: dict[tuple[int, int], int] = {}
    for item in items:
        place = item["gridPos"]
        if place["x"] < 0 or place["x"] + place["w"] > COLUMNS or place["h"] < 1 or place["y"] < top:
            yield f"{area}: panel {item['id']} lies outside of the grid: {place}"
        for cell in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        ):
            if cell in owners:
                yield f"{area}: panels {owners[cell]} and {item['id']} overlap in line {cell[1]}"
                break
            owners[cell] = item["id"]
    bottom = max((y + 1 for _, y in owners), default=top)
    for y in range(top, bottom):
        empty = [x for x in range(COLUMNS) if (x, y) not in owners]
        if empty:
            yield f"{area}: gap in line {y}, columns {empty[0]} to {empty[-1]}"
            return


def id_problems(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """Ids are unique over the whole dashboard, rows included: links and alert rules name them."""
    rows = [item for item in dashboard.get("panels", []) if item["type"] == "row"]
    seen: set[int] = set()
    for item in [*rows, *panels(dashboard)]:
        if item["id"] < 1 or item["id"] in seen:
            yield f"id {item['id']} of {item['title']!r} is not unique or below 1"
        seen.add(item["id"])


def word_problems(panel: Mapping[str, Any]) -> Iterator[str]:
    """Description, unit, limits, and what an empty answer means."""
    description = panel.get("description", "")
    if not all(part in description for part in DESCRIPTION_PARTS) or description.startswith("**"):
        yield "the description must give meaning, formula and what to do"
    defaults = panel["fieldConfig"]["defaults"]
    if not defaults.get("unit"):
        yield "no unit"
    if not defaults.get("noValue"):
        yield "no noValue: say what an empty answer means"
    if defaults.get("unit") == "percentunit":
        custom = defaults.get("custom", {})
        for limit, soft in (("min", "axisSoftMin"), ("max", "axisSoftMax")):
            if limit not in defaults and soft not in custom:
                yield f"a share needs {limit} (or {soft} on a graph)"


def threshold_problems(panel: Mapping[str, Any]) -> Iterator[str]:
    """Thresholds exist, ascend, and do not paint nothing green; a graph draws them as dashed lines."""
    defaults = panel["fieldConfig"]["defaults"]
    configs = [defaults.get("thresholds") or {}] + [
        setting["value"]
        for override in panel["fieldConfig"]["overrides"]
        for setting in override["properties"]
        if setting["id"] == "thresholds"
    ]
    graph = panel["type"] == "timeseries"
    for config in configs:
        steps = config.get("steps", [])
        values = [step["value"] for step in steps]
        if not steps or values[0] is not None or None in values[1:]:
            yield "thresholds must begin with one step without a value"
        elif values[1:] != sorted(set(values[1:])):
            yield f"thresholds do not ascend: {values}"
        elif not graph and steps[0]["color"] == GREEN:
            yield "missing telemetry would look green: give the lowest step another colour"
    if graph and defaults.get("custom", {}).get("thresholdsStyle", {}).get("mode") != "dashed":
        yield "thresholds are not drawn as dashed lines"


def target_problems(panel: Mapping[str, Any]) -> Iterator[str]:
    """Every query is instant or over a range, as the panel shows it."""
    targets = panel.get("targets", [])
    if not targets:
        yield "no query"
    if len({target["refId"] for target in targets}) != len(targets):
        yield "two queries have the same refId"
    instant = panel["type"] in INSTANT_TYPES
    for target in targets:
        if bool(target.get("instant")) != instant or bool(target.get("range")) == instant:
            yield f"query {target['refId']} must be {'instant' if instant else 'over a range'}"
