"""Settings, rules and Prometheus' configuration must agree: otherwise every figure of the SLAs is wrong."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from stack import checks
from stack.errors import StackError
from stack.settings import Instance
from stack.yaml_nodes import documents, line, text, value

SLOT = "SLA_INTERVAL_SECONDS"
SCRAPE = "SLA_SCRAPE_INTERVAL_SECONDS"
_DEFAULT_INTERVAL = "1m"
_GENERATE = "make generate, then the same again"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
_PART = re.compile(r"(\d+)(ms|[smhdwy])")


def check_intervals(instance: Instance) -> None:
    """Raise StackError unless Prometheus scrapes and evaluates as often as the settings say.

    A slot's coverage is the share of its scrapes that were seen: with another interval it is wrong in every
    slot.
    """
    path = checks.directories(instance)["prometheus"] / "prometheus.yml"
    document = next(documents(path), None)
    wanted = instance.env[SCRAPE]
    lines = []
    for name in ("scrape_interval", "evaluation_interval"):
        node = value(document, "global", name)
        found = text(node) or _DEFAULT_INTERVAL
        if not wanted.isdigit() or seconds(found) != int(wanted):
            place = f":{line(node)}" if node is not None else ""
            lines.append(
                f"{checks.shown(path, instance.root)}{place}: {name} is {found}, but {SCRAPE}={wanted}"
            )
    if lines:
        raise StackError(
            "\n".join(lines),
            f"write the same time in all three ({SCRAPE} is in {instance.env_file}), then make generate",
        )


def seconds(duration: str) -> float | None:
    """A duration in Prometheus' form (1m30s) in seconds; None when it is not one."""
    if not _DURATION.fullmatch(duration):
        return None
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(duration))


def check_rules(instance: Instance) -> bool:
    """Ask the sla-worker whether its rules fit its definitions and settings; False where it is not there.

    Raises StackError when they do not fit, or the definitions are wrong.
    """
    if not _is_there(instance):
        return False
    done = _generator(instance, "--check")
    if done.returncode:
        raise _refusal(done, instance)
    return True


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


def generate(instance: Instance) -> str:
    """Have the sla-worker write the rules that fit definitions and settings; return what it says.

    Raises StackError with its words when it refuses.
    """
    done = _generator(instance)
    if done.returncode:
        raise _refusal(done, instance)
    return _words(done, instance)


def _refusal(done: subprocess.CompletedProcess[str], instance: Instance) -> StackError:
    """What the generator refused, and its fix, which it says after the last semicolon."""
    words, _, fix = _words(done, instance).rpartition("; ")
    return StackError(words or fix, _GENERATE if "`make generate`" in fix else fix if words else None)


def _is_there(instance: Instance) -> bool:
    return (instance.root / "sla-worker" / "src" / "sla_worker" / "cli.py").exists()


def _words(done: subprocess.CompletedProcess[str], instance: Instance) -> str:
    """What the generator said, its files as a person in the bundle's directory would write them."""
    words = (done.stderr or done.stdout).strip().removeprefix("error: ")
    return words.replace(f"{instance.root}/", "")


def _generator(instance: Instance, *words: str) -> subprocess.CompletedProcess[str]:
    directories = checks.directories(instance)
    environment = checks.bare_environment() | {
        "PYTHONPATH": "src",
        "SLA_DEFINITIONS": str(directories["definitions"] / "sla_thresholds.yml"),
        SLOT: instance.env[SLOT],
        SCRAPE: instance.env[SCRAPE],
    }
    output = file_of_rules(directories["prometheus"])
    return subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-m", "sla_worker.cli", "generate", "--output", str(output), *words],
        cwd=instance.root / "sla-worker",
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def file_of_rules(directory: Path) -> Path:
    """Where the generated rules are, below the directory of prometheus.yml."""
    return directory / "rules" / "sla" / "recording.yml"
