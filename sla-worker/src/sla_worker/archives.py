"""Has the evidence of months written by a child process: it takes more memory than the worker may have.

An archive is made once and kept in a directory of this process, a few of them; the child has checked it
before it has its name.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sla_worker.errors import SLAWorkerError
from sla_worker.model import FrozenMonth

_log = logging.getLogger(__name__)
_COMMAND = (sys.executable, "-m", "sla_worker.cli")
_LIMIT_SECONDS = 900.0  # 3,600 SLAs take some minutes
_WAIT_SECONDS = 10.0
_KEPT = 4
_MOST_WORDS = 500


class BeingMadeError(SLAWorkerError):
    """The archive is not ready yet."""


@dataclass(eq=False)
class _Job:
    target: Path
    ended: threading.Event = field(default_factory=threading.Event)
    trouble: str | None = None


class Archives:
    """Made by one child at a time. `command` runs a command of the sla-worker."""

    def __init__(
        self,
        *,
        command: Sequence[str] = _COMMAND,
        limit_seconds: float = _LIMIT_SECONDS,
        wait_seconds: float = _WAIT_SECONDS,
    ) -> None:
        self._command = command
        self._limit_seconds = limit_seconds
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._waiting = threading.Lock()
        self._jobs: dict[str, _Job] = {}

    @cached_property
    def _directory(self) -> Path:
        import atexit  # noqa: PLC0415 - only who downloads evidence needs them
        import shutil  # noqa: PLC0415
        import tempfile  # noqa: PLC0415

        try:
            made = Path(tempfile.mkdtemp(prefix="sla-evidence-"))
        except OSError as error:
            raise SLAWorkerError(f"no directory for evidence can be made ({error}); set TMPDIR") from error
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        return made

    def get(self, month: FrozenMonth) -> Path:
        """The archive of a revision. Raises BeingMadeError, and SLAWorkerError for what cannot be made."""
        job = self._job(month)
        if not self._ended(job):
            raise BeingMadeError(f"the evidence of {month.month} is being made; ask again in a moment")
        if job.trouble is not None:
            raise SLAWorkerError(job.trouble)
        return job.target

    def _ended(self, job: _Job) -> bool:
        """Whether it is made by now. One request waits for it, so that others find a thread of the server."""
        if not self._waiting.acquire(blocking=False):
            return job.ended.is_set()
        try:
            return job.ended.wait(self._wait_seconds)
        finally:
            self._waiting.release()

    def _job(self, month: FrozenMonth) -> _Job:
        name = f"{month.month}-r{month.revision}-{month.sha256}"
        with self._lock:
            known = self._jobs.get(name)
            if known is not None and not (known.ended.is_set() and self._is_lost(known)):
                return known
            busy = [each for each in self._jobs.values() if not each.ended.is_set()]
            if busy:
                raise BeingMadeError("the evidence of another month is being made; ask again in a moment")
            self._forget_old(name)
            job = self._jobs[name] = _Job(self._directory / f"{name}.zip")
            threading.Thread(target=self._make, args=(job, month), name="evidence", daemon=True).start()
            return job

    @staticmethod
    def _is_lost(job: _Job) -> bool:
        """Whether it is to be tried again: it failed, or somebody cleared the directory."""
        return job.trouble is not None or not job.target.is_file()

    def _forget_old(self, name: str) -> None:
        self._jobs.pop(name, None)
        while len(self._jobs) >= _KEPT:
            oldest = next(iter(self._jobs))
            self._jobs.pop(oldest).target.unlink(missing_ok=True)

    def _make(self, job: _Job, month: FrozenMonth) -> None:
        try:
            job.trouble = self._run(job, month)
        except Exception:  # noqa: BLE001 - whatever it is, who waits must be told
            _log.exception("evidence failed unexpectedly month=%s", month.month)
            job.trouble = "an error of the sla-worker; its log has the details"
        finally:
            job.ended.set()

    def _run(self, job: _Job, month: FrozenMonth) -> str | None:
        import subprocess  # noqa: PLC0415 - our own program

        command = [*self._command, "evidence", month.month, "--revision", str(month.revision), "--force"]
        here = str(Path(__file__).resolve().parents[1])
        found = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        try:
            run = subprocess.run(  # noqa: S603 - likewise
                [*command, "--output", str(job.target)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(found)},
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=self._limit_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            limit = f"{self._limit_seconds:g} s"
            return f"the evidence of {month.month} took longer than {limit}; `sla evidence` writes it"
        except OSError as error:
            return f"the program that writes evidence could not be started: {error}"
        if run.returncode == 0:
            return None
        said = run.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        words = next((each for each in said if each.startswith("error: ")), said[-1])
        _log.error("evidence failed month=%s error=%s", month.month, words)
        return words.removeprefix("error: ")[:_MOST_WORDS]
