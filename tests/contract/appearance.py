"""The dashboards about programs, and the colour in which Grafana would show a value."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dashboards.queries import BUILT_IN, panels, substitute, variables

Json = Mapping[str, Any]

DASHBOARDS = Path(__file__).resolve().parents[2] / "grafana" / "dashboards" / "json"
UIDS = ("insa-agent-performance", "insa-worker-health", "insa-error-handling")
BOARDS: Mapping[str, Json] = {
    uid: json.loads((DASHBOARDS / f"{uid}.json").read_text(encoding="utf-8")) for uid in UIDS
}


def colors(panel: Json, values: Mapping[str, float | None]) -> dict[str, str]:
    """The colour of each field, by its name: a stat's legend, a table's column."""
    return {name: color(settings(panel, name), value) for name, value in values.items()}


def settings(panel: Json, field: str) -> dict[str, Any]:
    """The settings of one field: the panel's defaults, and what overrides them by its name."""
    found = dict(panel["fieldConfig"]["defaults"])
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"] == {"id": "byName", "options": field}:
            found |= {each["id"]: each["value"] for each in override["properties"]}
    return found


def color(field: Json, value: float | None) -> str:
    """The colour of a value; None stands for an answer without a series."""
    missing = value is None or math.isnan(value)
    for mapping in field.get("mappings") or []:
        options = mapping["options"]
        if mapping["type"] == "special" and missing and "null" in options["match"]:
            return str(options["result"]["color"])
        if mapping["type"] == "value" and not missing and f"{value:g}" in options:
            return str(options[f"{value:g}"].get("color"))
    steps = field["thresholds"]["steps"]
    # Grafana takes the lowest step for a missing value.
    reached = (
        [steps[0]] if missing else [step for step in steps if step["value"] is None or step["value"] <= value]
    )
    return str(reached[-1]["color"])


def shown_fields(panel: Json) -> Iterator[tuple[str, str]]:
    """(field, expression) of a panel that shows its newest value."""
    if panel["type"] == "table":
        (renamed,) = [
            each["options"]["renameByName"] for each in panel["transformations"] if each["id"] == "organize"
        ]
        for target in panel["targets"]:
            value = f"Value #{target['refId']}"
            yield renamed.get(value, value), target["expr"]
    else:
        for target in panel["targets"]:
            yield target["legendFormat"], target["expr"]


def substituted(board: Json, expr: str) -> str:
    """The expression as Grafana sends it, with all choices of the variables at "All"."""
    return substitute(expr, {**BUILT_IN, **variables(board)})


QUERIES: tuple[tuple[str, Json, str], ...] = tuple(
    (uid, panel, substituted(board, target["expr"]))
    for uid, board in BOARDS.items()
    for panel in panels(board)
    for target in panel["targets"]
)
"""(uid, panel, expression) of every query."""

STATS: tuple[tuple[str, Json, str, str], ...] = tuple(
    (uid, panel, field, substituted(board, expr))
    for uid, board in BOARDS.items()
    for panel in panels(board)
    if panel["type"] in {"stat", "table"}
    for field, expr in shown_fields(panel)
)
"""(uid, panel, field, expression) of every figure that is coloured by its newest value."""
