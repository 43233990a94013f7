"""MailHog, built with the Go toolchain from the module that mailhog/go.mod and go.sum lock."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from stack.errors import StackError

_TIMEOUT_SECONDS = 600


def directory(module: Path, cache: Path) -> Path:
    """Where the MailHog that the lock files of `module` describe is kept: other files, another directory."""
    total = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        file = module / name
        total.update(file.read_bytes() if file.is_file() else b"")
    return cache / "go" / f"mailhog-{total.hexdigest()[:16]}"


def build(module: Path, target: Path, tell: Callable[[str], None]) -> None:
    """Build MailHog to `target`/MailHog.

    Raises StackError with the reason when there is no Go, or the module cannot be fetched or built.
    """
    go = shutil.which("go")
    if go is None:
        raise StackError("cannot be built: Go is not installed")
    tell("building MailHog with Go (a minute or so, once)")
    target.mkdir(parents=True, exist_ok=True)
    part = target / "MailHog.part"
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    command = [go, "build", "-trimpath", "-ldflags=-s -w", "-o", str(part), "github.com/mailhog/MailHog"]
    try:
        done = subprocess.run(  # noqa: S603  # fixed words and our own path
            command,
            cwd=module,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"cannot be built: Go took more than {_TIMEOUT_SECONDS} s") from error
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["it said nothing"]
        raise StackError(f"cannot be built with {go}: {words[-1].strip()}")
    part.replace(target / "MailHog")
