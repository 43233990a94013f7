"""Finds the real programs that judge the configuration: promtool, prometheus, amtool, alertmanager.

They are looked for in the directories of PROMETHEUS_BINARIES (separated by colons) if it is set, else in PATH
and then in .run/cache. Of each version one is taken. Where there is none, a test fails in CI and is skipped,
with the reason, elsewhere.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from programs import not_there
from waiting import patience

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {
    "promtool": ("promtool",),
    "prometheus": ("prometheus",),
    "amtool": ("amtool",),
    "alertmanager": ("alertmanager", "prometheus-alertmanager"),
}
"""Each program and the names that it goes by; Debian's Alertmanager has a name of its own."""


def directories() -> list[Path]:
    """Where to look, the first found of a version wins."""
    if told := os.environ.get("PROMETHEUS_BINARIES"):
        return [Path(each) for each in told.split(":") if each]
    in_path = [Path(each) for each in os.environ.get("PATH", "").split(os.pathsep) if each]
    names = {name for names in PROGRAMS.values() for name in names}
    cached = sorted({path.parent for path in (ROOT / ".run" / "cache").rglob("*") if path.name in names})
    return in_path + cached


@functools.cache
def found(program: str) -> dict[str, Path]:
    """Every version of a program that is there, oldest first, and its path."""
    versions: dict[str, Path] = {}
    for directory in directories():
        for name in PROGRAMS[program]:
            path = directory / name
            if path.is_file() and os.access(path, os.X_OK) and (version := _version(path)):
                versions.setdefault(version, path)
    return dict(sorted(versions.items(), key=lambda item: as_numbers(item[0])))


def as_numbers(version: str) -> tuple[int, ...]:
    """`3.13.4` as (3, 13, 4), to compare versions with."""
    return tuple(int(number) for number in version.split("."))


def versions(program: str) -> list[Any]:
    """A parameter of pytest for each version, its path; None, which `required` explains, if there is none."""
    parameters = [pytest.param(path, id=f"{program}-{version}") for version, path in found(program).items()]
    return parameters or [pytest.param(None, id=f"no-{program}")]


def each_version_of(program: str) -> pytest.MarkDecorator:
    """Runs a test, which takes `program`, once for each version; once, to say so, if there is none."""
    return pytest.mark.parametrize("program", versions(program))


def required(program: Path | None, name: str) -> Path:
    """The program, or the end of the test: failed in CI, skipped with the reason elsewhere."""
    if program is None:
        not_there(
            f"no {name} found: NOT TESTED. Run `make up MODE=local` once, which fetches it, "
            "install Debian's packages prometheus and prometheus-alertmanager, or set PROMETHEUS_BINARIES to "
            "the directories that hold it"
        )
    return program


def newest(name: str) -> Path:
    """The newest version of a program; fails or skips the test when there is none."""
    versions = found(name)
    return required(list(versions.values())[-1] if versions else None, name)


def version_of(program: Path) -> tuple[int, ...]:
    """The version of a program, as numbers."""
    version = _version(program)
    assert version is not None, f"{program} does not tell its version"
    return as_numbers(version)


def of_go() -> dict[str, str]:
    """The environment of a program in Go that soon ends: it collects its garbage a quarter as often."""
    return {"GOGC": "400", "GOMEMLIMIT": "256MiB", **os.environ}


@functools.cache
def _version(path: Path) -> str | None:
    done = subprocess.run(
        [path, "--version"], capture_output=True, text=True, check=False, timeout=patience(30)
    )
    match = re.search(r"version (\d+\.\d+\.\d+)", done.stdout + done.stderr)
    return match.group(1) if match else None
