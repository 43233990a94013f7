"""Alerts that can never fire, or never see what they ask for: ours, and those that users have written.

    burn rate at most = 1 ÷ (1 - objective), where all is bad

What a part of an expression can be is followed as an interval; what is not known here can be anything. So an
alert is named only where no figure of any SLA could make it fire.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sla_worker import conventions as names
from sla_worker.lint.finding import WARNING, Finding
from sla_worker.model import Definition
from sla_worker.selectors import Matcher, matchers_of, parser_library

_Node = Any  # of promql_parser, which has no common class with these fields
_Range = tuple[float, float]

_ANY: _Range = (-math.inf, math.inf)
_SHARES = frozenset({names.COMPLIANCE, names.COVERAGE, names.WINDOW_COMPLIANCE, names.WINDOW_COVERAGE})
_BUDGETS = frozenset({names.BUDGET, names.WINDOW_BUDGET})
_RATES = frozenset({names.BURN_RATE, names.SUSTAINED})
_OF_SLA = frozenset({"sla", "category", "severity"})
_SAME_RANGE = frozenset({"max", "min", "avg", "topk", "bottomk", "quantile", "limitk"})
_SAME_RANGE_OVER_TIME = frozenset(
    {f"{name}_over_time" for name in ("max", "min", "avg", "last", "first", "quantile")}
)
_WITHOUT_SERIES = frozenset({"absent", "absent_over_time", "scalar", "vector", "time"})
"""Functions that have a result where what they are given has none."""
_NEAR = 1e-9
_LONGEST = 60  # letters of an expression in a finding
_OWN = "it only goes on"
_TURNED = {"<": ">", "<=": ">="}


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule as Prometheus has it."""

    name: str
    file: str
    query: str


def useless(
    alerts: Iterable[Alert], definitions: Sequence[Definition], kept_seconds: float | None
) -> Iterator[Finding]:
    """A finding for each alert that can never fire; `kept_seconds` is the retention, None if unknown."""
    rates = {
        each.key: ({"sla": each.key, "category": each.category, "severity": each.severity}, most_rate(each))
        for each in definitions
        if each.enabled and each.objective_ratio < 1
    }
    parse = parser_library().parse
    for alert in alerts:
        try:
            tree = parse(alert.query)
        except ValueError:
            continue  # Prometheus has accepted it: it knows more than this parser
        never = _Reading(alert.name, rates).never(tree)
        if never is not None:
            what = f"alert {alert.name} can never fire: {never}"
            fix = "lower its threshold, or take it out where the target allows so much"
            yield Finding(WARNING, alert.file, what, fix)
        longest = max(_spans(tree), default=0.0)
        if kept_seconds is not None and longest > kept_seconds:
            what = (
                f"alert {alert.name} reads {_days(longest)} back, and Prometheus keeps {_days(kept_seconds)}"
            )
            fix = "shorten its window, or have Prometheus keep more (storage.tsdb.retention)"
            yield Finding(WARNING, alert.file, what, fix)


def most_rate(definition: Definition) -> float:
    """The burn rate of an SLA when all is bad; its objective must be below 1."""
    return 1 / (1 - definition.objective_ratio)


class _Reading:
    """What an expression can be, as far as it is about SLAs with these burn rates at most."""

    def __init__(self, alert: str, rates: dict[str, tuple[dict[str, str], float]]) -> None:
        self._alert = alert
        self._rates = rates

    def never(self, node: _Node) -> str | None:
        """Why it has no series, ever; None if it may have some."""
        kind = type(node).__name__
        if kind == "BinaryExpr":
            return self._never_both(node)
        if kind == "Call":
            inner = () if node.func.name in _WITHOUT_SERIES else node.args
            return next(filter(None, map(self.never, inner)), None)
        if kind in {"ParenExpr", "UnaryExpr", "AggregateExpr", "SubqueryExpr"}:
            return self.never(node.expr)
        return _OWN if kind == "VectorSelector" and self._is_itself(node) else None

    def _is_itself(self, selector: _Node) -> bool:
        """An alert that goes on while it fires does not begin by that."""
        own = Matcher("alertname", "=", self._alert)
        return selector.name == "ALERTS" and own in matchers_of(selector)

    def _never_both(self, node: _Node) -> str | None:
        operator, left, right = str(node.op), self.never(node.lhs), self.never(node.rhs)
        if operator == "or":
            return left and right and "; and ".join(sorted({left, right} - {_OWN}) or [_OWN])
        if operator == "unless":
            return left
        if left or right or operator in {"and", "!="} or (node.modifier and node.modifier.return_bool):
            return left or right
        return self._never_compared(operator, node.lhs, node.rhs)

    def _never_compared(self, operator: str, low: _Node, high: _Node) -> str | None:
        """Whether `high` can be what it is compared with; it is the greater side."""
        if operator in _TURNED:
            operator = _TURNED[operator]
        else:
            low, high = high, low
        (least, _), (_, most) = self.range(low), self.range(high)
        out = {">": most <= least + _NEAR, ">=": most < least - _NEAR, "==": most < least - _NEAR}
        if out.get(operator) and math.isfinite(most):
            return f"{_short(high)} is at most {most:.6g}, and would have to be {operator} {least:.6g}"
        return None

    def range(self, node: _Node) -> _Range:
        """The least and the most that its values can be."""
        kind = type(node).__name__
        if (inner := _of_same_range(node)) is not None:
            return self.range(inner)
        if kind == "NumberLiteral":
            return node.val, node.val
        if kind == "VectorSelector":
            return self._of_metric(node)
        if kind == "UnaryExpr":
            least, most = self.range(node.expr)
            return -most, -least
        return self._computed(node) if kind == "BinaryExpr" else _ANY

    def _computed(self, node: _Node) -> _Range:
        operator, (a, b), (c, d) = str(node.op), self.range(node.lhs), self.range(node.rhs)
        if operator in {"and", "unless", ">", ">=", "<", "<="}:
            compared = operator not in {"and", "unless"} and node.modifier and node.modifier.return_bool
            return (0, 1) if compared else (a, b)
        if operator == "or":
            return min(a, c), max(b, d)
        if operator == "+":
            found = a + c, b + d
        elif operator == "-":
            found = a - d, b - c
        elif operator == "*" and all(map(math.isfinite, (a, b, c, d))):
            products = (a * c, a * d, b * c, b * d)
            found = min(products), max(products)
        elif operator == "/" and c == d > 0:
            found = a / c, b / c
        else:
            return _ANY
        return _ANY if any(map(math.isnan, found)) else found

    def _of_metric(self, selector: _Node) -> _Range:
        if selector.name in _SHARES:
            return 0, 1
        if selector.name in _BUDGETS:
            return -math.inf, 1
        if selector.name not in _RATES:
            return _ANY
        wanted = [each for each in matchers_of(selector) if each.label in _OF_SLA]
        return 0, max((most for labels, most in self._rates.values() if _fits(wanted, labels)), default=0)


def _of_same_range(node: _Node) -> _Node | None:
    """The part whose values an expression has, all or some of them, or what lies between them."""
    kind = type(node).__name__
    if kind == "MatrixSelector":
        return node.vector_selector
    if kind == "Call" and node.func.name in _SAME_RANGE_OVER_TIME:
        return node.args[-1]
    same = kind in {"ParenExpr", "SubqueryExpr"} or (kind == "AggregateExpr" and str(node.op) in _SAME_RANGE)
    return node.expr if same else None


def _fits(wanted: Iterable[Matcher], labels: dict[str, str]) -> bool:
    return all(each.matches(labels) for each in wanted)


def _spans(node: _Node) -> Iterator[float]:
    """How far back each of its ranges reaches, in seconds."""
    for name in ("lhs", "rhs", "expr", "args", "param"):
        inner = getattr(node, name, None)
        for each in inner if isinstance(inner, list) else [inner]:
            if each is not None:
                yield from _spans(each)
    if isinstance(span := getattr(node, "range", None), datetime.timedelta):
        selector: _Node = getattr(node, "vector_selector", node)
        offset = selector.offset or datetime.timedelta()
        yield (span + max(offset, datetime.timedelta())).total_seconds()


def _short(node: _Node) -> str:
    text = " ".join(node.prettify().split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _days(seconds: float) -> str:
    return f"{seconds / 86400:.4g}d"
