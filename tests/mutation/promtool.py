"""Runs promtool on a test, and understands what it says.

promtool gives the same exit code for a rule that does something else and for a file that it cannot read, so
its words decide: only a difference between what was expected and what was got, or a rule that fails while it
is evaluated, is a case that has noticed.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from mutation.errors import MutationError
from mutation.together import MARK, Rule
from rules.cases import STEP_SECONDS

TIMEOUT_SECONDS = 600
RULES_FILE = "rules.json"  # JSON is YAML too, and is written in a tenth of the time
NOTICED = re.compile(
    r"^\s*(expr: .*, time: .*|alertname: .*, time: .*)\n\s*exp|^\s*rule: (.*), time: .*, err: ", re.MULTILINE
)
_NUMBER = re.compile(rf"{MARK}(\d+)")


def said_of(
    promtool: Path, rules: list[Rule], test: dict[str, Any], directory: Path, every: int = STEP_SECONDS
) -> str:
    """What promtool has to object to when it runs the test with the rules; empty when it passes.

    `every`: the seconds between two evaluations.
    """
    _write(directory / RULES_FILE, {"groups": [{"name": "mutation", "rules": rules}]})
    tree = {"rule_files": [RULES_FILE], "evaluation_interval": f"{every}s", "tests": [test]}
    _write(directory / "test.json", tree)
    command: list[str | Path] = [promtool, "test", "rules", directory / "test.json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise MutationError(
            f"promtool has not ended after {TIMEOUT_SECONDS} s in {test['name']!r}"
        ) from error
    return (done.stdout + done.stderr).strip() if done.returncode else ""


def noticed(said: str) -> bool:
    """Whether an expectation was not met."""
    return NOTICED.search(said) is not None


def is_refused(said: str, directory: Path) -> bool:
    """Whether a rule was none, so that nothing was evaluated."""
    return not noticed(said) and str(directory / RULES_FILE) in said


def failed_versions(said: str) -> tuple[set[int], bool]:
    """The versions that a case noticed, and whether it ended early: at one that could not be evaluated."""
    found, ended = set(), False
    for match in NOTICED.finditer(said):
        number = _NUMBER.search(match.group(1) or match.group(2))
        if number is None:
            raise MutationError(f"promtool says nothing of a version: {in_one_line(match.group(0))}")
        found.add(int(number.group(1)))
        ended = ended or match.group(2) is not None
    return found, ended


def in_one_line(said: str) -> str:
    """What promtool said, without its headings, on one line of bounded length."""
    lines = (" ".join(line.split()) for line in said.splitlines())
    told = [line for line in lines if line and line != "FAILED:" and not line.startswith("Unit Testing:")]
    return " ".join(told)[:200] or "nothing"


def _write(path: Path, tree: dict[str, Any]) -> None:
    path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
