"""A benchmark that lacks a program says so in two lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]


def test_a_program_that_is_not_there_is_an_error_with_its_fix(tmp_path: Path) -> None:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-c", "from rules.binaries import newest; newest('promtool')"],
        env=outside | {"PYTHONPATH": str(TESTS), "PROMETHEUS_BINARIES": str(tmp_path), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    error, fix = done.stderr.splitlines()
    assert error == "error: no promtool found"
    assert fix.startswith("fix:   Run `make up MODE=local` once")
