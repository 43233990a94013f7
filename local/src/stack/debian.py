"""Debian's own packages, unpacked without root: `apt-get download` and `dpkg -x`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from stack.errors import StackError

_PACKAGES = {
    "prometheus": "prometheus",
    "alertmanager": "prometheus-alertmanager",
    "victoria-metrics": "victoria-metrics",
    "postgres": "postgresql",  # which stands for the newest version that the system offers
}
_PAGE_PARTS = ("libjs-", "fonts-")  # Prometheus' pages link to files of these packages
_TIMEOUT_SECONDS = 300
_SHARED = b"/usr/share/prometheus/alertmanager"


def fetch(name: str, cache: Path, tell: Callable[[str], None]) -> None:
    """Unpack Debian's package of `name`, with what its pages are made of, to `cache`/debian/`name`.

    Raises StackError with the reason when this is not Debian, or the package is not offered or not reachable.
    """
    if not all(map(shutil.which, ("apt-get", "apt-cache", "dpkg-deb"))):
        raise StackError("no Debian packages: this system has no apt")
    package = _PACKAGES[name]
    options = _options(package, cache, tell)
    work = cache / "debian" / f"{name}.part"
    shutil.rmtree(work, ignore_errors=True)
    (work / "deb").mkdir(parents=True)
    tell(f"fetching Debian's package {package}")
    wanted = _wanted(package, options)
    _run(["apt-get", *options, "-q", "download", *wanted], work / "deb")
    archives = list((work / "deb").glob("*.deb"))
    if len(archives) != len(wanted):
        raise StackError(
            f"Debian's package {package}: apt-get downloaded {len(archives)} of {len(wanted)} archives"
        )
    for archive in archives:
        _run(["dpkg-deb", "-x", str(archive), str(work / "root")], work)
    target = cache / "debian" / name
    shutil.rmtree(target, ignore_errors=True)
    for program in (work / "root" / "usr" / "bin").glob("*"):
        relocate(program)
    (work / "root").replace(target)
    shutil.rmtree(work)


def postgresql(root: Path) -> list[Path]:
    """The server's program below `root`, the newest first: Debian keeps it out of PATH, by version."""
    found = (root / "usr" / "lib" / "postgresql").glob("*/bin/postgres")
    return sorted(
        found, key=lambda each: int(each.parts[-3]) if each.parts[-3].isdigit() else 0, reverse=True
    )


def libraries(program: Path) -> dict[str, str]:
    """What lets a program of an unpacked package find the libraries that were unpacked with it."""
    root = next((each for each in program.resolve().parents if each.name == "postgres"), None)
    if root is None or root.parent.name != "debian":
        return {}
    found = [str(each) for each in (root / "usr" / "lib").glob("*-linux-*")]
    return {"LD_LIBRARY_PATH": os.pathsep.join(found)} if found else {}


def working_directory(name: str, program: Path) -> Path | None:
    """Where a program of a package must start so that it finds its files (see relocate); None: anywhere."""
    shared = program.parents[1] / "share" / "prometheus"
    return shared if name == "alertmanager" and shared.is_dir() else None


def page_flags(name: str, program: Path) -> tuple[str, ...]:
    """What tells a program of a package where its pages are: Debian's Prometheus looks below /usr/share."""
    pages = program.parents[1] / "share" / "prometheus" / "web"
    there = name == "prometheus" and (pages / "templates").is_dir()
    return (f"--web.local-assets={pages}/",) if there else ()


def relocate(program: Path) -> None:
    """Let Debian's Alertmanager find its default templates beside itself instead of below /usr/share.

    Debian compiles that path into the program, no setting moves it, and writing to /usr takes root. The path
    is replaced by a relative one of the same length (repeated slashes count as one): `.////…alertmanager`.
    """
    content = program.read_bytes()
    if _SHARED not in content:
        return
    name = b"alertmanager"
    program.write_bytes(content.replace(_SHARED, b"." + b"/" * (len(_SHARED) - 1 - len(name)) + name))


def _options(package: str, cache: Path, tell: Callable[[str], None]) -> list[str]:
    """Options under which apt knows the package: none, or lists of our own when the system has none."""
    if _offers(package, []):
        return []
    private = cache / "apt"
    (private / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (private / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    options = ["-o", f"Dir::State::Lists={private / 'lists'}", "-o", f"Dir::Cache={private / 'cache'}"]
    if not _offers(package, options):
        tell("apt's package lists are empty or lack it: fetching lists of our own (some 20 s)")
        _run(["apt-get", *options, "-q", "update"], private)
    if not _offers(package, options):
        raise StackError(f"the package sources of this system offer no {package}")
    return options


def _wanted(package: str, options: Sequence[str]) -> list[str]:
    """The packages to unpack: the one itself, and of what it depends on what the system lacks."""
    if package != "postgresql":
        return [package, *_page_packages(package, options)]
    lines = _run(["apt-cache", *options, "depends", package], Path()).split()
    server = next((line for line in lines if re.fullmatch(r"postgresql-\d+", line)), None)
    if server is None:
        raise StackError(f"Debian's package {package} depends on no server")
    return [
        server,
        *(each for each in _depends(server, options) if each.startswith("lib") and not _is_installed(each)),
    ]


def _is_installed(package: str) -> bool:
    words = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # fixed words
    return done.stdout.startswith("installed")


def _depends(package: str, options: Sequence[str]) -> list[str]:
    """All that `package` depends on, at any depth."""
    leave = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    words = ["depends", "--recurse", *(f"--no-{each}" for each in leave), package]
    return _run(["apt-cache", *options, *words], Path()).splitlines()


def _page_packages(package: str, options: Sequence[str]) -> list[str]:
    """The packages with scripts, styles and fonts that `package` depends on, at any depth."""
    return sorted({line for line in _depends(package, options) if line.startswith(_PAGE_PARTS)})


def _offers(package: str, options: Sequence[str]) -> bool:
    found = subprocess.run(  # noqa: S603  # fixed words
        ["apt-cache", *options, "show", "--no-all-versions", package],  # noqa: S607  # found by shutil.which
        capture_output=True,
        text=True,
        check=False,
    )
    return found.returncode == 0 and "Filename:" in found.stdout


def _run(command: Sequence[str], directory: Path) -> str:
    """Run a command and return what it prints; StackError with its last error when it fails."""
    try:
        done = subprocess.run(  # noqa: S603  # fixed words and our own paths
            command, cwd=directory, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(
            f"{command[0]} took more than {_TIMEOUT_SECONDS} s: is the network there?"
        ) from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("E:")] or ["it said nothing"]
        raise StackError(f"{command[0]} failed: {lines[-1]}")
    return done.stdout
