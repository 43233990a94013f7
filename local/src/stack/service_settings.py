"""The settings of our own services: each says what it would refuse, while the one that runs still runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from stack import checks, composefile
from stack.errors import StackError
from stack.settings import Instance

_MODULES = {"demo-app": "demo_app", "sla-worker": "sla_worker"}
_DATABASE = "SLA_DATABASE_PATH"
_WORDS = re.compile(r"error: (?P<error>.*?)(?:\nfix: +(?P<fix>.*))?\s*", re.DOTALL)


def check(instance: Instance, database: Path | None = None) -> None:
    """Raise StackError with every service's words about a setting that it would end with.

    `database` is the ledger's file, where it is on this machine: its slots must be as long as those of the
    settings.
    """
    problems = [
        words
        for service, module in _MODULES.items()
        if service in instance.services and (instance.root / service / "src" / module).is_dir()
        if (words := _refusal(instance, service, module, _given(instance, service, database)))
    ]
    if problems:
        fixes = [fix for _, fix in problems if fix]
        raise StackError(
            "\n".join(error for error, _ in problems),
            f"{fixes[0] if fixes else 'change it'} ({checks.shown(instance.env_file, instance.root)})",
        )


def _given(instance: Instance, service: str, database: Path | None) -> dict[str, composefile.Given]:
    found = composefile.given(instance.compose_files, instance.variables, service)
    if service == "sla-worker" and database is not None:
        found[_DATABASE] = composefile.Given(str(database), _DATABASE)
    return found


def _refusal(
    instance: Instance, service: str, module: str, given: dict[str, composefile.Given]
) -> tuple[str, str | None] | None:
    """What the service says of its settings, error and fix, by the names that the settings have here."""
    done = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-m", module, "--check"],
        env=checks.bare_environment()
        | {"PYTHONPATH": str(instance.root / service / "src")}
        | {name: each.value for name, each in given.items()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode == 0:
        return None
    words = done.stderr.strip()
    for name, each in given.items():
        words = re.sub(rf"\b{name}\b", each.variable, words)
    match = _WORDS.fullmatch(words)
    if match is None:
        return f"{service} refuses its settings: {words}", None
    error, _, fix = match["error"].partition("; ")  # the sla-worker says both in one line
    return error, match["fix"] or fix or None
