"""pint knows more ways to write a useless rule than promtool, and finds none in the shipped rules."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from programs import not_there
from rules.cases import ROOT, RULES
from waiting import patience


def pint() -> Path:
    """The program of PINT, PATH or .run/cache; without one the test fails in CI and is skipped elsewhere."""
    if told := os.environ.get("PINT"):
        return Path(told)
    cached = sorted((ROOT / ".run" / "cache").rglob("pint"))
    found = shutil.which("pint") or next((str(path) for path in cached if path.is_file()), None)
    if found is None:
        not_there("no pint found: NOT TESTED. Set PINT to the program; .ci/run shows how it is compiled")
    return Path(found)


def complaints(rules: Path) -> str:
    """What pint says of the rules in a `prometheus/rules`, by the .pint.hcl beside it; "" when content."""
    directory = rules.parents[1]  # the settings go by paths from here
    done = subprocess.run(
        [
            pint(),
            "--offline",
            "--no-color",
            "lint",
            "--min-severity=info",
            "--fail-on=info",
            rules.relative_to(directory),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        timeout=patience(100),
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


CACHE_UP = "insa_cache_up or last_over_time(insa_cache_up[1m])"


def test_pint_finds_nothing_in_the_shipped_rules() -> None:
    assert complaints(RULES) == ""


@pytest.mark.parametrize(
    ("shipped", "worse", "finding"),
    [
        # Two jobs in one sum, and a text that asks for the label which the sum has lost.
        ("sum by (job, instance, cache)", "sum by (instance, cache)", "`job` label is required"),
        ("sum by (job, instance, cache)", "sum by (instance, cache)", "Template is using `job` label"),
        # An alert without a condition always fires.
        (f"({CACHE_UP}) == 0", "insa_cache_up", "doesn't have any condition"),
        # A pattern where a plain value would do.
        (CACHE_UP, 'insa_cache_up{job=~"demo-app"}', "promql/regexp"),
    ],
)
def test_pint_finds_what_its_settings_are_to_find(
    shipped: str, worse: str, finding: str, tmp_path: Path
) -> None:
    shutil.copy(ROOT / ".pint.hcl", tmp_path)
    rules = tmp_path / "prometheus" / "rules"
    rules.mkdir(parents=True)
    text = (RULES / "cache_performance.yml").read_text()
    assert shipped in text
    (rules / "worse.yml").write_text(text.replace(shipped, worse))
    assert finding in complaints(rules)
