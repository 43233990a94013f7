"""The workflow of GitHub: it runs .ci/run and nothing else, with few rights, and ends."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / ".github" / "workflows" / "ci.yml"
# 1.1 of YAML, which PyYAML reads, takes the word `on` for true.
WORKFLOW: dict[Any, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
[(_, JOB)] = WORKFLOW["jobs"].items()


def test_it_runs_at_every_push_and_pull_request_what_everybody_runs() -> None:
    assert WORKFLOW[True] == {"push": {"branches": ["main"]}, "pull_request": None}
    assert JOB["steps"][-1]["run"] == "bash .ci/run"
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    # Nothing lets a step fail unseen.
    assert "continue-on-error" not in FILE.read_text(encoding="utf-8")


def test_it_may_read_and_nothing_else() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "permissions" not in JOB
    assert "secrets." not in FILE.read_text(encoding="utf-8")
    [checkout] = [each for each in JOB["steps"] if each.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"]["persist-credentials"] is False


def test_it_ends_and_gives_way_to_a_newer_push() -> None:
    assert JOB["timeout-minutes"] == 90
    assert WORKFLOW["concurrency"]["cancel-in-progress"] is True


def test_actions_are_pinned_by_commit() -> None:
    used = [each["uses"] for each in JOB["steps"] if "uses" in each]
    assert used
    assert [each for each in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", each)] == []


def test_nothing_from_outside_is_put_into_a_shell() -> None:
    """A title or a branch with quotes would be run; environment variables are not."""
    for step in JOB["steps"]:
        assert "${{" not in step.get("run", ""), step


def test_every_script_is_one_of_bash() -> None:
    assert shutil.which("bash")
    for step in (each for each in JOB["steps"] if "run" in each):
        done = subprocess.run(["bash", "-n", "-c", step["run"]], capture_output=True, text=True, check=False)
        assert done.stderr == ""


def test_its_debian_and_its_go_are_those_of_ci() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert JOB["container"]["image"].endswith("-bookworm")
    assert "s/bookworm/trixie/" in script
    [go] = [
        each["with"]["go-version"]
        for each in JOB["steps"]
        if each.get("uses", "").startswith("actions/setup-go@")
    ]
    assert f"go {go}\\n" in script
