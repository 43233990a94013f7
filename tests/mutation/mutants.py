"""The mutants of an alert or a record: its rule with one thing changed, in the expression or beside it."""

from __future__ import annotations

import collections
import dataclasses
import difflib
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import yaml

from compression.durations import parsed as parsed_duration
from compression.durations import written
from mutation.expressions import Change, mutants_of_expression
from mutation.matchers import OTHER
from mutation.reading import parsed
from mutation.steps import moved
from rules.cases import Shipped

Rule = dict[str, Any]

DURATIONS = ("for", "keep_firing_for")
OTHER_SEVERITY = {"critical": "warning", "warning": "critical", "none": "warning"}
SWAPPED_ANNOTATIONS = (("summary", "description"), ("runbook_url", "dashboard_url"))


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A changed rule, None where it is removed; no other mutant of the rule has the same `change`."""

    name: str
    group: str
    operator: str
    change: str
    original: Rule
    rule: Rule | None

    @property
    def diff(self) -> str:
        """The lines of the rule that differ, `-` before and `+` after them."""
        before, after = ("" if rule is None else _laid_out(rule) for rule in (self.original, self.rule))
        lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))
        return "\n".join(f"{line[0]} {line[1:]}" for line in lines[2:] if line[0] in "-+")


def mutants_of(name: str, shipped: Shipped) -> list[Mutant]:
    """Every mutant of a shipped alert or record; of two changes that make the same rule the first stays."""
    in_file, on_one_line = shipped.rule["expr"], str(parsed(shipped.rule["expr"]))

    def key(rule: Rule | None) -> str:
        """What makes two rules the same: how the expression is laid out does not."""
        same = rule is not None and rule["expr"] == in_file
        return json.dumps(rule | {"expr": on_one_line} if rule and same else rule)

    changes: dict[str, tuple[Change, Rule | None]] = {key(shipped.rule): (Change("", ""), None)}
    for change, rule in _changes(shipped.rule):
        changes.setdefault(key(rule), (change, rule))
    found = list(changes.values())[1:]
    names = _unique([change.says for change, _ in found])
    return [
        Mutant(name, shipped.file.stem, change.operator, says, shipped.rule, rule)
        for (change, rule), says in zip(found, names, strict=True)
    ]


def _unique(names: Iterable[str]) -> list[str]:
    """The names, counted where one occurs several times."""
    names = list(names)
    total, seen = collections.Counter(names), collections.Counter[str]()
    result = []
    for name in names:
        seen[name] += 1
        result.append(name if total[name] == 1 else f"{name} ({seen[name]} of {total[name]})")
    return result


def _changes(rule: Rule) -> Iterator[tuple[Change, Rule | None]]:
    for change, tree in mutants_of_expression(rule["expr"]):
        yield change, rule | {"expr": str(tree)}
    for key in DURATIONS:
        if key in rule:
            yield from _duration(rule, key)
    for name, value in rule.get("labels", {}).items():
        other = OTHER_SEVERITY[value] if name == "severity" else OTHER
        says = f"label {name}: {value} -> {other}"
        yield Change("label", says), rule | {"labels": rule["labels"] | {name: other}}
    yield from _annotations(rule)
    yield Change("removal", f"the {'alert' if 'alert' in rule else 'record'} removed"), None


def _duration(rule: Rule, key: str) -> Iterator[tuple[Change, Rule]]:
    before = parsed_duration(str(rule[key]))
    without = {name: value for name, value in rule.items() if name != key}
    for after in moved(before):
        if after > timedelta():
            yield Change("duration", f"{key}: {rule[key]} -> {written(after)}"), rule | {key: written(after)}
    yield Change("duration", f"{key}: {rule[key]} -> none"), without


def _annotations(rule: Rule) -> Iterator[tuple[Change, Rule]]:
    annotations = rule.get("annotations", {})
    for name in annotations:
        changed = annotations | {name: ""}
        yield Change("annotation", f"annotation {name}: emptied"), rule | {"annotations": changed}
    for one, other in SWAPPED_ANNOTATIONS:
        if one in annotations and other in annotations:
            changed = annotations | {one: annotations[other], other: annotations[one]}
            says = f"annotations {one} and {other}: swapped"
            yield Change("annotation", says), rule | {"annotations": changed}


def _laid_out(rule: Rule) -> str:
    """The rule as YAML, its expression on one line."""
    one_line = rule | {"expr": str(parsed(rule["expr"]))}
    return yaml.safe_dump(one_line, sort_keys=False, width=10_000, allow_unicode=True)
