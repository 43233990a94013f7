"""What a release asks of git."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from stack.errors import StackError


class Repository:
    """The repository in a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *words: str) -> str:
        """What git says; StackError when it refuses."""
        done = self._run(words)
        if done.returncode:
            line = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise StackError(f"git {words[0]}: {line}")
        return done.stdout.strip()

    def _run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        command = ["git", "-C", str(self.root), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # git

    def changed(self) -> list[str]:
        """Files that are not as the last commit has them, also those that git does not know."""
        return self.git("status", "--porcelain").splitlines()

    def has_tag(self, tag: str) -> bool:
        """Whether there is such a tag."""
        return self._run(["rev-parse", "--verify", "--quiet", f"refs/tags/{tag}"]).returncode == 0

    def setting(self, name: str) -> str | None:
        """A value of git's configuration; None where there is none."""
        done = self._run(["config", "--get", name])
        return done.stdout.strip() or None if done.returncode == 0 else None

    def commit(self, paths: Sequence[str], message: str) -> None:
        """Commit files."""
        self.git("commit", "--quiet", "--message", message, "--", *paths)

    def tag(self, tag: str, message: str, *, signed: bool) -> None:
        """Tag the last commit; StackError when that, or its signature, is refused: then there is no tag."""
        self.git("tag", "--sign" if signed else "--annotate", "--message", message, tag)
        # git 2.39 makes a tag without a signature, and says nothing, when it cannot read a key of ssh.
        if signed and "\n-----BEGIN " not in self.git("cat-file", "tag", tag):
            self.git("tag", "--delete", tag)
            raise StackError("git tag: made no signature", "check git config user.signingKey")
