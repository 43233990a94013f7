"""Lanes of the live tests: how they are read, that all of them run, and which exit code counts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from e2e import lanes
from e2e.stack_under_test import PORTS


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack that is up already, as far as this is concerned, and two commands: one succeeds, one fails."""
    path = tmp_path / "given.env"
    path.write_text("".join(f"{name}={40000 + number}\n" for number, name in enumerate(PORTS)))
    for name, value in (("STACK_ENV_FILE", str(path)), ("STACK_NAME", "given"), ("STACK_FACTOR", "15")):
        monkeypatch.setenv(name, value)
    write = f"import os, pathlib; pathlib.Path('{tmp_path}', os.environ['MODE']).touch()"
    monkeypatch.setitem(lanes.COMMANDS, "tests", f'{sys.executable} -c "{write}"')
    monkeypatch.setitem(lanes.COMMANDS, "proof", f'{sys.executable} -c "raise SystemExit(3)"')
    monkeypatch.setenv("PYTHONPATH", str(lanes.ROOT / "tests"))
    monkeypatch.setattr(lanes, "LOGS", tmp_path / "logs")
    return tmp_path


def test_neighbours_of_one_mode_share_a_stack() -> None:
    tests, proof = lanes.COMMANDS["tests"], lanes.COMMANDS["proof"]
    lane = lanes.parsed("compose:tests,compose:proof,local:proof,compose:proof")
    assert lane.stacks == (("compose", (tests, proof)), ("local", (proof,)), ("compose", (proof,)))


@pytest.mark.parametrize("text", ["compose", "compose:everything", "moon:tests", "compose:tests,"])
def test_a_lane_that_cannot_be_read_is_named_with_the_mend(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lanes.main([text]) == 2
    told = capsys.readouterr().err
    assert f"in the lane {text!r} is no step" in told
    assert "usage: " in told


def test_without_a_lane_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert lanes.main([]) == 2
    assert "usage: " in capsys.readouterr().err


def test_every_lane_runs_and_a_failure_in_any_counts(given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lanes.main(["compose:proof,local:tests", "auto:tests"]) == 3
    assert (given / "local").exists()  # the step after the failure
    assert (given / "auto").exists()
    shown = capsys.readouterr().out
    assert "== compose:proof,local:tests (" in shown
    assert "exit code 3]" in shown
    assert "== auto:tests (" in shown


def test_a_single_lane_that_succeeds_is_0(given: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert given.exists()
    assert lanes.main(["auto:tests"]) == 0
    assert "exit code 0]" in capfd.readouterr().out
