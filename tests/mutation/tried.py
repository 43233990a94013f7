"""What was tried last, in tried.json: which case killed which mutant, and a digest of all that was run.

It is of use twice. The next run tries first the case that killed last time. And a rule whose digest is the
same would get the same verdicts again, so that the page can be held to today's rules without another run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mutation.errors import MutationError
from mutation.mutants import Mutant
from mutation.report import of_word
from mutation.run import Outcome, Plan, check_equivalents, outcomes_of
from mutation.together import Rule
from mutation.trial import Finding, Reader, Verdict
from rules.cases import STEP_SECONDS, TEMPLATE, Case, promtool_test

FILE = Path(__file__).parent / "tried.json"
MAJOR = 3
"""Of promtool, whose verdicts the page tells."""

_NO_CASE = {Verdict.SURVIVED: -1, Verdict.STILLBORN: -2, Verdict.KILLED: -3}
_WITHOUT = {number: Finding(verdict) for verdict, number in _NO_CASE.items()}


@dataclasses.dataclass(frozen=True)
class Tried:
    """The verdicts on the mutants of one rule, in the order in which they are made."""

    digest: str
    findings: tuple[Finding, ...]

    @property
    def hints(self) -> list[str]:
        """The case that killed each; empty where none did."""
        return [finding.case for finding in self.findings]


def digest(mutants: Sequence[Mutant], readers: Sequence[Reader]) -> str:
    """A short text that changes with whatever decides the verdicts: mutants, rules beside them, and cases.

    Of annotations only the templates do: their words are those of the shipped rule, in what is expected too.
    """
    given = [
        [_without_words(mutant.original) for mutant in mutants[:1]],
        [None if mutant.rule is None else _without_words(mutant.rule) for mutant in mutants],
        [[_without_words(rule) for rule in reader.rules] for reader in readers],
        [[_test(case) for case in reader.cases] for reader in readers],
    ]
    return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]


def _without_words(rule: Rule) -> Rule:
    annotations = {
        key: [bool(text), *TEMPLATE.findall(text)] for key, text in rule.get("annotations", {}).items()
    }
    return rule | {"annotations": annotations}


def _test(case: Case) -> list[Any]:
    test = promtool_test(case, MAJOR)
    alerts = [
        alert["exp_labels"] for check in test.pop("alert_rule_test", []) for alert in check["exp_alerts"]
    ]
    every = [case.every_seconds] if case.every_seconds != STEP_SECONDS else []
    return [test, alerts, case.says, case.checks_annotations, *every]


def write_tried(path: Path, tried: Mapping[str, Tried]) -> None:
    """One line for each rule: the cases that killed, and for each mutant the number of its case."""
    lines = []
    for name, each in sorted(tried.items()):
        cases = sorted({finding.case for finding in each.findings if finding.case})
        numbers = [
            cases.index(finding.case) if finding.case else _NO_CASE[finding.verdict]
            for finding in each.findings
        ]
        tree = {"digest": each.digest, "cases": cases, "killed_by": numbers}
        lines.append(f"{json.dumps(name)}: {json.dumps(tree, ensure_ascii=False)}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def read_tried(path: Path) -> dict[str, Tried]:
    """What was written; empty without a file, raises MutationError for one that was not written here."""
    if not path.exists():
        return {}
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        return {name: Tried(each["digest"], _findings(each)) for name, each in tree.items()}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise MutationError(
            f"{path.name} cannot be read ({error}): remove it and run `make mutate WRITE=1`"
        ) from error


def current(plan: Plan, tried: Mapping[str, Tried]) -> dict[str, Tried]:
    """Of the rules of a plan, those whose mutants would get the same verdicts today."""
    return {
        name: tried[name]
        for name in plan.rules
        if name in tried
        and tried[name].digest == _digest_of(plan, name)
        and len(tried[name].findings) == len(plan.mutants[name])
    }


def outcomes(plan: Plan, tried: Mapping[str, Tried]) -> list[Outcome]:
    """What became of every mutant, as it was tried; in the order in which they are made.

    Raises MutationError when a rule or its cases have changed since, or when a mutant survived.
    """
    check_equivalents(plan.reasons, plan.alerts.keys() | plan.records.keys(), plan.mutants)
    known = current(plan, tried)
    if changed := sorted(plan.rules.keys() - known.keys()):
        raise MutationError(
            f"changed since the mutants were tried, the rule or its cases: {', '.join(changed)}\n"
            "fix:   run `make mutate CHANGED=1 WRITE=1`, which tries them again"
        )
    found = [
        outcome
        for name, mutants in plan.mutants.items()
        for outcome in outcomes_of(mutants, known[name].findings, plan.reasons)
    ]
    if left := [f"{each.mutant.name}: {each.mutant.change}" for each in of_word(found, "survived")]:
        fix = "fix:   add cases that do, see docs/mutation.md (Killing a survivor)"
        raise MutationError("\n".join(["no case notices these changes of the rules:", *left, fix]))
    return found


def of(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, Tried]:
    """What to write down of a run."""
    findings: dict[str, list[Finding]] = {name: [] for name in plan.rules}
    for each in outcomes:
        findings[each.mutant.name].append(each.finding)
    return {name: Tried(_digest_of(plan, name), tuple(found)) for name, found in findings.items()}


def _digest_of(plan: Plan, name: str) -> str:
    return digest(plan.mutants[name], plan.readers_of(name))


def _findings(tree: Mapping[str, list[str] | list[int]]) -> tuple[Finding, ...]:
    cases = [str(case) for case in tree["cases"]]
    numbers = [int(number) for number in tree["killed_by"]]
    return tuple(
        Finding(Verdict.KILLED, cases[number]) if number >= 0 else _WITHOUT[number] for number in numbers
    )
