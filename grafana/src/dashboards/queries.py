"""Every query of the committed dashboards and alert rules, ready to be sent to a Prometheus."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from .definitions import REPOSITORY

# What Grafana substitutes for a 24 h range on a wide screen with a scrape interval of 15 s.
BUILT_IN = {
    "__rate_interval": "1m",
    "__interval": "15s",
    "__interval_ms": "15000",
    "__range": "86400s",
    "__range_s": "86400",
    "__range_ms": "86400000",
    "__from": "0",
    "__to": "86400000",
}

VARIABLE = re.compile(r"\$\{(\w+)(?:[.:]\w+)?\}|\$(\w+)|\[\[(\w+)\]\]")
"""The three ways to write a variable: ${name:format}, $name and [[name]]."""


@dataclasses.dataclass(frozen=True)
class DashboardQuery:
    """One query. `path` is below the repository, `panel` its title, `expr` has every variable substituted."""

    path: pathlib.PurePosixPath
    panel: str
    expr: str


class UnknownVariableError(ValueError):
    """An expression uses a variable that neither Grafana nor its dashboard has."""


def all_queries(root: pathlib.Path = REPOSITORY) -> list[DashboardQuery]:
    """Every query of grafana/: panels, annotations and alert rules, in the order of the files."""
    found: list[DashboardQuery] = []
    for file in sorted((root / "grafana" / "dashboards" / "json").glob("*.json")):
        found += dashboard_queries(below(root, file), json.loads(file.read_text(encoding="utf-8")))
    for file in sorted((root / "grafana" / "provisioning" / "alerting").glob("*.yml")):
        found += alert_queries(below(root, file), yaml.safe_load(file.read_text(encoding="utf-8")))
    return found


def dashboard_queries(path: pathlib.PurePosixPath, dashboard: Mapping[str, Any]) -> list[DashboardQuery]:
    """The dashboard's own queries; UnknownVariableError when one cannot be substituted."""
    values = {**BUILT_IN, **variables(dashboard)}
    found = [
        DashboardQuery(path, panel["title"], substitute(target["expr"], values))
        for panel in panels(dashboard)
        for target in panel.get("targets", [])
    ]
    for annotation in dashboard.get("annotations", {}).get("list", []):
        if "expr" in annotation:
            title = f"annotation {annotation['name']}"
            found.append(DashboardQuery(path, title, substitute(annotation["expr"], values)))
    return found


def alert_queries(path: pathlib.PurePosixPath, provisioning: Mapping[str, Any]) -> list[DashboardQuery]:
    """The PromQL of an alerting file; the steps that Grafana computes itself have none."""
    return [
        DashboardQuery(path, rule["title"], substitute(step["model"]["expr"], BUILT_IN))
        for group in provisioning.get("groups", [])
        for rule in group["rules"]
        for step in rule["data"]
        if "expr" in step["model"]
    ]


def below(root: pathlib.Path, file: pathlib.Path) -> pathlib.PurePosixPath:
    """The file's path below the repository."""
    return pathlib.PurePosixPath(file.relative_to(root))


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every panel that is not a row, those inside collapsed rows too."""
    for panel in dashboard.get("panels", []):
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def variables(dashboard: Mapping[str, Any]) -> dict[str, str]:
    """Name → value of the dashboard's own variables; "all" and a value not chosen yet match everything."""
    found = {}
    for variable in dashboard.get("templating", {}).get("list", []):
        value = variable.get("current", {}).get("value") or "$__all"
        chosen = "|".join(value) if isinstance(value, list) else str(value)
        found[variable["name"]] = ".*" if "$__all" in chosen else chosen
    return found


def substitute(expr: str, values: Mapping[str, str]) -> str:
    """The expression with values in the place of variables; UnknownVariableError names one that has none."""

    def value(match: re.Match[str]) -> str:
        name = next(group for group in match.groups() if group is not None)
        if name not in values and not name.isdigit():
            raise UnknownVariableError(
                f"${name} in {expr!r} is unknown: known are {', '.join(sorted(values))}"
            )
        # "$1" is a capture of label_replace, which Grafana leaves alone.
        return values.get(name, match.group(0))

    return VARIABLE.sub(value, expr)
