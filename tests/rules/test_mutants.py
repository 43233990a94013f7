"""No small change of a rule goes unnoticed by its cases; the page that says so is of today's rules.

Without trying them again: promtool would be given what it was given in the last run (mutation/tried.py).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from mutation import tried
from mutation.__main__ import PAGE
from mutation.equivalents import FILE, read_equivalents
from mutation.mutants import mutants_of
from mutation.page import write_page
from mutation.report import of_word
from mutation.run import Plan, check_equivalents, mutated, outcomes_of
from rules.cases import all_cases, shipped_alerts, shipped_records

AGAIN = "run `make mutate CHANGED=1 WRITE=1`, which tries what has changed"


def test_every_mutant_was_tried_and_the_page_tells_of_it(tmp_path: Path) -> None:
    rules = mutated(shipped_alerts(), shipped_records())
    reasons = read_equivalents(FILE)
    plan = Plan(rules, shipped_alerts(), shipped_records(), all_cases(), [], reasons, workers=1)
    current = tried.current(plan, tried.read_tried(tried.FILE))
    assert rules.keys() - current.keys() == set(), f"changed since the mutants were tried: {AGAIN}"
    mutants = {name: mutants_of(name, shipped) for name, shipped in rules.items()}
    check_equivalents(reasons, rules, mutants)
    outcomes = [
        outcome
        for name, made in mutants.items()
        for outcome in outcomes_of(made, current[name].findings, reasons)
    ]
    assert [each.mutant.change for each in of_word(outcomes, "survived")] == []
    assert of_word(outcomes, "stillborn") == []
    page = Path(shutil.copy(PAGE, tmp_path))
    write_page(page, outcomes)
    assert page.read_text() == PAGE.read_text(), f"docs/mutation.md is of other rules: {AGAIN}"
