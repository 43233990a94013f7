"""The mutants of an expression: every operator at every place of its tree.

Numbers move a little: a count, written as a whole number, by 1 (0 to 1 only); everything else by 2 %, and 0
to 0.02. A quantile moves by 0.01, or half the way to 1. Durations move by one step of evaluation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta

from compression.durations import written
from mutation import matchers
from mutation.reading import parsed
from mutation.steps import moved
from mutation.tree import (
    Aggregate,
    Binary,
    Call,
    Labels,
    Node,
    Number,
    Selector,
    String,
    Subquery,
    children,
    quoted,
    with_child,
)

COMPARISONS = {">": ">=", ">=": ">", "<": "<=", "<=": "<", "==": "!=", "!=": "=="}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "^": "*"}
AGGREGATIONS = {
    "sum": ("max", "count", "avg"),
    "count": ("sum", "max"),
    "max": ("min", "sum", "avg"),
    "min": ("max", "sum", "avg"),
    "avg": ("max", "min", "sum"),
    "quantile": ("avg",),
    "topk": ("bottomk",),
    "bottomk": ("topk",),
}
FUNCTIONS = {
    "rate": ("irate", "increase"),
    "irate": ("rate",),
    "increase": ("rate", "delta"),
    "delta": ("increase", "idelta"),
    "max_over_time": ("min_over_time", "avg_over_time"),
    "min_over_time": ("max_over_time", "avg_over_time"),
    "avg_over_time": ("max_over_time", "min_over_time"),
    "sum_over_time": ("count_over_time", "max_over_time"),
    "count_over_time": ("sum_over_time", "max_over_time"),
    "last_over_time": ("max_over_time", "min_over_time"),
    "absent_over_time": ("present_over_time",),
    "present_over_time": ("absent_over_time",),
    "changes": ("resets",),
    "resets": ("changes",),
    "clamp_min": ("clamp_max",),
    "clamp_max": ("clamp_min",),
}
QUANTILES = ("histogram_quantile", "quantile_over_time", "quantile")
CONTINUOUS = {"rate", "irate", "deriv", "avg_over_time", "avg", *QUANTILES}
CONTINUOUS_UNITS = ("_seconds", "_bytes", "_ratio")


@dataclasses.dataclass(frozen=True)
class Change:
    """One change: the kind of operator that made it, and what it did, as `before -> after`."""

    operator: str
    says: str


Mutants = Iterator[tuple[Change, Node]]


def mutants_of_expression(expression: str) -> Mutants:
    """Every change of the expression, and its tree after it; one place after the other, from the top."""
    yield from _everywhere(parsed(expression), None)


def _everywhere(node: Node, parent: Node | None) -> Mutants:
    yield from _here(node, parent)
    for place, child in children(node).items():
        for change, changed in _everywhere(child, node):
            yield change, with_child(node, place, changed)


def _here(node: Node, parent: Node | None) -> Mutants:
    match node:
        case Binary() if node.operator in COMPARISONS:
            yield from _comparison(node, parent)
        case Binary():
            yield from _combination(node)
        case Aggregate():
            yield from _aggregation(node)
        case Call():
            yield from _function(node)
        case Selector():
            yield from _selector(node)
        case Subquery():
            yield from _subquery(node)
        case Number():
            yield from _number(node, parent)
        case String() if node.value:
            yield Change("text", f"{node} -> {quoted(matchers.OTHER)}"), String(matchers.OTHER)


def _comparison(node: Binary, parent: Node | None) -> Mutants:
    other = dataclasses.replace(node, operator=COMPARISONS[node.operator])
    yield Change("comparison", f"{node.right_side} -> {other.right_side}"), other
    kept, dropped = node.left, node.right_side
    if isinstance(node.left, Number):
        kept, dropped = node.right, f"{node.left} {node.operator}"
    yield Change("comparison" if parent is None else "guard", f"drop: {dropped}"), kept
    if node.returns_bool:
        yield Change("comparison", "drop: bool"), dataclasses.replace(node, returns_bool=False)
    yield from _joining(node)


def _combination(node: Binary) -> Mutants:
    if node.operator in ARITHMETIC:
        other = dataclasses.replace(node, operator=ARITHMETIC[node.operator])
        yield Change("arithmetic", f"{node.right_side} -> {other.right_side}"), other
    else:
        yield Change("guard", f"drop: {node.right_side}"), node.left
    if node.operator in ("and", "or"):
        yield Change("guard", f"drop: {node.left} {node.operator}"), node.right
    yield from _joining(node)


def _joining(node: Binary) -> Mutants:
    """The labels on which two sides are joined, each dropped."""
    for place, labels in (("matching", node.matching), ("group", node.group)):
        for fewer in _fewer(labels):
            says = f"{labels or fewer} -> {fewer}"
            changed = {place: fewer}
            yield Change("joining", says), dataclasses.replace(node, **changed)  # type: ignore[arg-type]


def _fewer(labels: Labels | None) -> Iterator[Labels]:
    if labels is None:
        return
    for name in labels.names:
        yield dataclasses.replace(labels, names=tuple(each for each in labels.names if each != name))


def _aggregation(node: Aggregate) -> Mutants:
    for operator in AGGREGATIONS.get(node.operator, ()):
        other = dataclasses.replace(node, operator=operator)
        if operator == "avg":
            other = dataclasses.replace(other, parameter=None)
        yield Change("aggregation", f"{node} -> {other.head}"), other
    for fewer in _fewer(node.grouping):
        other = dataclasses.replace(node, grouping=fewer)
        yield Change("aggregation", f"{node} -> {other.head}"), other


def _function(node: Call) -> Mutants:
    for function in FUNCTIONS.get(node.function, ()):
        yield Change("function", f"{node} -> {function}"), dataclasses.replace(node, function=function)


def _selector(node: Selector) -> Mutants:
    for says, other in matchers.changed(node):
        yield Change("matcher", says), other
    for span in _spans(node.span):
        other = dataclasses.replace(node, span=span)
        yield Change("window", f"{node} -> [{written(span)}]"), other
    yield from _offsets(node)


def _subquery(node: Subquery) -> Mutants:
    for span in _spans(node.span):
        other = dataclasses.replace(node, span=span)
        yield Change("window", f"{node} -> [{written(span)}:]"), other
    for step in _spans(node.step):
        other = dataclasses.replace(node, step=step)
        yield Change("window", f"{node} -> [:{written(step)}]"), other
    yield from _offsets(node)


def _offsets(node: Selector | Subquery) -> Mutants:
    if not node.offset:
        return
    for offset in (*moved(node.offset), None):
        says = "no offset" if not offset else f"offset {written(offset)}"
        yield Change("window", f"{node} -> {says}"), dataclasses.replace(node, offset=offset)


def _spans(span: timedelta | None) -> list[timedelta]:
    return [] if span is None else [each for each in moved(span) if each > timedelta()]


def _number(node: Number, parent: Node | None) -> Mutants:
    for value in _moved_numbers(float(node.digits), parent):
        other = Number(f"{value:.12g}")
        yield Change("threshold", f"{_context(node, parent)} -> {other.digits}"), other


def _context(node: Number, parent: Node | None) -> str:
    """The number with so much beside it that one sees which it is."""
    if isinstance(parent, Binary):
        is_right = parent.right is node
        return f"{parent.operator} {node.digits}" if is_right else f"{node.digits} {parent.operator}"
    return node.digits if parent is None else str(parent)


def _moved_numbers(value: float, parent: Node | None) -> tuple[float, ...]:
    name = parent.function if isinstance(parent, Call) else getattr(parent, "operator", "")
    if name in QUANTILES and 0 < value < 1:
        return value - 0.01, value + min(0.01, (1 - value) / 2)
    counted = value.is_integer() and not (isinstance(parent, Binary) and _is_continuous(parent))
    if value == 0:
        return (1.0,) if counted else (0.02,)
    return (value + 1, value - 1) if counted else (value * 1.02, value * 0.98)


def _is_continuous(node: Node) -> bool:
    """Whether the value is measured and not counted: times, sizes, shares, rates, means and quantiles."""
    match node:
        case Call() if node.function in CONTINUOUS:
            return True
        case Aggregate() if node.operator in CONTINUOUS:
            return True
        case Binary() if node.operator == "/":
            return True
        case Selector():
            return node.name.endswith(CONTINUOUS_UNITS)
        case _:
            return any(_is_continuous(child) for child in children(node).values())
