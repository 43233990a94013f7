"""What Grafana would show of a panel's value: its colour and its words, by thresholds and mappings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]


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
