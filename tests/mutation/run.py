"""Makes the mutants of alerts and tries them all, several at a time."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TypeVar

from mutation.equivalents import Reasons, check_all_exist, check_survives
from mutation.errors import MutationError
from mutation.mutants import Mutant, mutants_of
from mutation.trial import Bench, Finding
from rules.cases import Case, Shipped, beside

T = TypeVar("T")

Watch = Callable[[Iterable[Future[Finding]], int], Iterable[Future[Finding]]]
"""Passes on what has ended, of so many, and can show how far it is."""


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
    """What is tried: some alerts of all that are shipped, their cases, and how."""

    alerts: dict[str, Shipped]
    shipped: dict[str, Shipped]
    cases: Sequence[Case]
    promtools: list[Path]
    reasons: Reasons
    workers: int


def run(plan: Plan, watch: Watch = lambda futures, _total: futures) -> list[Outcome]:
    """Try every mutant; in the order in which they were made.

    Raises MutationError when cases do not even pass on the shipped rules, when promtool breaks, or when the
    list of equivalent mutants is not right.
    """
    mutants = [mutant for alert, shipped in plan.alerts.items() for mutant in mutants_of(alert, shipped)]
    check_all_exist(plan.reasons, plan.shipped, {(each.alert, each.change) for each in mutants})
    benches = {alert: _bench(plan, alert) for alert in plan.alerts}
    with tempfile.TemporaryDirectory(prefix="mutation-") as directory:
        root = Path(directory)
        with ThreadPoolExecutor(plan.workers) as pool:
            checks = [
                pool.submit(benches[alert].check, shipped.rule, _made(root / alert))
                for alert, shipped in plan.alerts.items()
            ]
            _results(pool, checks)
            trials = [
                pool.submit(benches[mutant.alert].attempt, mutant.rule, _made(root / str(number)))
                for number, mutant in enumerate(mutants)
            ]
            findings = _results(pool, trials, watch)
    return [
        _outcome(mutant, finding, plan.reasons) for mutant, finding in zip(mutants, findings, strict=True)
    ]


def _results(
    pool: ThreadPoolExecutor,
    futures: list[Future[T]],
    watch: Callable[[Iterable[Future[T]], int], Iterable[Future[T]]] = lambda ended, _total: ended,
) -> list[T]:
    """The results in order; the first error stops what has not begun."""
    for future in watch(as_completed(futures), len(futures)):
        if error := future.exception():
            pool.shutdown(wait=True, cancel_futures=True)
            raise error
    return [future.result() for future in futures]


def _outcome(mutant: Mutant, finding: Finding, reasons: Reasons) -> Outcome:
    reason = reasons.get((mutant.alert, mutant.change), "")
    if reason:
        check_survives(mutant, finding)
    return Outcome(mutant, finding, reason)


def _bench(plan: Plan, alert: str) -> Bench:
    cases = [case for case in plan.cases if case.alert == alert]
    if not cases:
        raise MutationError(f"{alert} has no cases: add them to tests/rules/cases")
    return Bench(cases, plan.promtools, beside(plan.shipped[alert]))


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory
