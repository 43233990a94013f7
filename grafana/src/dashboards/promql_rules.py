"""Rules for the PromQL of a dashboard: rates of counters, windows, variables, aggregated annotations.

What dashboard-linter (Grafana's) asks of targets and variables, decided on the parsed expression.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser as promql

from .queries import BUILT_IN, VARIABLE, UnknownVariableError, panels, substitute

MARKS = {"__rate_interval": "11277964ms", "__range": "11277965ms", "__interval": "11277966ms"}
"""Lengths that nobody writes, in the place of Grafana's: so each is known again in the parsed expression."""
RATE_INTERVAL = datetime.timedelta(milliseconds=11277964)

COUNTER = re.compile(r".*_(?:total|count|sum|bucket)")
RATES = {"rate", "irate", "delta", "deriv"}
COUNTED = RATES | {
    "increase",
    "resets",
    "changes",
    "absent",
    "absent_over_time",
    "present_over_time",
    "timestamp",
}
"""What may be asked of a counter, whose value alone says nothing: it begins at 0 with each start."""
COUNTING = {"count", "group"}
"""Aggregations that do not read the value."""

OF_A_SCRAPE = ("job", "instance")
SUFFIX_OF_MARK = "_chosen"
REFRESH_WITH_TIME = 2
LABEL_VALUES = re.compile(r"label_values\((?:(.*),)?\s*\w+\s*\)", re.DOTALL)
QUERY_RESULT = re.compile(r"query_result\((.*)\)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Asked:
    """A parsed expression, and what it belongs to."""

    where: str
    tree: promql.Expr


def problems(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """What breaks the rules; an expression that does not parse is named by another rule."""
    asked = list(expressions(dashboard))
    several = {each["name"] for each in variables(dashboard) if each.get("multi") or each.get("includeAll")}
    named = {each["name"] for each in variables(dashboard)} & {*OF_A_SCRAPE}
    for each in asked:
        for selector, around in selectors(each.tree):
            for problem in (
                *counter_problems(selector, around),
                *matcher_problems(selector, several),
                *scrape_problems(selector, named),
            ):
                yield f"{each.where}: {problem}"
        for problem in window_problems(each.tree):
            yield f"{each.where}: {problem}"
    yield from annotation_problems(dashboard)
    yield from variable_problems(dashboard)
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            if target.get("hide"):
                yield f"panel {panel['id']} {panel['title']!r}: query {target['refId']} is hidden: remove it"


def variables(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The dashboard's own variables."""
    found: list[dict[str, Any]] = dashboard.get("templating", {}).get("list", [])
    return found


def parsed(dashboard: Mapping[str, Any], expr: str) -> promql.Expr | None:
    """The expression with marks in the place of variables; None when it cannot be read."""
    values = {each["name"]: f"{each['name']}{SUFFIX_OF_MARK}" for each in variables(dashboard)}
    try:
        return promql.parse(substitute(expr, {**BUILT_IN, **MARKS, **values}))
    except (UnknownVariableError, ValueError):
        return None


def expressions(dashboard: Mapping[str, Any]) -> Iterator[Asked]:
    """The expressions of the panels."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            if (tree := parsed(dashboard, target["expr"])) is not None:
                yield Asked(f"panel {panel['id']} {panel['title']!r}: query {target['refId']}", tree)


def selectors(tree: promql.Expr) -> Iterator[tuple[promql.VectorSelector, list[str]]]:
    """Every selector, with the names of the functions and aggregations around it."""
    found: list[tuple[promql.VectorSelector, list[str]]] = []
    around: list[str] = []

    def enter(node: promql.Expr) -> None:
        around.append(name_of(node))
        if isinstance(node, promql.VectorSelector):
            found.append((node, [name for name in around if name]))

    def leave(node: promql.Expr) -> None:  # noqa: ARG001  # what the walk passes
        around.pop()

    promql.walk(tree, pre_visit=enter, post_visit=leave)
    yield from found


def name_of(node: promql.Expr) -> str:
    """The function or aggregation that a node is, or nothing."""
    match node:
        case promql.Call():
            return str(node.func.name)
        case promql.AggregateExpr():
            return str(node.op)
    return ""


def counter_problems(selector: promql.VectorSelector, around: list[str]) -> Iterator[str]:
    """A counter is read as a rate or an increase."""
    name = selector.name or ""
    if COUNTER.fullmatch(name) and not (COUNTED | COUNTING) & {*around}:
        yield f"{name} is a counter: take its rate or its increase"


def matcher_problems(selector: promql.VectorSelector, several: set[str]) -> Iterator[str]:
    """A variable of several values needs a pattern; a fixed instance is one machine's."""
    for matcher in selector.matchers.matchers:
        pattern = matcher.op in (promql.MatchOp.Re, promql.MatchOp.NotRe)
        for name in several:
            if f"{name}{SUFFIX_OF_MARK}" in matcher.value and not pattern:
                yield f"${name} may be several values: match {matcher.name} by =~"
        if matcher.name == "instance" and SUFFIX_OF_MARK not in matcher.value:
            yield f"the instance {matcher.value!r} is fixed: another machine has another"


def scrape_problems(selector: promql.VectorSelector, named: set[str]) -> Iterator[str]:
    """Where a program's job or instance can be chosen, every selector of its metrics keeps to the choice."""
    if not (selector.name or "").startswith("insa_"):
        return
    matched = {matcher.name for matcher in selector.matchers.matchers if SUFFIX_OF_MARK in matcher.value}
    for label in sorted(named - matched):
        yield f"{selector.name} is not narrowed by ${label}"


def window_problems(tree: promql.Expr) -> Iterator[str]:
    """A rate is taken over $__rate_interval, which never holds fewer than two samples.

    An increase may have a window of its own: "restarts in 15 minutes".
    """
    found: list[str] = []

    def enter(node: promql.Expr) -> None:
        if not isinstance(node, promql.Call) or node.func.name not in RATES:
            return
        window = node.args[0]
        if isinstance(window, promql.MatrixSelector) and window.range != RATE_INTERVAL:
            found.append(f"{node.func.name} has a fixed range: use $__rate_interval")

    promql.walk(tree, pre_visit=enter)
    yield from found


def annotation_problems(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """Annotations are aggregated: regions that overlap add up to an opaque block that hides the graph."""
    for annotation in dashboard.get("annotations", {}).get("list", []):
        tree = parsed(dashboard, annotation["expr"]) if "expr" in annotation else None
        if tree is not None and not is_aggregated(tree):
            yield f"annotation {annotation['name']!r} has a region a series: aggregate it: max by (severity)"


def is_aggregated(tree: promql.Expr) -> bool:
    """Whether an aggregation makes the series, which a comparison or a join may narrow."""
    match tree:
        case promql.AggregateExpr():
            return True
        case promql.ParenExpr():
            return is_aggregated(tree.expr)
        case promql.BinaryExpr():
            return is_aggregated(tree.lhs)
    return False


def variable_problems(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """Variables are asked for again with the time range, ask with PromQL, and are used."""
    for variable in variables(dashboard):
        where = f"variable {variable['name']!r}"
        if variable["type"] == "query":
            if variable.get("refresh") != REFRESH_WITH_TIME:
                yield f"{where} must be asked for again when the time range changes: refresh 2"
            if variable.get("includeAll") and variable.get("allValue") not in {".*", ".+"}:
                yield f"{where}: all of it must match by one pattern: allValue .*"
            yield from asked_problems(dashboard, variable)
        others = json.dumps(
            {**dashboard, "templating": [each for each in variables(dashboard) if each is not variable]}
        )
        used = {next(filter(None, match.groups())) for match in VARIABLE.finditer(others)}
        repeated = {panel.get("repeat") for panel in dashboard.get("panels", [])}
        if variable["name"] not in used | repeated | {item.get("repeat") for item in panels(dashboard)}:
            yield f"{where} is used nowhere"


def asked_problems(dashboard: Mapping[str, Any], variable: Mapping[str, Any]) -> Iterator[str]:
    """What the datasource is asked for a variable's values parses."""
    query = variable.get("query")
    text = str(query.get("query", "") if isinstance(query, dict) else query)
    match = LABEL_VALUES.fullmatch(text) or QUERY_RESULT.fullmatch(text)
    if match is None:
        yield f"variable {variable['name']!r}: {text!r} is neither label_values(…) nor query_result(…)"
    elif match[1] and parsed(dashboard, match[1]) is None:
        yield f"variable {variable['name']!r}: {match[1]!r} does not parse"
