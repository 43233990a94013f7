"""What an expression asks for: the metrics it names, and the labels it selects, groups and joins by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import promql_parser as promql

Labels = frozenset[str]
LabelsOf = Callable[[str], Labels]

GRAFANA_DURATION = re.compile(
    r"\$__(?:rate_interval|interval|range)\b|\$\{__(?:rate_interval|interval|range)\}"
)
GRAFANA_VARIABLE = re.compile(r"\$\{?\w+(?::\w+)?\}?")
NAME_LABEL = "__name__"


def parse(expression: str) -> promql.Expr:
    """The expression, with Grafana's variables filled in; raises ValueError when it does not parse."""
    return promql.parse(GRAFANA_VARIABLE.sub("x", GRAFANA_DURATION.sub("5m", expression)))


def selectors(expression: promql.Expr) -> Iterator[promql.VectorSelector]:
    """Every selector, those in ranges and subqueries too."""
    found: list[promql.VectorSelector] = []

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            found.append(node)

    promql.walk(expression, pre_visit=visit)
    yield from found


def metric_names(selector: promql.VectorSelector, known: Mapping[str, Labels]) -> set[str]:
    """The metrics that a selector names; with a pattern for a name, those of `known` that it matches."""
    if selector.name is not None:
        return {selector.name}
    for matcher in selector.matchers.matchers:
        if matcher.name == NAME_LABEL and matcher.op == promql.MatchOp.Equal:
            return {matcher.value}
        if matcher.name == NAME_LABEL and matcher.op == promql.MatchOp.Re:
            matching = {name for name in known if re.fullmatch(matcher.value, name)}
            return matching or {f"{{{NAME_LABEL}=~{matcher.value!r}}}"}
    return {selector.prettify()}


def problems(expression: promql.Expr, known: Mapping[str, Labels]) -> list[str]:
    """What the expression asks for that is not there: metrics that nobody exports, labels that they lack."""
    found: list[str] = []

    def visit(node: promql.Expr) -> None:
        match node:
            case promql.VectorSelector():
                found.extend(_selector_problems(node, known))
            case promql.AggregateExpr() if node.modifier is not None:
                missing = set(node.modifier.labels) - labels_of(node.expr, known)
                found.extend(f"nothing in {node.expr.prettify()} has the label {each}" for each in missing)
            case promql.BinaryExpr() if node.modifier is not None and node.modifier.matching is not None:
                either = labels_of(node.lhs, known) | labels_of(node.rhs, known)
                missing = set(node.modifier.matching.labels) - either
                found.extend(f"no side of {node.prettify()} has the label {each}" for each in missing)

    promql.walk(expression, pre_visit=visit)
    return found


def _selector_problems(selector: promql.VectorSelector, known: Mapping[str, Labels]) -> Iterator[str]:
    names = metric_names(selector, known)
    for name in sorted(names - known.keys()):
        yield f"nobody exports {name}"
    there: set[str] = {NAME_LABEL}
    for name in names & known.keys():
        there |= known[name]
    for matcher in selector.matchers.matchers:
        if names <= known.keys() and matcher.name not in there:
            yield f"{', '.join(sorted(names))} has no label {matcher.name}"


def labels_of(node: promql.Expr, known: Mapping[str, Labels]) -> Labels:
    """The labels that a result of the expression can have, at most."""
    match node:
        case promql.VectorSelector():
            return frozenset().union(
                *(known.get(name, frozenset()) for name in metric_names(node, known)), [NAME_LABEL]
            )
        case promql.AggregateExpr():
            return _aggregated(node, known)
        case promql.BinaryExpr():
            return labels_of(node.lhs, known) | labels_of(node.rhs, known)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr() | promql.MatrixSelector():
            return labels_of(_inner(node), known)
        case promql.Call():
            return _called(node, known)
        case _:  # a number or a text
            return frozenset()


def _inner(node: promql.Expr) -> promql.Expr:
    return node.vector_selector if isinstance(node, promql.MatrixSelector) else node.expr  # type: ignore[attr-defined]  # the others of labels_of have it


def _aggregated(node: promql.AggregateExpr, known: Mapping[str, Labels]) -> Labels:
    inner = labels_of(node.expr, known)
    if str(node.op) in {"topk", "bottomk", "limitk"}:
        return inner
    added = {node.param.val} if isinstance(node.param, promql.StringLiteral) else set()  # count_values
    if node.modifier is None:
        return frozenset(added)
    listed = frozenset(node.modifier.labels)
    return (inner & listed if node.modifier.type == promql.AggModifierType.By else inner - listed) | added


def _called(node: promql.Call, known: Mapping[str, Labels]) -> Labels:
    labels = frozenset().union(*(labels_of(each, known) for each in node.args))
    if node.func.name in {"label_replace", "label_join"}:
        return labels | {node.args[1].val}
    return labels - {"le"} if node.func.name == "histogram_quantile" else labels
