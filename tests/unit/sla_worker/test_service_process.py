"""The service as a process: it starts, answers, refuses a twin, and ends at once when told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ports import bound, free_port
from waiting import patience, poll

SHIPPED = Path(__file__).parents[3] / "sla-worker" / "sla_thresholds.yml"


def start(directory: Path, port: int, prometheus_port: int) -> subprocess.Popen[bytes]:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": ":".join(sys.path),
        "SLA_DATABASE_PATH": str(directory / "sla.db"),
        "SLA_DEFINITIONS": str(SHIPPED),
        "SLA_WORKER_PORT": str(port),
        "PROMETHEUS_URL": f"http://127.0.0.1:{prometheus_port}",
    }
    return subprocess.Popen([sys.executable, "-m", "sla_worker"], env=environ, stderr=subprocess.PIPE)


@pytest.mark.parametrize("hangs", [False, True])
def test_it_ends_within_five_seconds_even_while_prometheus_hangs(tmp_path: Path, *, hangs: bool) -> None:
    port, silent = free_port(), bound()
    if hangs:
        silent.listen()  # takes connections and never answers
    process = start(tmp_path, port, silent.getsockname()[1])

    def answers() -> int | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as response:
                return int(response.status)
        except urllib.error.URLError:
            return None

    try:
        assert poll(answers, "the service to answer", seconds=30) == 200
        twin = start(tmp_path, free_port(), 1)
        _, complaint = twin.communicate(timeout=patience(20))
        assert twin.returncode == 1
        assert f"process {process.pid} already writes to it" in complaint.decode()
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=patience(20))
        assert time.monotonic() - begun < 5
        assert process.returncode == 0, log
    finally:
        process.kill()
        process.communicate()
        silent.close()
