"""Definitions, settings and dashboards must agree: otherwise what is shown is not what is measured."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys

import yaml

from stack import checks
from stack.errors import StackError
from stack.settings import Instance

SLOT = "SLA_INTERVAL_SECONDS"
SCRAPE = "SLA_SCRAPE_INTERVAL_SECONDS"
_FINDING = re.compile(r"^error: (.+)\nfix: +(.+)$", re.MULTILINE)
_GENERATE = "make generate, then the same again"


def check_definitions(instance: Instance) -> bool:
    """Ask the sla-worker whether it takes its definitions and settings; False where it is not there.

    Raises StackError with its words when it refuses.
    """
    if not (instance.root / "sla-worker" / "src" / "sla_worker" / "cli.py").exists():
        return False
    done = _lint(instance)
    if done.returncode:
        raise _refusal(done, instance)
    return True


def _refusal(done: subprocess.CompletedProcess[str], instance: Instance) -> StackError:
    """Each finding of the linter in a line, with its fix; one alone is told as our own errors are."""
    found = _FINDING.findall(done.stdout.replace(f"{instance.root}/", ""))
    if len(found) == 1:
        return StackError(*found[0])
    if found:
        return StackError("\n".join("; ".join(each) for each in found), "put these lines right, all of them")
    words, _, fix = _words(done, instance).rpartition("; ")
    return StackError(words or fix, fix if words else None)


def check_dashboards(instance: Instance) -> bool:
    """Whether the dashboards are made from the definitions; False where others are used, or none are there.

    Raises StackError when they were made from what the definitions said before. Reads a record that the
    dashboards' code writes: the code itself needs more packages than a stack.
    """
    definitions = instance.root / "sla-worker" / "sla_thresholds.yml"
    record = instance.root / "grafana" / "dashboards" / "made-from.json"
    if checks.directories(instance)["definitions"] != definitions.parent or not record.is_file():
        return False
    said = json.dumps(
        yaml.safe_load(definitions.read_text(encoding="utf-8-sig")), sort_keys=True, default=str
    )
    name = checks.shown(definitions, instance.root)
    if (
        record.read_text(encoding="utf-8")
        != json.dumps({name: hashlib.sha256(said.encode()).hexdigest()}) + "\n"
    ):
        raise StackError(f"the dashboards are stale: {name} has changed since they were made", _GENERATE)
    return True


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
