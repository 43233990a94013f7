"""Finds the programs of local mode: the version that is pinned first, on PATH or as the project's release."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stack import debian, mailhog, releases
from stack.errors import StackError
from stack.releases import Release
from stack.settings import Instance

RELEASE = "the project's release"
_INSTEAD = " in place of "
_VERSION = re.compile(r"\b[vV]?(\d+)\.(\d+)\.(\d+)")
PROGRAMS = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    "alertmanager": ("alertmanager", "prometheus-alertmanager"),
    "amtool": ("amtool",),
    "grafana": ("grafana-server", "grafana"),
    "mailhog": ("MailHog", "mailhog"),
}
OF_SCALE = {
    "postgres": ("postgres",),
    "victoria-metrics": ("victoria-metrics", "victoria-metrics-prod"),
}
_NAMES = PROGRAMS | OF_SCALE
"""What each program is called: by its project, by Debian. Those of OF_SCALE are for SCALE=1 alone."""

BELONGS_TO = {"promtool": "prometheus", "amtool": "alertmanager"}
"""Tools that come in the package of another program."""


@dataclass(frozen=True, slots=True)
class Found:
    """A program that runs here; `version` is None when it does not tell.

    `reasons` say why it is not the pinned version, a line for each way to that which was tried.
    """

    name: str
    path: Path
    origin: str
    version: tuple[int, int, int] | None
    reasons: tuple[str, ...] = ()

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
    """The program if it is on PATH or in the cache already; fetches nothing.

    The version that is pinned comes first, then what is on PATH, then Debian's package.
    """
    package = BELONGS_TO.get(name, name)
    pinned = _pinned(package, instance)
    paths = [Path(file) for each in _NAMES[name] if (file := shutil.which(each))]
    if name == "postgres":
        paths += debian.postgresql(Path("/"))
    on_path = _first_running(name, paths, "from PATH")
    if on_path and (pinned is None or on_path.version is None or on_path.words.startswith(f"{pinned},")):
        return on_path
    cached = [found for origin, place in _cached(package, instance) if (found := _in(name, place, origin))]
    if on_path and not (cached and cached[0].origin == RELEASE):
        return replace(on_path, origin=f"from PATH{_INSTEAD}{pinned}")
    return cached[0] if cached else None


def _in(name: str, directory: Path, origin: str) -> Found | None:
    files = [directory / place / each for each in _NAMES[name] for place in ("usr/bin", "bin", ".")]
    if name == "postgres":
        files = debian.postgresql(directory)
    return _first_running(name, [file for file in files if file.is_file()], origin)


def _image(package: str, instance: Instance) -> str:
    return instance.env.get(f"{package.upper()}_IMAGE", "")


def _pinned(package: str, instance: Instance) -> str | None:
    """The version of a package that the settings name; None for MailHog, which is built here."""
    return releases.version_of(_image(package, instance))


def _cached(package: str, instance: Instance) -> list[tuple[str, Path]]:
    if package == "mailhog":
        return [("built here with Go", mailhog.directory(instance.root / "mailhog", instance.cache))]
    if package in OF_SCALE:
        return [("Debian's package", instance.cache / "debian" / package)]
    instead = f"Debian's package{_INSTEAD}{_pinned(package, instance)}"
    return [
        (RELEASE, releases.directory(package, _image(package, instance), instance.cache)),
        (instead, instance.cache / "debian" / package),
    ]


def get(
    name: str,
    instance: Instance,
    tell: Callable[[str], None],
    sources: Mapping[str, Release] | None = None,
) -> Found | Missing:
    """The program, fetched into the cache if need be; `tell` hears of what takes long.

    While only another version than the pinned one is there, the project's release is looked for. `sources`
    says where releases are (default: at the projects).
    """
    found = look(name, instance)
    if found and _INSTEAD not in found.origin:
        return found
    reasons = [] if found else ["not on PATH"]
    for way in _WAYS[name]:
        if way is _from_debian and found:
            break
        try:
            way(name, instance, tell, sources)
        except StackError as error:
            reasons.append(error.message)
            continue
        if got := look(name, instance):
            return got
        reasons.append("what was fetched does not run on this machine")
    if found is None:
        return Missing(name, tuple(reasons), _FIXES[name])
    return replace(found, reasons=tuple(reasons))


Way = Callable[[str, Instance, Callable[[str], None], Mapping[str, Release] | None], None]


def _from_debian(
    name: str, instance: Instance, tell: Callable[[str], None], _sources: Mapping[str, Release] | None
) -> None:
    debian.fetch(name, instance.cache, tell)


def _from_release(
    name: str, instance: Instance, tell: Callable[[str], None], sources: Mapping[str, Release] | None
) -> None:
    releases.fetch(name, _image(name, instance), instance.cache, tell, sources)


def _with_go(
    name: str, instance: Instance, tell: Callable[[str], None], _sources: Mapping[str, Release] | None
) -> None:
    module = instance.root / name
    mailhog.build(module, mailhog.directory(module, instance.cache), tell)


_WAYS: dict[str, tuple[Way, ...]] = {
    "prometheus": (_from_release, _from_debian),
    "alertmanager": (_from_release, _from_debian),
    "grafana": (_from_release,),
    "mailhog": (_with_go,),
    "postgres": (_from_debian,),
    "victoria-metrics": (_from_debian,),
}
_FIXES = {
    "prometheus": "install Prometheus 2.42 or later so that `prometheus` is on PATH, then make up",
    "alertmanager": "install Alertmanager 0.25 or later so that `alertmanager` is on PATH, then make up",
    "grafana": "install Grafana 9.4 or later so that `grafana` is on PATH, then make up",
    "mailhog": "install MailHog so that `MailHog` is on PATH, or Go, which builds it, then make up",
    "postgres": "install PostgreSQL 14 or later so that `postgres` is on PATH, then make up",
    "victoria-metrics": "install VictoriaMetrics so that `victoria-metrics` is on PATH, then make up",
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
    """What the program prints about its version; None when it does not run, as with another libc."""
    flag = {"grafana": "-v", "mailhog": "-version"}.get(name, "--version")
    libraries = debian.libraries(path) if name == "postgres" else {}
    try:
        done = subprocess.run(  # noqa: S603  # found above
            [path, flag], env=os.environ | libraries, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    known = done.returncode == 0 or name == "mailhog"
    return done.stdout + done.stderr if known else None
