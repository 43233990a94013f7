"""Expressions with every duration divided: ranges, offsets, and range and step of subqueries.

The parser's nodes cannot be made nor changed, so each node that holds a duration is replaced by one which is
parsed from its text. Label values and numbers are never touched; a number of seconds in an expression is
therefore not compressed, and rules should compare with a range or a `for` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import promql_parser as promql

from compression.durations import divided, written
from compression.errors import CompressionError

Change = Callable[[timedelta], timedelta]


def divided_expression(expression: str, factor: int) -> str:
    """The expression with every duration ÷ `factor`, in the parser's layout.

    Raises CompressionError for an expression that does not parse, or a duration that cannot be divided.
    """
    return with_durations(expression, lambda duration: divided(duration, factor))


def with_durations(expression: str, change: Change) -> str:
    """The expression with `change` applied to every duration."""

    def replace(node: promql.Expr) -> promql.Expr | None:
        match node:
            case promql.MatrixSelector():
                # Its vector selector was visited before, as its child, and has its offset already.
                bare, tail = _selector(node.vector_selector)
                return _parse(f"{bare}[{_range(change(node.range))}]{tail}")
            case promql.VectorSelector() if node.offset is not None:
                return _parse(_vector(node, change(node.offset)))
            case promql.SubqueryExpr():
                return _parse(_subquery(node, change))
        return None

    return _parsed(expression, replace).prettify()


def _parsed(expression: str, replace: Callable[[promql.Expr], promql.Expr | None]) -> promql.Expr:
    return promql.transform(_parse(expression), post_visit=replace)


def _parse(text: str) -> promql.Expr:
    try:
        return promql.parse(text)
    except ValueError as error:
        raise CompressionError(f"the expression {text!r} does not parse: {error}") from error


def _range(duration: timedelta) -> str:
    if duration <= timedelta():
        raise CompressionError(f"a range of {written(duration)} is not possible: choose a longer one")
    return written(duration)


def _subquery(node: promql.SubqueryExpr, change: Change) -> str:
    span = _range(change(_known(node.range)))
    step = "" if node.step is None else _range(change(node.step))
    offset = None if node.offset is None else change(node.offset)
    return f"{node.expr.prettify()}[{span}:{step}]{_tail(node.at, offset)}"


def _known(duration: timedelta | None) -> timedelta:
    if duration is None:
        raise CompressionError("a subquery without a range: give it one")
    return duration


def _vector(node: promql.VectorSelector, offset: timedelta) -> str:
    bare, _ = _selector(node)
    return bare + _tail(node.at, offset)


def _selector(node: promql.VectorSelector) -> tuple[str, str]:
    """A selector's name and matchers, and its `@` and offset: a range stands between the two."""
    if node.matchers.or_matchers:
        raise CompressionError(
            f"{node.prettify()}: matchers joined with `or` are not supported, write two selectors"
        )
    matchers = ",".join(
        f"{each.name}{_OPERATORS[str(each.op)]}{_quoted(each.value)}" for each in node.matchers.matchers
    )
    return (node.name or "") + (f"{{{matchers}}}" if matchers else ""), _tail(node.at, node.offset)


_OPERATORS = {
    str(promql.MatchOp.Equal): "=",
    str(promql.MatchOp.NotEqual): "!=",
    str(promql.MatchOp.Re): "=~",
    str(promql.MatchOp.NotRe): "!~",
}


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _tail(at: promql.AtModifier | None, offset: timedelta | None) -> str:
    text = ""
    if at is not None:
        text += f" {at}"
    if offset:
        text += f" offset {written(offset)}"
    return text
