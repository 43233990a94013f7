"""CHANGELOG.md: what is under Unreleased becomes the section of a version."""

from __future__ import annotations

import datetime as dt
import re

from release.version import Version
from stack.errors import StackError

FILE = "CHANGELOG.md"
_UNRELEASED = "## Unreleased"
_SECTION = re.compile(r"^## ", re.MULTILINE)


def cut(text: str, version: Version, day: dt.date) -> str:
    """The changelog with a section for the version, and an empty Unreleased above it; StackError."""
    before, changes, after = _parts(text)
    if not re.search(r"^- ", changes, re.MULTILINE):
        raise StackError(
            f"{FILE}: nothing is under {_UNRELEASED}", "say there what has changed for users, then try again"
        )
    if re.search(rf"^## {re.escape(str(version))}\b", after, re.MULTILINE):
        raise StackError(f"{FILE}: has a section {version} already", "take the next version")
    return f"{before}{_UNRELEASED}\n\n## {version} - {day.isoformat()}\n\n{changes}{after}"


def section(text: str, version: Version) -> str:
    """What a version changed, without its heading."""
    found = re.search(rf"^## {re.escape(str(version))} - .*\n", text, re.MULTILINE)
    if found is None:
        raise StackError(f"{FILE}: has no section {version}")
    rest = text[found.end() :]
    end = _SECTION.search(rest)
    return (rest[: end.start()] if end else rest).strip() + "\n"


def _parts(text: str) -> tuple[str, str, str]:
    """What is above Unreleased, in it, and below it."""
    begins = [match.start() for match in re.finditer(rf"^{_UNRELEASED}$", text, re.MULTILINE)]
    if len(begins) != 1:
        raise StackError(f"{FILE}: {len(begins)} sections {_UNRELEASED}", f"have one: {_UNRELEASED}")
    start = begins[0] + len(_UNRELEASED)
    end = _SECTION.search(text, start)
    below = end.start() if end else len(text)
    return text[: begins[0]], text[start:below].strip("\n") + "\n" + ("\n" if end else ""), text[below:]
