"""The recording rules of all SLAs, each marked with what it was made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from sla_worker.conventions import ACTUAL_VALUE, GOOD_EVENTS, RULES_LABEL, TOTAL_EVENTS
from sla_worker.grid import Grid
from sla_worker.model import Comparison, Definition


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """One recording rule: `record` is the series' name, `labels` are added to it."""

    record: str
    expression: str
    labels: tuple[tuple[str, str], ...] = ()


def fingerprint(definition: Definition, grid: Grid) -> str:
    """What the figures of an SLA are made from, in eight letters: its expressions, component and slots.

    Every recorded figure bears it as a label. A figure that bears another one was made by other rules, of an
    older definition or of slots of another length, and is not the figure that the ledger needs.
    """
    made_from = [definition.key, definition.component, dict(definition.sli.figures(grid))]
    text = json.dumps(made_from, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _recorded_ratio(comparison: Comparison, key: str, mark: str) -> str:
    """A ratio is made of the two counts that the rules before it have just recorded."""
    good, total = (f'{name}{{sla="{key}", {RULES_LABEL}="{mark}"}}' for name in (GOOD_EVENTS, TOTAL_EVENTS))
    part = f"({total} - {good})" if comparison is Comparison.AT_MOST else good
    return f"{part} / ({total} > 0)"


def recording_rules(definitions: Iterable[Definition], grid: Grid) -> tuple[RecordingRule, ...]:
    """The rules of all SLAs, in the order in which they must be evaluated."""
    rules = []
    for each in definitions:
        mark = fingerprint(each, grid)
        figures = dict(each.sli.figures(grid))
        figures.setdefault(ACTUAL_VALUE, _recorded_ratio(each.comparison, each.key, mark))
        labels = (("component", each.component), (RULES_LABEL, mark), ("sla", each.key))
        rules += [RecordingRule(record, expression, labels) for record, expression in figures.items()]
    return tuple(rules)
