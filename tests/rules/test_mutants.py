"""No small change of a rule goes unnoticed by its cases; the page that says so is of today's rules.

Without trying them again: promtool would be given what it was given in the last run (mutation/tried.py).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from mutation import tried
from mutation.__main__ import PAGE
from mutation.equivalents import FILE, read_equivalents
from mutation.page import write_page
from mutation.report import of_word
from mutation.run import Plan
from rules.cases import ROOT, shipped_alerts, shipped_records
from rules.scrapes import all_cases

README = ROOT / "README.md"


def test_every_mutant_was_tried_and_the_page_tells_of_it(tmp_path: Path) -> None:
    alerts, records = shipped_alerts(), shipped_records()
    plan = Plan({**alerts, **records}, alerts, records, all_cases(), [], read_equivalents(FILE), workers=1)
    outcomes = tried.outcomes(plan, tried.read_tried(tried.FILE))
    assert of_word(outcomes, "stillborn") == []
    page = Path(shutil.copy(PAGE, tmp_path))
    write_page(page, outcomes)
    assert page.read_text() == PAGE.read_text(), (
        "docs/mutation.md is of other rules\nfix:   run `make mutate CHANGED=1 WRITE=1`"
    )
    says = f"{len(outcomes):,} changes in all"
    assert says in README.read_text(encoding="utf-8"), f"README.md gives another number\nfix:   write {says}"
