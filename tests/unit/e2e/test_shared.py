"""Several commands on one stack: each finds it, all run, the first failure is the exit code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from e2e import shared
from e2e.stack_under_test import PORTS


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings of a stack that is up already, as far as this is concerned."""
    path = tmp_path / "given.env"
    path.write_text("".join(f"{name}={40000 + number}\n" for number, name in enumerate(PORTS)))
    monkeypatch.setenv("STACK_ENV_FILE", str(path))
    monkeypatch.setenv("STACK_NAME", "given")
    monkeypatch.setenv("STACK_FACTOR", "15")
    return path


def test_each_command_finds_the_stack(env_file: Path, tmp_path: Path) -> None:
    code = (
        "import os, pathlib; pathlib.Path('{out}').write_text("
        "' '.join(os.environ[name] for name in ('STACK_ENV_FILE', 'STACK_NAME', 'STACK_FACTOR')))"
    )
    commands = [f'{sys.executable} -c "{code.format(out=tmp_path / name)}"' for name in ("one", "two")]
    assert shared.main(commands) == 0
    for name in ("one", "two"):
        assert (tmp_path / name).read_text() == f"{env_file} given 15"


def test_all_run_and_the_first_failure_counts(env_file: Path, tmp_path: Path) -> None:
    assert env_file.exists()
    ends = [f'{sys.executable} -c "raise SystemExit({code})"' for code in (0, 3, 4)]
    last = f"{sys.executable} -c \"import pathlib; pathlib.Path('{tmp_path / 'ran'}').touch()\""
    assert shared.main([*ends, last]) == 3
    assert (tmp_path / "ran").exists()


def test_without_a_command_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert shared.main([]) == 2
    assert "usage" in capsys.readouterr().err
