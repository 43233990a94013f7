"""Makes the mutants of alerts and records and tries them all, several rules at a time."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from types import MappingProxyType

from mutation.equivalents import Reasons, check_all_exist, check_survives
from mutation.errors import MutationError
from mutation.mutants import Mutant, mutants_of
from mutation.trial import Bench, Finding, Reader
from rules.cases import Case, Shipped, beside

Watch = Callable[[Iterable[Future[list[Finding]]], int], Iterable[Future[list[Finding]]]]
"""Passes on what has ended, of so many rules, and can show how far it is."""

Hints = Mapping[str, Sequence[str]]
"""By rule, for each of its mutants the case that may kill it."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a mutant, and if it is listed as equivalent, why."""

    mutant: Mutant
    finding: Finding
    reason: str = ""

    @property
    def word(self) -> str:
        """killed, survived, equivalent or stillborn."""
        return "equivalent" if self.reason else self.finding.verdict.value


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is tried: some rules of all that are shipped, their cases, and how."""

    rules: Mapping[str, Shipped]
    alerts: Mapping[str, Shipped]
    records: Mapping[str, Shipped]
    cases: Sequence[Case]
    promtools: Sequence[Path]
    reasons: Reasons
    workers: int
    hints: Hints = dataclasses.field(default_factory=dict)
    alone: bool = False

    @functools.cached_property
    def mutants(self) -> dict[str, list[Mutant]]:
        """By rule, the mutants that are tried."""
        return {name: mutants_of(name, shipped) for name, shipped in self.rules.items()}

    def readers_of(self, name: str) -> list[Reader]:
        """Whose cases judge the mutants of a rule."""
        return readers_of(name, self.alerts, self.records, self.cases)


def run(
    plan: Plan,
    watch: Watch = lambda futures, _total: futures,
    known: Mapping[str, Sequence[Finding]] = MappingProxyType({}),
) -> list[Outcome]:
    """Try every mutant, but those whose findings are known; in the order in which they were made.

    Raises MutationError when cases do not even pass on the shipped rules, when promtool breaks, or when the
    list of equivalent mutants is not right.
    """
    mutants = plan.mutants
    check_equivalents(plan.reasons, plan.alerts.keys() | plan.records.keys(), mutants)
    with tempfile.TemporaryDirectory(prefix="mutation-") as directory:
        benches = {name: _bench(plan, name, Path(directory)) for name in plan.rules.keys() - known.keys()}
        with ThreadPoolExecutor(plan.workers) as pool:
            trials = {
                name: pool.submit(
                    benches[name].attempt,
                    [mutant.rule for mutant in mutants[name]],
                    plan.hints.get(name, ()),
                    alone=plan.alone,
                )
                for name in sorted(mutants.keys() - known.keys(), key=lambda name: -len(mutants[name]))
            }
            for future in watch(as_completed(trials.values()), len(trials)):
                if error := future.exception():
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise error
    return [
        outcome
        for name, made in mutants.items()
        for outcome in outcomes_of(
            made, known[name] if name in known else trials[name].result(), plan.reasons
        )
    ]


def check_equivalents(reasons: Reasons, shipped: Iterable[str], mutants: Mapping[str, list[Mutant]]) -> None:
    """Raises MutationError when the list of equivalents names a mutant that is not made."""
    made = {(name, mutant.change) for name, each in mutants.items() for mutant in each}
    check_all_exist(reasons, set(shipped), made)


def outcomes_of(mutants: Sequence[Mutant], findings: Sequence[Finding], reasons: Reasons) -> list[Outcome]:
    """The outcomes of a rule's mutants; raises MutationError when a killed one is listed as equivalent."""
    outcomes = []
    for mutant, finding in zip(mutants, findings, strict=True):
        if reason := reasons.get((mutant.name, mutant.change), ""):
            check_survives(mutant, finding)
        outcomes.append(Outcome(mutant, finding, reason))
    return outcomes


def readers_of(
    name: str, alerts: Mapping[str, Shipped], records: Mapping[str, Shipped], cases: Sequence[Case]
) -> list[Reader]:
    """Whose cases judge a rule: an alert's own; of a record those of the alerts of its file that read it."""
    if name in alerts:
        names = [name]
    else:
        rule, file = records[name].rule, records[name].file
        of_file = [alert for alert, shipped in alerts.items() if shipped.file == file]
        names = [alert for alert in of_file if "ALERTS{" not in alerts[alert].rule["expr"]]
        names = [alert for alert in names if rule in beside(alerts[alert])]
    readers = [
        Reader(alerts[alert].rule, beside(alerts[alert]), [case for case in cases if case.alert == alert])
        for alert in names
    ]
    if not any(reader.cases for reader in readers):
        raise MutationError(f"{name} has no cases: add them to tests/rules/cases")
    return readers


def _bench(plan: Plan, name: str, root: Path) -> Bench:
    directory = root / name.replace(":", "_")
    directory.mkdir()
    return Bench(plan.rules[name].rule, plan.readers_of(name), plan.promtools, directory)
