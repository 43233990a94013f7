"""The causes that scenarios begin and end: faults of the demo-app, and those that lie elsewhere.

Each is a context manager that ends what it began, whatever happens in between. `everything_ended` ends all of
them, also what an earlier run that was killed has left.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import yaml
from docker.errors import DockerException

from alerts.ahead import store_ahead
from e2e.live import Stack
from e2e.stack_under_test import ROOT, StackCommand, read_env_file
from waiting import patience

FAULT_SECONDS = 3600
"""A fault ends by itself after so long, if nobody is left to end it."""

SPECIAL = frozenset(
    {
        "always firing",
        "failing rule",
        "broken configuration",
        "mail refused",
        "sla-worker held",
        "cause silenced",
        "target removed",
        "broken target file",
        "broken definitions",
        "rows of the future",
        "answers in part",
    }
)
"""The causes that are no faults of the demo-app."""

NOT_TO_BE_HAD = (AssertionError, httpx.HTTPError, OSError, DockerException, ValueError)
"""What is raised when a service is gone: by the launcher, by HTTP, by files, by Docker, by its container."""

PROOF = "the proof of alerts"
"""Who makes the silences."""
BROKEN = "proof-broken.yml"
FAILING_RULE = """\
# Made by the proof of alerts, and removed by it: each evaluation finds two series where one must be.
groups:
  - name: proof
    rules:
      - record: proof:broken
        expr: up * on () (up or vector(1))
"""
BROKEN_RULE = """\
# Made by the proof of alerts, and removed by it: Prometheus cannot load this.
groups:
  - name: proof
    rules:
      - record: proof:broken
        expr: this is no expression
"""
REMOVED_JOB = "alertmanager"
"""Whose target is taken out of the configuration: it is in every stack. MonitoringMetricsAbsent fires too."""
GONE_STORE = {"url": "http://127.0.0.1:9/read", "read_recent": True, "remote_timeout": "2s"}
"""A store beside Prometheus' own, at a port where nobody listens: every answer is one in part."""
KEPT = "prometheus.yml.kept-by-the-proof"
BROKEN_TARGETS = "# Made by the proof of alerts, and removed by it.\n- targets: [unclosed\n"
BROKEN_DEFINITIONS = "# Made by the proof of alerts, and removed by it{}.\nteam: proof\nslas: [unclosed\n"
WITH_DIRECTORY = ", with its directory"
"""Where no team had a file: an empty directory would say that no team has SLAs any more."""
AHEAD_SECONDS, AHEAD_PATIENCE_SECONDS = 900.0, 15.0
"""How far rows of the future reach, in true time and in what nobody compresses: the alert is told before."""


class Causes:
    """Begins causes on one stack."""

    def __init__(self, stack: Stack, command: StackCommand) -> None:
        self._stack = stack
        self._command = command
        self._services = command.services()
        self._special: Mapping[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
            "always firing": contextlib.nullcontext,
            "failing rule": lambda: self._rule_file(FAILING_RULE),
            "broken configuration": lambda: self._rule_file(BROKEN_RULE),
            "mail refused": self._mail_refused,
            "sla-worker held": lambda: self._held("sla-worker"),
            "cause silenced": lambda: self._silenced("MultipleWorkersDown"),
            "target removed": lambda: self._configuration(_without_a_job),
            "broken target file": self._target_file,
            "broken definitions": self._definitions_file,
            "rows of the future": self._ledger_ahead,
            "answers in part": lambda: self._configuration(_with_a_store_that_is_gone),
        }
        assert self._special.keys() == SPECIAL

    @contextlib.contextmanager
    def begun(self, faults: Mapping[str, float], special: str | None) -> Iterator[None]:
        """Begin the faults and the special cause; end them at the exit."""
        with contextlib.ExitStack() as ends:
            if special is not None:
                ends.enter_context(self._special[special]())
            for name, intensity in faults.items():
                ends.callback(self._stack.end_fault, name)
                self._stack.start_fault(name, intensity, FAULT_SECONDS)
            yield

    @contextlib.contextmanager
    def _rule_file(self, text: str) -> Iterator[None]:
        path = self._rules() / BROKEN
        try:
            path.write_text(text, encoding="utf-8")
            path.chmod(0o644)
            self._services.reload("prometheus")
            yield
        finally:
            path.unlink(missing_ok=True)
            self._services.reload("prometheus")

    @contextlib.contextmanager
    def _target_file(self) -> Iterator[None]:
        path = self._rules().parent / "targets" / BROKEN
        try:
            path.write_text(BROKEN_TARGETS, encoding="utf-8")
            path.chmod(0o644)
            yield
        finally:
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _definitions_file(self) -> Iterator[None]:
        """Break off a team's file in its middle; the sla-worker reads its files when it starts."""
        path = self._definitions() / BROKEN
        try:
            if made := not path.parent.exists():
                path.parent.mkdir()
                path.parent.chmod(0o755)
            path.write_text(BROKEN_DEFINITIONS.format(WITH_DIRECTORY if made else ""), encoding="utf-8")
            path.chmod(0o644)
            self._services.restart("sla-worker")
            yield
        finally:
            self._definitions_file_removed()

    def _definitions_file_removed(self) -> None:
        path = self._definitions() / BROKEN
        if not path.exists():
            return
        made = WITH_DIRECTORY in path.read_text(encoding="utf-8")
        path.unlink()
        if made and not any(path.parent.iterdir()):
            path.parent.rmdir()
        self._services.restart("sla-worker")

    def _definitions(self) -> Path:
        """Where teams have their files of definitions, whether it is there or not."""
        directory = read_env_file(self._command.env_file).get("SLA_DEFINITIONS_DIR") or "./sla-worker"
        return (ROOT / directory).resolve() / "sla.d"

    @contextlib.contextmanager
    def _ledger_ahead(self) -> Iterator[None]:
        """Give the sla-worker its own ledger with rows of the future in it.

        Nobody takes them out, and a run that is killed leaves nothing to fix: each slot is measured again
        when its time comes. The ledger as it was before stays beside it, as after any restore.
        """
        ahead = self._stack.seconds(AHEAD_SECONDS) + patience(AHEAD_PATIENCE_SECONDS)
        zone = read_env_file(self._command.env_file).get("REPORT_TIMEZONE") or "UTC"
        with tempfile.TemporaryDirectory() as directory:
            ledger = Path(directory) / "ledger.db"
            self._command.backup(ledger)
            store_ahead(ledger, now=time.time(), seconds=ahead, zone=ZoneInfo(zone))
            self._command.restore(ledger)
        yield

    @contextlib.contextmanager
    def _configuration(self, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[None]:
        """Change prometheus.yml; the file is put back byte for byte."""
        path = self._rules().parent / "prometheus.yml"
        kept = path.with_name(KEPT)
        try:
            kept.write_bytes(path.read_bytes())
            tree = changed(yaml.safe_load(path.read_text(encoding="utf-8")))
            path.write_text(yaml.safe_dump(tree), encoding="utf-8")
            self._services.reload("prometheus")
            yield
        finally:
            self._put_back(path)

    def _put_back(self, path: Path) -> None:
        """Write the kept configuration back, in place, as some containers have the file itself mounted."""
        kept = path.with_name(KEPT)
        if kept.exists():
            path.write_bytes(kept.read_bytes())
            kept.unlink()
            self._services.reload("prometheus")

    def _rules(self) -> Path:
        """Where Prometheus finds its rule files: as it says itself if that is here, else what is mounted.

        A process says it relative to where it runs.
        """
        flags = self._stack.get(f"{self._stack.prometheus}/api/v1/status/flags")["data"]
        said: str = flags["config.file"]
        file = self._command.local_directory / said
        if ROOT in file.parents:
            return file.parent / "rules"
        directory = read_env_file(self._command.env_file).get("PROMETHEUS_CONFIG_DIR") or "./prometheus"
        return (ROOT / directory).resolve() / "rules"

    @contextlib.contextmanager
    def _mail_refused(self) -> Iterator[None]:
        try:
            self._stack.refuse_mail()
            yield
        finally:
            self._stack.accept_mail()

    @contextlib.contextmanager
    def _held(self, service: str) -> Iterator[None]:
        try:
            self._services.hold(service)
            yield
        finally:
            self._services.release(service)

    @contextlib.contextmanager
    def _silenced(self, alertname: str) -> Iterator[None]:
        try:
            self._stack.silence(alertname, by=PROOF)
            yield
        finally:
            self._stack.end_silences(by=PROOF)

    def everything_ended(self) -> None:
        """End whatever a cause may have left: held processes, broken files, Jim, faults. Never raises.

        What cannot be ended because it does not answer is gone with what does not answer.
        """
        with contextlib.suppress(*NOT_TO_BE_HAD):
            self._services.release("sla-worker")
        with contextlib.suppress(*NOT_TO_BE_HAD):
            rules = self._rules()
            (rules.parent / "targets" / BROKEN).unlink(missing_ok=True)
            self._put_back(rules.parent / "prometheus.yml")
            path = rules / BROKEN
            if path.exists():
                path.unlink()
                self._services.reload("prometheus")
        with contextlib.suppress(*NOT_TO_BE_HAD):
            self._definitions_file_removed()
        with contextlib.suppress(httpx.HTTPError):
            self._stack.accept_mail()
        with contextlib.suppress(httpx.HTTPError):
            self._stack.end_silences(by=PROOF)
        with contextlib.suppress(httpx.HTTPError):
            self._stack.clear_faults()


def _without_a_job(tree: dict[str, Any]) -> dict[str, Any]:
    jobs = [job for job in tree["scrape_configs"] if job["job_name"] != REMOVED_JOB]
    assert len(jobs) < len(tree["scrape_configs"]), f"prometheus.yml has no job {REMOVED_JOB}"
    return tree | {"scrape_configs": jobs}


def _with_a_store_that_is_gone(tree: dict[str, Any]) -> dict[str, Any]:
    return tree | {"remote_read": [*tree.get("remote_read", ()), GONE_STORE]}
