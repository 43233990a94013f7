"""No small change of an alert rule goes unnoticed by its cases; the page that says so is of today's rules."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mutation.__main__ import PAGE
from mutation.equivalents import FILE, read_equivalents
from mutation.page import write_page
from mutation.report import reached, tally
from mutation.run import Plan, run
from rules.binaries import newest, version_of
from rules.cases import all_cases, shipped_alerts

BAR_PERCENT = 95


@pytest.mark.timeout(900)
def test_the_cases_kill_the_mutants_and_the_page_tells_of_them(tmp_path: Path) -> None:
    promtool = newest("promtool")
    outcomes = run(
        Plan(
            alerts=shipped_alerts(),
            shipped=shipped_alerts(),
            cases=all_cases(),
            promtools=[promtool],
            reasons=read_equivalents(FILE),
            workers=os.cpu_count() or 1,
        )
    )
    total = tally(outcomes)
    assert total.kill_ratio is not None
    assert reached(total, BAR_PERCENT), total
    if version_of(promtool)[0] >= 3:  # the ranges of older ones are closed, so that other mutants survive
        page = Path(shutil.copy(PAGE, tmp_path))
        write_page(page, outcomes)
        assert page.read_text() == PAGE.read_text(), "docs/mutation.md is of other rules: make mutate WRITE=1"
