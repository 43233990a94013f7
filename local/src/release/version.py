"""The version of the bundle: `pyproject.toml` has it, and the places that cannot read it there repeat it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError

_FORM = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)", re.ASCII)


@dataclass(frozen=True, order=True, slots=True)
class Version:
    """A version as Semantic Versioning has it, without pre-releases."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read `1.2.3`; StackError for anything else."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise StackError(f"not a version: {text!r}", "give three numbers: make release VERSION=1.2.3")
        return cls(*(int(part) for part in match.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def tag(self) -> str:
        """What git calls it."""
        return f"v{self}"


@dataclass(frozen=True, slots=True)
class Place:
    """A file that says the version once, in a line that begins with `before` and has it in quotes."""

    path: str
    before: str

    def read(self, root: Path) -> Version:
        """The version that the file says; StackError when it does not say one."""
        text = (root / self.path).read_text(encoding="utf-8")
        found = self._line.findall(text)
        if len(found) != 1:
            raise StackError(
                f"{self.path}: {len(found)} lines begin with {self.before!r}",
                f'write one: {self.before}"1.2.3"',
            )
        return Version.parse(found[0][1])

    def write(self, root: Path, version: Version) -> None:
        """Put another version in its place."""
        path = root / self.path
        text = path.read_text(encoding="utf-8")
        path.write_text(self._line.sub(rf"\g<1>{version}\g<3>", text), encoding="utf-8")

    @property
    def _line(self) -> re.Pattern[str]:
        return re.compile(rf'^({re.escape(self.before)}")([^"\n]*)(".*)$', re.MULTILINE)


BUNDLE = Place("pyproject.toml", "version = ")
_LABEL = "LABEL org.opencontainers.image.version="
PLACES = (
    BUNDLE,
    Place("sla-worker/src/sla_worker/__init__.py", "__version__ = "),
    Place("demo-app/src/demo_app/__init__.py", "__version__ = "),
    Place("sla-worker/Dockerfile", _LABEL),
    Place("demo-app/Dockerfile", _LABEL),
    Place("mailhog/Dockerfile", _LABEL),
    Place("victoriametrics/Dockerfile", _LABEL),
)
"""Where the version stands: an image is built from its own directory, and a package knows no other one."""


def current(root: Path) -> Version:
    """The version of the bundle in a directory."""
    return BUNDLE.read(root)


def write(root: Path, version: Version) -> list[str]:
    """Put the version in all places; returns their paths."""
    for place in PLACES:
        place.write(root, version)
    return [place.path for place in PLACES]
