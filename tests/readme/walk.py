"""A text that can be typed as it stands, typed: the commands and files of a README's section, in their order.

A fenced block of `sh` is typed into a shell; any other block is written to the file whose name in backquotes,
with a colon, is the paragraph before it. Nothing else of the text counts.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from waiting import patience

COMMAND_SECONDS = 180
_BLOCK = re.compile(
    r"(?:^`(?P<path>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


class WalkError(AssertionError):
    """The text cannot be followed; the message says at which block, and what came of it."""


@dataclass(frozen=True, slots=True)
class Step:
    """A block: commands, or the text of the file at `path` below the directory in which they are typed."""

    text: str
    path: str | None = None


def section(markdown: str, heading: str) -> str:
    """The text below a heading of the second level, up to the next one; raises WalkError if there is none.

    What looks like a heading inside of a block is none.
    """
    found: list[str] | None = None
    in_block = False
    for line in markdown.splitlines(keepends=True):
        in_block ^= line.startswith("```")
        if line.startswith("## ") and not in_block:
            if found is not None:
                break
            if line.rstrip() == f"## {heading}":
                found = []
        elif found is not None:
            found.append(line)
    if found is None:
        raise WalkError(f"no section is called {heading!r}")
    return "".join(found)


def steps(text: str) -> list[Step]:
    """The blocks of a text; raises WalkError for one that is neither commands nor a file with a name."""
    found = []
    for match in _BLOCK.finditer(text):
        if (match["kind"] == "sh") == (match["path"] is not None):
            raise WalkError(
                f"a block of {match['kind']} needs a path before it, one of sh must have none:\n{match[0]}"
            )
        found.append(Step(match["text"], match["path"]))
    return found


class Walk:
    """Follows steps in `directory`; `moved` are words of the text that are others here, such as ports."""

    def __init__(
        self, steps: Sequence[Step], directory: Path, moved: Mapping[str, str], environment: Mapping[str, str]
    ) -> None:
        self._steps = list(steps)
        self._directory = directory
        self._moved = moved
        self._environment = environment
        self._sessions: list[int] = []

    def until(self, words: str) -> str:
        """Take all steps up to the next one that holds these words, and return what that one printed."""
        while self._steps:
            step = self._steps.pop(0)
            printed = self._take(step)
            if words in step.text or words == step.path:
                return printed
        raise WalkError(f"no step with {words!r} is left")

    @property
    def is_over(self) -> bool:
        """Whether every step was taken."""
        return not self._steps

    def type(self, commands: str) -> str:
        """Type commands that are no part of the text."""
        return self._take(Step(commands))

    def _take(self, step: Step) -> str:
        text = re.sub("|".join(map(re.escape, self._moved)), lambda match: self._moved[match[0]], step.text)
        if step.path is not None:
            path = self._directory / step.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return ""
        with tempfile.TemporaryFile() as output:  # a pipe would be held open by what stays in the background
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", text],
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # what it leaves in the background is ended with its session
            )
            self._sessions.append(process.pid)
            code = process.wait(timeout=patience(COMMAND_SECONDS))
            output.seek(0)
            printed = output.read().decode(errors="replace")
        if code:
            raise WalkError(f"exit code {code} of\n{text}\n{printed}")
        return printed

    def end(self) -> None:
        """End what the commands left in the background."""
        for session in self._sessions:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(session, signal.SIGTERM)


def copy_of(root: Path, target: Path) -> None:
    """Copy what is in version control, or could be; lend the copy the environment and fetched programs."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    for name in filter(None, listed):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)
    (target / ".venv").symlink_to(root / ".venv")
    cache = root / ".run" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (target / ".run").mkdir()
    (target / ".run" / "cache").symlink_to(cache)


@contextlib.contextmanager
def following(walk: Walk) -> Iterator[Walk]:
    """The walk; at the end, whatever happened, nothing of it runs on."""
    try:
        yield walk
    finally:
        walk.end()
        with contextlib.suppress(WalkError):
            walk.type("make clean YES=1")
