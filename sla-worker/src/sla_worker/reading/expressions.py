"""Expressions of PromQL, all in one query: each is tagged, so that the answer can be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan

from sla_worker.errors import PrometheusError
from sla_worker.needs import Expression, component
from sla_worker.prometheus import Answer, PrometheusClient

_TAG = "sla_expression"

Found = dict[Expression, dict[str, list[float | None]]]


def joined(parts: Sequence[str]) -> str:
    """The parts joined by `or`, as a balanced tree: engines refuse expressions that are nested deeply."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"({joined(parts[:half])}\nor {joined(parts[half:])})"


def evaluate(
    client: PrometheusClient, expressions: Sequence[Expression], slots: range
) -> tuple[Found, dict[Expression, str], list[Answer]]:
    """The values at the ends of the slots, why expressions were refused, and what Prometheus answered.

    Raises PrometheusError when nothing at all was answered.
    """
    if not expressions:
        return {}, {}, []
    try:
        answer = _ask(client, expressions, slots)
    except PrometheusError as error:
        if not error.refused:
            raise
        if len(expressions) == 1:
            return {}, {expressions[0]: str(error)}, []
        half = len(expressions) // 2
        found, refused, answers = evaluate(client, expressions[:half], slots)
        more, more_refused, more_answers = evaluate(client, expressions[half:], slots)
        return found | more, refused | more_refused, answers + more_answers
    found, refused = _found(answer, expressions, slots)
    return found, refused, [answer]


def _ask(client: PrometheusClient, expressions: Sequence[Expression], slots: range) -> Answer:
    text = joined(
        [
            f'label_replace(({each.text}), "{_TAG}", "{number}", "", "")'
            for number, each in enumerate(expressions)
        ]
    )
    if len(slots) == 1:
        return client.query(text, slots[0], nan=True)
    return client.query_range(text, slots[0], slots[-1], slots.step, nan=True)


def _found(
    answer: Answer, expressions: Sequence[Expression], slots: range
) -> tuple[Found, dict[Expression, str]]:
    """A value belongs to the slot whose end is its time; two series of one component are no one value."""
    found: Found = {}
    refused: dict[Expression, str] = {}
    taken: set[tuple[Expression, str, int]] = set()
    for series in answer.series:
        tag = series.labels.get(_TAG, "")
        if not tag.isdigit() or int(tag) >= len(expressions):
            continue
        expression = expressions[int(tag)]
        name = component(expression.by, series.labels)
        values = found.setdefault(expression, {}).setdefault(name, [None] * len(slots))
        for at, value in zip(series.times, series.values, strict=True):
            place = round((at - slots.start) / slots.step)
            if not (0 <= place < len(slots) and abs(slots[place] - at) < 1):
                continue
            if (expression, name, place) in taken:
                refused[expression] = _several(expression, name)
                values[place] = None
            else:
                values[place] = value if isfinite(value) else nan
                taken.add((expression, name, place))
    return found, refused


def _several(expression: Expression, name: str) -> str:
    whose = f"the component {name}" if name else "the SLA, which is not split"
    by = f" by ({', '.join(expression.by)})" if expression.by else ""
    return f"the expression gives several series for {whose}; wrap it in one like sum{by} (...)"
