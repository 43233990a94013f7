"""What is changed beside the expression, and how a mutant is named and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mutation.mutants import Mutant, mutants_of
from rules.cases import Shipped
from unit.mutation.samples import RULE


def mutants(**changes: Any) -> list[Mutant]:
    return mutants_of("QueueDeep", Shipped(RULE | changes, Path("queues.yml")))


def changes(operator: str, **rule: Any) -> list[str]:
    return [mutant.change for mutant in mutants(**rule) if mutant.operator == operator]


def test_each_duration_is_a_step_longer_a_step_shorter_and_gone() -> None:
    assert changes("duration", keep_firing_for="15s") == [
        "for: 1m -> 1m15s",
        "for: 1m -> 45s",
        "for: 1m -> none",
        "keep_firing_for: 15s -> 30s",
        "keep_firing_for: 15s -> none",  # 0 s would be the same as none
    ]
    rules = [mutant.rule for mutant in mutants() if mutant.operator == "duration"]
    assert rules == [
        RULE | {"for": "1m15s"},
        RULE | {"for": "45s"},
        {k: v for k, v in RULE.items() if k != "for"},
    ]


def test_each_label_gets_another_value() -> None:
    labels = {"severity": "critical", "component": "queue", "team": "agents"}
    assert changes("label", labels=labels) == [
        "label severity: critical -> warning",
        "label component: queue -> changed",
        "label team: agents -> changed",
    ]


def test_annotations_are_emptied_and_swapped() -> None:
    annotations = {"summary": "a", "description": "b", "runbook_url": "c", "dashboard_url": "d"}
    assert changes("annotation", annotations=annotations) == [
        "annotation summary: emptied",
        "annotation description: emptied",
        "annotation runbook_url: emptied",
        "annotation dashboard_url: emptied",
        "annotations summary and description: swapped",
        "annotations runbook_url and dashboard_url: swapped",
    ]
    swapped = [each.rule["annotations"] for each in mutants(annotations=annotations) if each.rule][-2:]
    assert swapped == [
        annotations | {"summary": "b", "description": "a"},
        annotations | {"runbook_url": "d", "dashboard_url": "c"},
    ]


def test_the_alert_itself_is_removed_once() -> None:
    removed = [mutant for mutant in mutants() if mutant.rule is None]
    assert [mutant.change for mutant in removed] == ["the alert removed"]


def test_all_mutants_of_a_small_alert() -> None:
    assert [mutant.change for mutant in mutants()] == [
        "> 100 -> >= 100",
        "drop: > 100",
        "queue_depth -> queue_depth_changed",
        "> 100 -> 101",
        "> 100 -> 99",
        "for: 1m -> 1m15s",
        "for: 1m -> 45s",
        "for: 1m -> none",
        "label severity: warning -> critical",
        "annotation summary: emptied",
        "the alert removed",
    ]
    assert {mutant.group for mutant in mutants()} == {"queues"}


def test_no_mutant_is_the_rule_itself_and_none_is_made_twice() -> None:
    # 15 s less and no offset at all are the same: one of them is made. The layout of an expression is none.
    windows = changes("window", expr="queue_depth   offset 15s > 100")
    assert windows == ["queue_depth offset 15s -> offset 30s", "queue_depth offset 15s -> no offset"]
    # Without its labels, `max by ()` is what `max` is to Prometheus, but not to a reader: both are made.
    rules = [str(mutant.rule) for mutant in mutants()]
    assert len(set(rules)) == len(rules)
    assert str(RULE) not in rules


def test_changes_of_the_same_words_are_counted() -> None:
    found = changes("threshold", expr="a > 100 or b > 100")
    assert found == [
        "> 100 -> 101 (1 of 2)",
        "> 100 -> 99 (1 of 2)",
        "> 100 -> 101 (2 of 2)",
        "> 100 -> 99 (2 of 2)",
    ]


def test_a_mutant_shows_the_lines_that_differ() -> None:
    diffs = {mutant.change: mutant.diff for mutant in mutants(expr="queue_depth\n  > 100")}
    assert diffs["> 100 -> 99"] == "- expr: queue_depth > 100\n+ expr: queue_depth > 99"
    assert diffs["for: 1m -> none"] == "- for: 1m"
    assert diffs["label severity: warning -> critical"] == "-   severity: warning\n+   severity: critical"
