"""Reads an expression, with the parser's help, into a tree."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import promql_parser as promql

from mutation.errors import MutationError
from mutation.tree import (
    Aggregate,
    Binary,
    Call,
    Labels,
    Matcher,
    Negative,
    Node,
    Number,
    Paren,
    Selector,
    String,
    Subquery,
)

MATCH_OPERATORS = {
    str(promql.MatchOp.Equal): "=",
    str(promql.MatchOp.NotEqual): "!=",
    str(promql.MatchOp.Re): "=~",
    str(promql.MatchOp.NotRe): "!~",
}
GROUP_WORDS = {
    str(promql.VectorMatchCardinality.ManyToOne): "group_left",
    str(promql.VectorMatchCardinality.OneToMany): "group_right",
}


def parsed(expression: str) -> Node:
    """The tree of an expression; raises MutationError for one that does not parse or is not known here."""
    try:
        source = promql.parse(expression)
    except ValueError as error:
        raise MutationError(f"the expression {expression!r} does not parse: {error}") from error
    return _node(source)


def _node(source: promql.Expr) -> Node:
    """A leaf here, a branch there."""
    match source:
        case promql.NumberLiteral():
            return Number(source.prettify())
        case promql.StringLiteral():
            return String(source.val)
        case promql.VectorSelector():
            return _selector(source, None)
        case promql.MatrixSelector():
            return _selector(source.vector_selector, source.range)
        case _:
            return _branch(source)


def _branch(source: promql.Expr) -> Node:
    match source:
        case promql.Call():
            return Call(source.func.name, tuple(_node(each) for each in source.args))
        case promql.AggregateExpr():
            return _aggregate(source)
        case promql.BinaryExpr():
            return _binary(source)
        case promql.ParenExpr():
            return Paren(_node(source.expr))
        case promql.UnaryExpr():
            return Negative(_node(source.expr))
        case _:
            return _subquery(source)


def _subquery(source: promql.Expr) -> Subquery:
    if not isinstance(source, promql.SubqueryExpr) or source.range is None:
        raise MutationError(f"{source.prettify()}: {type(source).__name__} is not known to the mutation")
    return Subquery(_node(source.expr), source.range, source.step, _at(source.at), source.offset)


def _selector(source: promql.VectorSelector, span: timedelta | None) -> Selector:
    if source.matchers.or_matchers:
        raise MutationError(
            f"{source.prettify()}: matchers joined with `or` are not known, write two selectors"
        )
    matchers = tuple(
        Matcher(each.name, MATCH_OPERATORS[str(each.op)], each.value) for each in source.matchers.matchers
    )
    return Selector(source.name or "", matchers, span, _at(source.at), source.offset)


def _at(source: promql.AtModifier | None) -> str:
    return "" if source is None else str(source)


def _aggregate(source: promql.AggregateExpr) -> Aggregate:
    grouping = None
    if source.modifier is not None:
        word = "by" if source.modifier.type == promql.AggModifierType.By else "without"
        grouping = Labels(word, tuple(source.modifier.labels))
    parameter = None if source.param is None else _node(source.param)
    return Aggregate(str(source.op), _node(source.expr), grouping, parameter)


def _binary(source: promql.BinaryExpr) -> Binary:
    binary = Binary(_node(source.lhs), str(source.op), _node(source.rhs))
    modifier = source.modifier
    if modifier is None:
        return binary
    matching = group = None
    if modifier.matching is not None:
        included = modifier.matching.type == promql.LabelModifierType.Include
        matching = Labels("on" if included else "ignoring", tuple(modifier.matching.labels))
    if word := GROUP_WORDS.get(str(modifier.card)):
        group = Labels(word, tuple(modifier.group_labels or ()))
    return dataclasses.replace(binary, returns_bool=modifier.return_bool, matching=matching, group=group)
