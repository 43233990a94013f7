"""A small alert and cases for it, weak ones and strong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mutation.mutants import Mutant
from mutation.run import Outcome
from mutation.trial import Finding, Verdict
from rules.cases import Case, Expected, Shipped

RULE: dict[str, Any] = {
    "alert": "QueueDeep",
    "expr": "queue_depth > 100",
    "for": "1m",
    "labels": {"severity": "warning"},
    "annotations": {"summary": "The queue is deep"},
}


def case(name: str, values: str, states: str = "", *, alert: str = "QueueDeep") -> Case:
    """What the alert does with one series of so many samples; without states, nothing at all."""
    expected = (Expected({"severity": "warning", "worker": "a"}, states),) if states else ()
    kind = "fires" if states else "at_threshold"
    return Case(
        alert,
        name,
        kind,
        {'queue_depth{worker="a"}': values},
        expected,
        says={},
        checks_annotations=False,
        says_at={},
    )


# Deep in samples 4 (1m) to 12 (3m): pending at 1m, firing a minute later, over in sample 13 (3m15s).
DEEP = case("a deep queue", "0x3 150x8 0x8", "pending 1m, firing 2m, inactive 3m15s")
AT_THRESHOLD = case("a queue of exactly 100", "100x20")


def shipped(directory: Path, **alerts: dict[str, Any]) -> dict[str, Shipped]:
    """Alerts in a rule file of a directory, by name."""
    file = directory / "queues.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queues", "rules": list(alerts.values())}]}))
    return {name: Shipped(rule, file) for name, rule in alerts.items()}


def outcome(
    change: str, verdict: Verdict, *, alert: str = "QueueDeep", operator: str = "threshold", reason: str = ""
) -> Outcome:
    """What became of a mutant that waits longer."""
    mutant = Mutant(alert, "queues", operator, change, RULE, RULE | {"for": "2m"})
    return Outcome(mutant, Finding(verdict, "a case" if verdict is Verdict.KILLED else ""), reason)
