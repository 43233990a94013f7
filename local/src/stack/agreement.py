"""Definitions, settings and dashboards must agree: otherwise what is shown is not what is measured."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from stack import checks
from stack.errors import StackError
from stack.settings import Instance

SLOT = "SLA_INTERVAL_SECONDS"
SCRAPE = "SLA_SCRAPE_INTERVAL_SECONDS"
_FINDING = re.compile(r"^error: (.+)\nfix: +(.+)$", re.MULTILINE)
_GENERATE = "make generate, then the same again"


def check_definitions(instance: Instance, warn: Callable[[str], None] | None = None) -> bool:
    """Ask the sla-worker whether it takes its definitions and settings; False where it is not there.

    Raises StackError with its words when it refuses. With `warn` a mistake in a team's file is said instead:
    it does not keep the others from starting.
    """
    if not (instance.root / "sla-worker" / "src" / "sla_worker" / "cli.py").exists():
        return False
    done = _lint(instance)
    if done.returncode:
        if warn is None or not (mistakes := _of_teams(done, instance)):
            raise _refusal(done, instance)
        for what, fix in mistakes:
            warn(f"{what}; {fix}. Until then what this file said before goes on")
    return True


def _of_teams(done: subprocess.CompletedProcess[str], instance: Instance) -> list[tuple[str, str]]:
    """The findings of the linter, if all of them are about files of teams; else nothing."""
    found = _FINDING.findall(done.stdout)
    directory = str(checks.team_directory(instance))
    if not all(what.startswith(directory) for what, _ in found):
        return []
    return [(what.replace(f"{instance.root}/", ""), fix) for what, fix in found]


def _refusal(done: subprocess.CompletedProcess[str], instance: Instance) -> StackError:
    """Each finding of the linter in a line, with its fix; one alone is told as our own errors are."""
    found = _FINDING.findall(done.stdout.replace(f"{instance.root}/", ""))
    if len(found) == 1:
        return StackError(*found[0])
    if found:
        return StackError("\n".join("; ".join(each) for each in found), "put these lines right, all of them")
    words, _, fix = _words(done, instance).rpartition("; ")
    return StackError(words or fix, fix if words else None)


def check_dashboards(instance: Instance, warn: Callable[[str], None] | None = None) -> bool:
    """Whether the dashboards are made from the definitions; False where others are used, or none are there.

    Raises StackError when they were made from what the definitions said before; with `warn` that is said
    instead where the files of teams alone have changed. Reads a record that the dashboards' code writes: the
    code itself needs more packages than a stack.
    """
    definitions = instance.root / "sla-worker" / "sla_thresholds.yml"
    record = instance.root / "grafana" / "dashboards" / "made-from.json"
    if checks.directories(instance)["definitions"] != definitions.parent or not record.is_file():
        return False
    name = checks.shown(definitions, instance.root)
    made = _record(record, instance)
    now = {
        checks.shown(each, instance.root): _digest(each)
        for each in (definitions, *checks.team_files(instance))
    }
    if made == now:
        return True
    changed = sorted(each for each in made.keys() | now.keys() if made.get(each) != now.get(each))
    words = f"the dashboards are stale: {' and '.join(changed)} changed since they were made"
    if len(changed) == 1 and changed[0] in now and changed[0] in made:
        words = f"the dashboards are stale: {changed[0]} has changed since they were made"
    if warn is None or name in changed:
        raise StackError(words, _GENERATE)
    warn(f"{words}; run make generate")
    return False


def _record(file: Path, instance: Instance) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:  # as a merge with a conflict leaves it
        found = None
    if not isinstance(found, dict):
        raise StackError(
            f"{checks.shown(file, instance.root)} cannot be read: a merge may have changed it", _GENERATE
        )
    return found


def _digest(file: Path) -> str | None:
    """What a file of definitions says, without comments and layout; None: it is not YAML."""
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError):
        return None
    said = json.dumps(tree, sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def _words(done: subprocess.CompletedProcess[str], instance: Instance) -> str:
    """What the generator said, its files as a person in the bundle's directory would write them."""
    words = (done.stderr or done.stdout).strip().removeprefix("error: ")
    return words.replace(f"{instance.root}/", "")


def _lint(instance: Instance) -> subprocess.CompletedProcess[str]:
    environment = checks.bare_environment() | {
        "PYTHONPATH": "src",
        "SLA_DEFINITIONS": str(checks.directories(instance)["definitions"] / "sla_thresholds.yml"),
        SLOT: instance.env[SLOT],
        SCRAPE: instance.env[SCRAPE],
    }
    return subprocess.run(
        [sys.executable, "-m", "sla_worker.cli", "lint", "--offline"],
        cwd=instance.root / "sla-worker",
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
