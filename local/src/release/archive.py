"""The source archive of a release: the same bytes from the same commit, on every machine."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
from pathlib import Path

from release.repository import Repository
from stack.errors import StackError

SUMS = "SHA256SUMS"


def write(repository: Repository, commit: str, name: str, target: Path) -> None:
    """All files of a commit below the directory `name`, as .tar.gz.

    git gives each file the time of the commit and no owner; gzip is written without a time or name.
    """
    command = ["git", "-C", str(repository.root), "-c", "tar.umask=0022", "archive", "--format=tar"]
    done = subprocess.run([*command, f"--prefix={name}/", commit], capture_output=True, check=False)  # noqa: S603  # git
    if done.returncode:
        raise StackError(f"git archive: {done.stderr.decode(errors='replace').strip()}")
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0, compresslevel=9) as file:
        file.write(done.stdout)
    target.write_bytes(packed.getvalue())


def sums(directory: Path, names: list[str]) -> str:
    """As `sha256sum` writes them, and `sha256sum --check` reads them."""
    lines = []
    for name in sorted(names):
        digest = hashlib.sha256((directory / name).read_bytes()).hexdigest()
        lines.append(f"{digest}  {name}\n")
    return "".join(lines)
