"""Finds the programs of local mode: on PATH, else in Debian's packages, else in the projects' own
releases."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack import debian, mailhog, releases
from stack.errors import StackError
from stack.settings import Instance

_VERSION = re.compile(r"\b[vV]?(\d+)\.(\d+)\.(\d+)")
PROGRAMS = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    "alertmanager": ("alertmanager", "prometheus-alertmanager"),
    "amtool": ("amtool",),
    "grafana": ("grafana-server", "grafana"),
    "mailhog": ("MailHog", "mailhog"),
}
"""What each program is called: by its project, by Debian."""

BELONGS_TO = {"promtool": "prometheus", "amtool": "alertmanager"}
"""Tools that come in the package of another program."""


@dataclass(frozen=True, slots=True)
class Found:
    """A program that runs here; `version` is None when it does not tell."""

    name: str
    path: Path
    origin: str
    version: tuple[int, int, int] | None

    @property
    def words(self) -> str:
        """Origin and version for a person."""
        return f"{'.'.join(map(str, self.version))}, {self.origin}" if self.version else self.origin


@dataclass(frozen=True, slots=True)
class Missing:
    """A program that cannot be had here, why (a line for each way that was tried) and what to do."""

    name: str
    reasons: tuple[str, ...]
    fix: str


def look(name: str, instance: Instance) -> Found | None:
    """The program if it is on PATH or in the cache already; fetches nothing."""
    on_path = _first_running(
        name, [Path(found) for each in PROGRAMS[name] if (found := shutil.which(each))], "from PATH"
    )
    if on_path:
        return on_path
    package = BELONGS_TO.get(name, name)
    for origin, directory in _cached(package, instance):
        files = [directory / place / each for each in PROGRAMS[name] for place in ("usr/bin", "bin", ".")]
        cached = _first_running(name, [file for file in files if file.is_file()], origin)
        if cached:
            return cached
    return None


def _cached(package: str, instance: Instance) -> list[tuple[str, Path]]:
    places = [
        ("Debian's package", instance.cache / "debian" / package),
        ("the project's release", instance.cache / "releases" / package),
        ("built here with Go", instance.cache / "go" / package),
    ]
    return [(origin, directory) for origin, directory in places if directory.is_dir()]


def get(name: str, instance: Instance, tell: Callable[[str], None]) -> Found | Missing:
    """The program, fetched into the cache if need be; `tell` hears of what takes long."""
    if found := look(name, instance):
        return found
    reasons = ["not on PATH"]
    for way in _WAYS[name]:
        try:
            way(name, instance, tell)
        except StackError as error:
            reasons.append(error.message)
            continue
        if found := look(name, instance):
            return found
        reasons.append("what was fetched does not run on this machine")
    return Missing(name, tuple(reasons), _FIXES[name])


def _from_debian(name: str, instance: Instance, tell: Callable[[str], None]) -> None:
    debian.fetch(name, instance.cache, tell)


def _from_release(name: str, instance: Instance, tell: Callable[[str], None]) -> None:
    releases.fetch(name, instance.env[f"{name.upper()}_IMAGE"], instance.cache, tell)


def _with_go(name: str, instance: Instance, tell: Callable[[str], None]) -> None:
    mailhog.build(instance.root / "mailhog", instance.cache / "go" / name, tell)


_WAYS: dict[str, tuple[Callable[[str, Instance, Callable[[str], None]], None], ...]] = {
    "prometheus": (_from_debian, _from_release),
    "alertmanager": (_from_debian, _from_release),
    "grafana": (_from_release,),
    "mailhog": (_with_go,),
}
_FIXES = {
    "prometheus": "install Prometheus 2.42 or later so that `prometheus` is on PATH, then make up",
    "alertmanager": "install Alertmanager 0.25 or later so that `alertmanager` is on PATH, then make up",
    "grafana": "install Grafana 9.4 or later so that `grafana` is on PATH, then make up",
    "mailhog": "install MailHog so that `MailHog` is on PATH, or Go, which builds it, then make up",
}


def _first_running(name: str, paths: list[Path], origin: str) -> Found | None:
    for path in paths:
        words = _version_words(name, path)
        if words is not None:
            match = _VERSION.search(words)
            version = (int(match[1]), int(match[2]), int(match[3])) if match else None
            return Found(name, path, origin, version)
    return None


def _version_words(name: str, path: Path) -> str | None:
    """What the program prints about its version; None when it does not run (another libc, another
    processor)."""
    flag = {"grafana": "-v", "mailhog": "-version"}.get(name, "--version")
    try:
        done = subprocess.run([path, flag], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603  # found above
    except (OSError, subprocess.TimeoutExpired):
        return None
    known = done.returncode == 0 or name == "mailhog"
    return done.stdout + done.stderr if known else None
