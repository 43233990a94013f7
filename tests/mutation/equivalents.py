"""Mutants that behave exactly as the shipped rule: listed by hand, each with the reason why it must."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from mutation.errors import MutationError
from mutation.mutants import Mutant
from mutation.trial import Finding, Verdict

FILE = Path(__file__).parent / "equivalent.yml"

Reasons = dict[tuple[str, str], str]
"""Why, by alert and change."""


def read_equivalents(path: Path) -> Reasons:
    """The list of a file; raises MutationError where it says too little, too much, or a thing twice."""
    tree = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(tree, dict) or not all(isinstance(entries, list) for entries in tree.values()):
        raise MutationError(f"{path.name} must hold a list of entries for each alert")
    reasons: Reasons = {}
    for alert, entries in tree.items():
        for entry in entries:
            change, reason = _entry(path, alert, entry)
            if (alert, change) in reasons:
                raise MutationError(f"{path.name}: {alert}: {change!r} stands there twice: remove one")
            reasons[alert, change] = reason
    return reasons


def _entry(path: Path, alert: str, entry: Any) -> tuple[str, str]:  # a YAML tree
    if not isinstance(entry, dict) or set(entry) != {"change", "reason"} or not all(entry.values()):
        raise MutationError(f"{path.name}: {alert}: {entry!r} must hold `change` and `reason` and no more")
    return str(entry["change"]), " ".join(str(entry["reason"]).split())


def check_all_exist(reasons: Reasons, alerts: Collection[str], made: Collection[tuple[str, str]]) -> None:
    """Every entry must name a mutant: of an alert that is shipped, and, if it is tried, a change of it.

    `alerts`: all that are shipped. `made`: alert and change of the mutants that are tried.
    """
    tried = {alert for alert, _ in made}
    for alert, change in reasons:
        if alert not in alerts or (alert in tried and (alert, change) not in made):
            raise MutationError(
                f"{FILE.name}: {alert}: there is no mutant {change!r} any more: remove the entry or fix it"
            )


def check_survives(mutant: Mutant, finding: Finding) -> None:
    """A mutant that is listed as equivalent must survive its cases."""
    if finding.verdict is Verdict.SURVIVED:
        return
    how = f"by the case {finding.case!r}" if finding.case else "as promtool refuses it"
    raise MutationError(
        f"{FILE.name}: {mutant.name}: {mutant.change!r} is not equivalent: "
        f"it is {finding.verdict.value} {how}; remove the entry"
    )
