"""Which series an expression adds up: they count twice where a second replica writes them too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sla_worker.selectors import Selector, matchers_of, parser_library

_Node = Any  # of promql_parser, which has no common class with these fields

_ADD = frozenset({"sum", "count", "count_values"})
_PASS_ON = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""What hands series on as they are; all other aggregations make one of two that are alike."""


def summed(expression: str) -> tuple[Selector, ...]:
    """The selectors below a sum or a count, each once; none of what this parser does not know."""
    try:
        tree = parser_library().parse(expression)
    except ValueError:
        return ()
    return tuple(dict.fromkeys(_summed(tree, adds=False)))


def _summed(node: _Node, *, adds: bool) -> Iterator[Selector]:
    kind = type(node).__name__
    if kind == "MatrixSelector":
        node, kind = node.vector_selector, "VectorSelector"
    if kind == "VectorSelector":
        if adds and node.name:
            yield Selector(node.name, tuple(matchers_of(node)))
        return
    if kind == "AggregateExpr":
        operator = str(node.op)
        adds = operator in _ADD or (adds and (operator in _PASS_ON or _is_without(node)))
    for name in ("lhs", "rhs", "expr", "args"):
        inner = getattr(node, name, None)
        for each in inner if isinstance(inner, list) else [inner]:
            if each is not None:
                yield from _summed(each, adds=adds)


def _is_without(aggregate: _Node) -> bool:
    """Whether it keeps all labels but those that it names."""
    return aggregate.modifier is not None and str(aggregate.modifier.type).endswith("Without")
