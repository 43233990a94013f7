"""Tries a mutant: runs the cases of its alert against the changed rule, until one notices.

promtool gives the same exit code for a rule that does something else and for a file that it cannot read, so
its words decide: only a difference between what was expected and what was got, or a rule that fails while it
is evaluated, is a case that has noticed.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import re
import subprocess
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from mutation.errors import MutationError
from mutation.mutants import Rule
from rules.binaries import version_of
from rules.cases import STEP_SECONDS, Case, promtool_test

TIMEOUT_SECONDS = 100
RULES_FILE = "rules.json"  # JSON is YAML too, and is written in a tenth of the time
NOTICED = re.compile(
    r"^\s*(expr: .*, time: .*|alertname: .*, time: .*)\n\s*exp|^\s*rule: .*, time: .*, err: ", re.MULTILINE
)


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


class Bench:
    """The cases of one alert, ready to be run by some versions of promtool; safe to be shared by threads."""

    def __init__(self, cases: list[Case], promtools: list[Path], beside: list[Rule]) -> None:
        """`promtools`: the first one tries first. `beside`: the rules that are evaluated with each mutant."""
        self._promtools = promtools
        self._beside = beside
        self._cases = {case.name: case for case in cases}
        if len(self._cases) != len(cases):
            raise MutationError(f"{cases[0].alert}: two of its cases have the same name: rename one")
        self._kills: Counter[str] = Counter()
        self._lock = threading.Lock()
        majors = {version_of(promtool)[0] for promtool in promtools}
        self._tests = {
            (name, major): promtool_test(case, major)
            for name, case in self._cases.items()
            for major in majors
        }

    def check(self, rule: Rule, directory: Path) -> None:
        """Raises MutationError when the shipped rule does not satisfy its cases, in whatever version."""
        self._write_rules(rule, directory)
        for promtool in self._promtools:
            for name in self._cases:
                if said := self._said(promtool, name, directory):
                    raise MutationError(
                        f"{rule['alert']}: the case {name!r} fails on the shipped rule: {in_one_line(said)}; "
                        "fix it first, see `pytest tests/rules`"
                    )

    def attempt(self, rule: Rule | None, directory: Path) -> Finding:
        """Run the cases one by one, the most successful ones first; files are made in the directory."""
        self._write_rules(rule, directory)
        for promtool in self._promtools:
            for name in self._likeliest_first():
                said = self._said(promtool, name, directory)
                if not said:
                    continue
                verdict = judged(said, directory)
                if verdict is Verdict.KILLED:
                    with self._lock:
                        self._kills[name] += 1
                return Finding(verdict, name if verdict is Verdict.KILLED else "")
        return Finding(Verdict.SURVIVED)

    def _likeliest_first(self) -> list[str]:
        with self._lock:
            return sorted(self._cases, key=lambda name: -self._kills[name])

    def _write_rules(self, rule: Rule | None, directory: Path) -> None:
        rules = [*self._beside, *([] if rule is None else [rule])]
        _write(directory / RULES_FILE, {"groups": [{"name": "mutation", "rules": rules}]})

    def _said(self, promtool: Path, name: str, directory: Path) -> str:
        """What promtool has to object to; empty when the case passes."""
        test = {
            "rule_files": [RULES_FILE],
            "evaluation_interval": f"{STEP_SECONDS}s",
            "tests": [self._tests[name, version_of(promtool)[0]]],
        }
        _write(directory / "test.json", test)
        command: list[str | Path] = [promtool, "test", "rules", directory / "test.json"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise MutationError(
                f"promtool has not ended after {TIMEOUT_SECONDS} s in the case {name!r}"
            ) from error
        return (done.stdout + done.stderr).strip() if done.returncode else ""


def judged(said: str, directory: Path) -> Verdict:
    """The verdict on what promtool said of a mutant; raises MutationError if it speaks of something else."""
    if NOTICED.search(said):
        return Verdict.KILLED
    if str(directory / RULES_FILE) in said:
        return Verdict.STILLBORN
    raise MutationError(
        f"promtool says neither that a case noticed nor that a rule is none: {in_one_line(said)}"
    )


def in_one_line(said: str) -> str:
    """What promtool said, without its headings, on one line of bounded length."""
    lines = (" ".join(line.split()) for line in said.splitlines())
    told = [line for line in lines if line and line != "FAILED:" and not line.startswith("Unit Testing:")]
    return " ".join(told)[:200] or "nothing"


def _write(path: Path, tree: dict[str, Any]) -> None:
    path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
