"""The queries of a dashboard as Grafana serves it, ready to be sent to Grafana's /api/ds/query."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_VARIABLE = re.compile(r"\$\{(\w+)(?:[.:]\w+)?\}|\$(\w+)|\[\[(\w+)\]\]")
"""The three ways to write a variable. Grafana fills in those of its own, which begin with __, itself."""

_POINTS = 300
"""So many points are asked of a range: enough to see whether there are any."""
_MILLISECONDS = 15_000
_PROMETHEUS = "prometheus"
_EVERYTHING = ".*"


@dataclass(frozen=True, slots=True)
class PanelQueries:
    """What one panel asks: `expressions` by refId, and the body of the request that asks all of them."""

    panel: int
    title: str
    expressions: dict[str, str]
    body: dict[str, Any]


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every panel that is not a row, those of collapsed rows too."""
    for panel in dashboard.get("panels", []):
        if panel["type"] == "row":
            yield from panel.get("panels") or []
        else:
            yield panel


def queries(dashboard: Mapping[str, Any], datasource: str) -> Iterator[PanelQueries]:
    """What each panel asks of Prometheus; `datasource` is the uid in the place of one that can be chosen."""
    values = variables(dashboard, datasource)
    whole = dashboard.get("time") or {}
    for panel in panels(dashboard):
        asked = [each for each in panel.get("targets") or [] if each.get("expr") and not each.get("hide")]
        made = [_query(each, panel, values, datasource) for each in asked]
        if made:
            yield PanelQueries(
                panel["id"],
                panel.get("title") or panel["type"],
                {each["refId"]: each["expr"] for each in made},
                {
                    "from": f"now-{panel['timeFrom']}"
                    if panel.get("timeFrom")
                    else whole.get("from", "now-24h"),
                    "to": "now",
                    "queries": made,
                },
            )


def variables(dashboard: Mapping[str, Any], datasource: str) -> dict[str, str]:
    """Name → value of the dashboard's variables; all, or none chosen yet, matches everything."""
    found = {}
    for variable in (dashboard.get("templating") or {}).get("list") or []:
        value = (variable.get("current") or {}).get("value")
        if variable["type"] == "datasource":
            found[variable["name"]] = datasource
        elif isinstance(value, list) and value and "$__all" not in value:
            found[variable["name"]] = "|".join(map(re.escape, value))
        elif not value or "$__all" in value:
            found[variable["name"]] = variable.get("allValue") or _EVERYTHING
        else:
            found[variable["name"]] = str(value)
    return found


def substitute(text: str, values: Mapping[str, str]) -> str:
    """The text with values in the place of variables; what is none, as $1 of label_replace, stays."""
    return _VARIABLE.sub(
        lambda match: values.get(next(name for name in match.groups() if name), match[0]), text
    )


def _query(
    target: Mapping[str, Any], panel: Mapping[str, Any], values: Mapping[str, str], datasource: str
) -> dict[str, Any]:
    uid = (target.get("datasource") or panel.get("datasource") or {}).get("uid") or datasource
    instant = bool(target.get("instant"))
    return {
        "refId": target["refId"],
        "datasource": {"type": _PROMETHEUS, "uid": substitute(uid, values)},
        "expr": substitute(target["expr"], values),
        "instant": instant,
        "range": not instant,
        "format": target.get("format") or "time_series",
        "intervalMs": _MILLISECONDS,
        "maxDataPoints": _POINTS,
    }


def trouble(result: Mapping[str, Any] | None) -> str | None:
    """None when the result of a query has a value, else what it has instead."""
    if result is None:
        return "no answer"
    if result.get("error"):
        return str(result["error"])
    for frame in result.get("frames") or []:
        for field, column in zip(frame["schema"]["fields"], frame["data"]["values"], strict=False):
            if field.get("type") != "time" and any(value is not None for value in column):
                return None
    return "no data"
