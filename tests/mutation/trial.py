"""Tries the mutants of a rule: runs the cases of the alerts that read it, until one notices.

Many mutants share a run of promtool, with the shipped rule among them (together.py): a case that does not
hold for the shipped rule is an error and kills nothing. Each mutant that is left when the others died goes on
to the next case.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mutation.errors import MutationError
from mutation.promtool import failed_versions, in_one_line, is_refused, noticed, said_of
from mutation.together import Rule, is_told_apart, name_of, together, versioned
from rules.binaries import version_of
from rules.cases import Case, promtool_test

SHIPPED = 0
MOST_TOGETHER = 40
"""Mutants in one run, so that none lasts for minutes."""
NEIGHBOURS = 8
"""Mutants that go through the cases side by side: of one place in a rule, one case often kills them all."""

MANY_EVALUATIONS = 480
"""Cases with more evaluations, two hours of steps, come last: each costs the same."""

Versions = Mapping[int, Rule | None]


class Verdict(enum.Enum):
    """What became of a mutant; a stillborn one is no rule at all and counts for nothing."""

    KILLED = "killed"
    SURVIVED = "survived"
    STILLBORN = "stillborn"


@dataclasses.dataclass(frozen=True)
class Finding:
    """A verdict, and the name of the case that killed."""

    verdict: Verdict
    case: str = ""


@dataclasses.dataclass(frozen=True)
class Reader:
    """An alert, the rules that are evaluated before it, and its cases."""

    alert: Rule
    beside: Sequence[Rule]
    cases: Sequence[Case]

    @property
    def rules(self) -> list[Rule]:
        """All that is evaluated, in this order."""
        return [*self.beside, self.alert]


class Bench:
    """A shipped rule, an alert or a record, and the alerts whose cases judge its mutants."""

    def __init__(
        self, rule: Rule, readers: Sequence[Reader], promtools: Sequence[Path], directory: Path
    ) -> None:
        """`promtools`: the first one tries first. `directory`: for its files, of this bench alone."""
        self._rule = rule
        self._promtools = promtools
        self._directory = directory
        self.cases: dict[str, tuple[Reader, Case]] = {}
        for reader in readers:
            for case in reader.cases:
                name = case.name if len(readers) == 1 else f"{case.alert}: {case.name}"
                if name in self.cases:
                    raise MutationError(f"{case.alert}: two of its cases have the same name: rename one")
                self.cases[name] = (reader, case)
        self._order = sorted(self.cases, key=lambda name: self.cases[name][1].evaluations // MANY_EVALUATIONS)
        self._checked: set[tuple[Path, str]] = set()

    def attempt(
        self, mutants: Sequence[Rule | None], hints: Sequence[str] = (), *, alone: bool = False
    ) -> list[Finding]:
        """Try them all. `hints`: the case, if any, that may kill each. `alone`: one mutant in each run."""
        left: dict[int, Rule | None] = dict(enumerate(mutants, SHIPPED + 1))
        findings: dict[int, Finding] = {}
        for promtool in self._promtools:
            first = dict(zip(left, hints, strict=False)) if promtool == self._promtools[0] else {}
            likely = {n: first[n] if first.get(n) in self.cases else self._order[0] for n in left}
            for name in sorted(set(likely.values())):
                hinted = {n: rule for n, rule in left.items() if likely[n] == name}
                for part in _parts(hinted, MOST_TOGETHER):
                    findings |= self._try(promtool, name, part, alone=alone)
            left = {number: rule for number, rule in left.items() if number not in findings}
            for part in _parts(left, NEIGHBOURS):
                findings |= self._try_all_cases(promtool, part, alone=alone)
            left = {number: rule for number, rule in left.items() if number not in findings}
        return [findings.get(n, Finding(Verdict.SURVIVED)) for n in range(1, len(mutants) + 1)]

    def _try_all_cases(self, promtool: Path, mutants: Versions, *, alone: bool) -> dict[int, Finding]:
        """Case after case, until none is left; a case that killed comes first for the next ones."""
        findings: dict[int, Finding] = {}
        for name in list(self._order):
            left = {number: rule for number, rule in mutants.items() if number not in findings}
            if not left:
                break
            killed = self._try(promtool, name, left, alone=alone)
            if killed:
                self._order.remove(name)
                self._order.insert(0, name)
            findings |= killed
        return findings

    def _try(self, promtool: Path, name: str, mutants: Versions, *, alone: bool) -> dict[int, Finding]:
        """What one case says of some mutants: those that it kills, and those that are no rules."""
        reader, case = self.cases[name]
        apart = {number: rule for number, rule in mutants.items() if rule and not is_told_apart(rule)}
        if apart and len(apart) < len(mutants):
            rest = {number: rule for number, rule in mutants.items() if number not in apart}
            return self._try_alone(promtool, name, apart) | self._try(promtool, name, rest, alone=alone)
        rules = together(reader.rules, name_of(self._rule), {SHIPPED: self._rule, **mutants}, case.alert)
        if alone or rules is None or _is_given(case, rules.renamed):
            return self._try_alone(promtool, name, mutants)
        test = _test_of_versions(case, version_of(promtool)[0], [SHIPPED, *mutants])
        said = said_of(promtool, rules.rules, test, self._directory, case.every_seconds)
        if not said:
            return {}
        if not noticed(said):  # a rule that is none, or a broken case: each for itself shows which
            return self._try_alone(promtool, name, mutants)
        failed, ended = failed_versions(said)
        if SHIPPED in failed:
            self._check_shipped(promtool, name)
            raise MutationError(
                f"{case.alert}: {case.name!r} fails on the shipped rule only beside its mutants"
            )
        findings = {number: Finding(Verdict.KILLED, name) for number in failed}
        left = {number: rule for number, rule in mutants.items() if number not in failed}
        return findings | (self._try(promtool, name, left, alone=alone) if ended and left else {})

    def _try_alone(self, promtool: Path, name: str, mutants: Versions) -> dict[int, Finding]:
        self._check_shipped(promtool, name)
        findings = {}
        for number, rule in mutants.items():
            said = self._said(promtool, name, rule)
            if said and noticed(said):
                findings[number] = Finding(Verdict.KILLED, name)
            elif said and is_refused(said, self._directory):
                findings[number] = Finding(Verdict.STILLBORN)
            elif said:
                raise MutationError(
                    f"promtool says neither that a case noticed nor that a rule is none: {in_one_line(said)}"
                )
        return findings

    def _check_shipped(self, promtool: Path, name: str) -> None:
        """Raises MutationError when the shipped rule does not satisfy a case."""
        if (promtool, name) in self._checked:
            return
        if said := self._said(promtool, name, self._rule):
            raise MutationError(
                f"{self.cases[name][1].alert}: the case {name!r} fails on the shipped rule: "
                f"{in_one_line(said)}; fix it first, see `pytest tests/rules`"
            )
        self._checked.add((promtool, name))

    def _said(self, promtool: Path, name: str, version: Rule | None) -> str:
        """Of a version alone, under the shipped names."""
        reader, case = self.cases[name]
        replaced = [version if name_of(rule) == name_of(self._rule) else rule for rule in reader.rules]
        rules = [rule for rule in replaced if rule is not None]
        test = promtool_test(case, version_of(promtool)[0])
        return said_of(promtool, rules, test, self._directory, case.every_seconds)


def _parts(versions: Versions, size: int) -> Iterable[dict[int, Rule | None]]:
    numbers = list(versions)
    for start in range(0, len(numbers), size):
        yield {number: versions[number] for number in numbers[start : start + size]}


def _is_given(case: Case, names: Iterable[str]) -> bool:
    """Whether a case brings series of these rules itself, which must then keep their names."""
    return any(name in series for series in case.series for name in names)


def _test_of_versions(case: Case, major: int, numbers: Iterable[int]) -> dict[str, Any]:
    """The case as a test that expects of each version what it expects of the shipped rule."""
    tests = [promtool_test(case, major, versioned(case.alert, number)) for number in numbers]
    checks = {
        key: [each for test in tests for each in test.get(key, [])]
        for key in ("promql_expr_test", "alert_rule_test")
    }
    return tests[0] | checks
