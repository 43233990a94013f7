"""Lanes of the live tests: how they are read, that all of them run, and which exit code counts."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e import lanes
from e2e.stack_under_test import PORTS


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs lanes on a stack that is up, as far as this is concerned; one command succeeds, one fails."""
    path = tmp_path / "given.env"
    path.write_text("".join(f"{name}={40000 + number}\n" for number, name in enumerate(PORTS)))
    for name, value in (("STACK_ENV_FILE", str(path)), ("STACK_NAME", "given"), ("STACK_FACTOR", "15")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", f"{lanes.ROOT / 'tests'}:{lanes.ROOT / 'local/src'}")
    write = f"import os, pathlib; pathlib.Path('{tmp_path}', os.environ['MODE']).touch()"
    commands = {
        "tests": f'{sys.executable} -c "{write}"',
        "proof": f'{sys.executable} -c "raise SystemExit(3)"',
    }
    return lambda *texts: lanes.main(texts, commands, tmp_path / "logs", still_seconds=0.01)


def test_neighbours_of_one_mode_share_a_stack() -> None:
    tests, proof = lanes.COMMANDS["tests"], lanes.COMMANDS["proof"]
    lane = lanes.parsed("compose:tests,compose:proof,local:proof,compose:proof")
    assert lane.stacks == (
        ("compose", (tests, proof), True),
        ("local", (proof,), True),
        ("compose", (proof,), True),
    )


def test_what_starts_its_own_stack_stands_alone() -> None:
    proof, readme = lanes.COMMANDS["proof"], lanes.COMMANDS["readme"]
    lane = lanes.parsed("local:proof,local:readme")
    assert lane.stacks == (("local", (proof,), True), ("local", (readme,), False))
    scale = lanes.COMMANDS["scale"]
    lane = lanes.parsed("compose:proof,compose:scale")
    assert lane.stacks == (("compose", (proof,), True), ("compose", (scale,), False))


@pytest.mark.parametrize(
    "text",
    ["compose", "compose:everything", "moon:tests", "compose:tests,", ":tests", "tests"],
)
def test_a_lane_that_cannot_be_read_is_named_with_the_fix(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lanes.main([text]) == 2
    told = capsys.readouterr().err
    assert f"in the lane {text!r} cannot be read" in told
    assert "usage: " in told


def test_without_a_lane_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert lanes.main([]) == 2
    assert "usage: " in capsys.readouterr().err


def test_every_lane_runs_and_a_failure_in_any_counts(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("compose:proof,local:tests", "auto:tests") == 3
    assert (tmp_path / "local").exists()  # the step after the failure
    assert (tmp_path / "auto").exists()
    shown = capsys.readouterr().out
    assert f"auto:tests: follow it with tail -f {tmp_path / 'logs' / '2.log'}" in shown
    assert "== compose:proof,local:tests (" in shown
    assert "exit code 3]" in shown
    assert "== auto:tests (" in shown
    assert "compose:proof,local:tests failed after " in shown
    assert shown.rstrip().endswith("== compose:proof,local:tests failed with exit code 3")
    # Python alone takes longer to start than a hundredth of a second.
    assert re.search(r"after \d+ s still running: .*auto:tests", shown)


def test_a_single_lane_that_succeeds_is_0(run: Callable[..., int], capfd: pytest.CaptureFixture[str]) -> None:
    assert run("auto:tests") == 0
    assert "exit code 0]" in capfd.readouterr().out
