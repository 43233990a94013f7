"""The month of the demonstration: made by the demo-app's own package, and waited for in the ledger."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stack.demo import DAYS
from stack.errors import StackError
from stack.settings import Instance

_CATCH_UP_SECONDS = 600.0
_MISSING = re.compile(r"^sla_slots_missing (\S+)$", re.MULTILINE)
_PASSED = re.compile(r"^sla_worker_last_pass_timestamp_seconds (\S+)$", re.MULTILINE)
_SLOT_SECONDS = re.compile(r"^sla_worker_slot_seconds (\S+)$", re.MULTILINE)
_SLA = re.compile(r"^sla_info\{", re.MULTILINE)

# Without proxies: the worker is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Tools:
    """How promtool is run, with which environment, and by which address Prometheus scrapes each job."""

    promtool: Sequence[str]
    environment: Mapping[str, str]
    targets: Mapping[str, str]


def targets(config: Path) -> dict[str, str]:
    """The address of each job in a directory with Prometheus' configuration."""
    tree = yaml.safe_load((config / "prometheus.yml").read_text(encoding="utf-8"))
    found = {
        each["job_name"]: each["static_configs"][0]["targets"][0]
        for each in tree["scrape_configs"]
        if "static_configs" in each
    }
    for path in sorted((config / "demo" / "targets").glob("*.yml")):
        found[path.stem] = yaml.safe_load(path.read_text(encoding="utf-8"))[0]["targets"][0]
    return found


def make(instance: Instance, directory: Path, tools: Tools, said: Said) -> dict[str, Any]:
    """Write the month into Prometheus' data directory, before it starts; return its story."""
    command = [sys.executable, "-m", "history", str(directory), "--days", str(DAYS)]
    for job, address in tools.targets.items():
        command += ["--target", f"{job}={address}"]
    environment = {**tools.environment, "PYTHONPATH": str(instance.root / "demo-app" / "src")}
    last = ""
    with subprocess.Popen(  # noqa: S603  # our own program
        [*command, "--", *tools.promtool],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        for line in running.stdout or ():
            last = line.strip()
            if not last.startswith("{"):
                said(last)
        error = running.stderr.read() if running.stderr else ""
    if running.returncode or not last.startswith("{"):
        words = (error.strip().splitlines() or ["it said nothing"])[-1].removeprefix("error: ")
        raise StackError(f"the month could not be made: {words}", "make demo-clean, then make demo")
    return dict(json.loads(last))


def wait(
    instance: Instance, said: Said, *, first: bool = False, now: Callable[[], float] = time.monotonic
) -> None:
    """Wait until the sla-worker has read the month, or the `first` that it reads, the newest day."""
    url = f"http://127.0.0.1:{instance.env['SLA_WORKER_PORT']}/metrics"
    began = told = now()
    while True:
        try:
            with _OPENER.open(url, timeout=10) as answer:
                text = answer.read().decode("utf-8", "replace")
        except OSError:
            text = ""  # it is starting, or busy
        left = days_left(text)
        if left is not None and left <= (DAYS - 1 if first else 0):
            return
        if now() - began > _CATCH_UP_SECONDS:
            raise StackError(
                f"the sla-worker has not read the month within {_CATCH_UP_SECONDS:.0f} s",
                "its log: make logs s=sla-worker"
                f" STACK_NAME={instance.name} STACK_ENV_FILE={instance.env_file}",
            )
        if now() - told >= 10:  # noqa: PLR2004  # seconds
            told = now()
            still = "" if left is None else f", {left:.0f} of {DAYS} days are left"
            said(f"the sla-worker reads the month into its ledger, newest days first{still}")
        time.sleep(0.5)


def days_left(metrics: str) -> float | None:
    """How many days of slots the sla-worker has still to read; None before its first pass."""
    missing, passed, slot = (each.search(metrics) for each in (_MISSING, _PASSED, _SLOT_SECONDS))
    slas = len(_SLA.findall(metrics))
    if not (missing and passed and slot and slas) or float(passed[1]) == 0:
        return None
    return float(missing[1]) * float(slot[1]) / 86_400 / slas


def incidents(story: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """The rows of a table: when, how long, what happened, and which SLAs show it."""
    rows = []
    for each in story["incidents"]:
        begin = dt.datetime.fromtimestamp(each["begin"], dt.UTC)
        if each["end"] is None:
            length = "until the start"
        else:
            minutes = (each["end"] - each["begin"]) // 60
            length = f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d}"  # noqa: PLR2004  # an hour
        rows.append((f"{begin:%a %d %b %H:%M}", length, each["title"], ", ".join(each["slas"])))
    return rows
