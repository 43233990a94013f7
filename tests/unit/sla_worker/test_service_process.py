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
from sla_worker.database import SLADatabase
from unit.sla_worker.fake_prometheus import GRID
from unit.sla_worker.smtp_server import Script, mail_server
from waiting import patience, poll

THREE = Path(__file__).parent / "definitions" / "three.yml"


def start(directory: Path, port: int, prometheus_port: int, **more: str) -> subprocess.Popen[bytes]:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": ":".join(sys.path),
        "SLA_DATABASE_PATH": str(directory / "sla.db"),
        "SLA_DEFINITIONS": str(THREE),
        "SLA_WORKER_PORT": str(port),
        "PROMETHEUS_URL": f"http://127.0.0.1:{prometheus_port}",
        **more,
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
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=patience(5)) as response:
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
        assert time.monotonic() - begun < patience(5)
        assert process.returncode == 0, log
    finally:
        process.kill()
        process.communicate()
        silent.close()


def test_a_mail_that_hangs_does_not_delay_the_end(tmp_path: Path) -> None:
    """The mail may take 20 s; what is under way after 3 s is left, and the next start takes it up."""
    database = SLADatabase(tmp_path / "sla.db", grid=GRID)
    database.outbox.owe_report("daily", "daily:2026-03-01", 1_772_323_200, 1_772_355_600)
    database.close()
    with mail_server(Script(greeting=None)) as server:
        process = start(tmp_path, free_port(), 1, SMTP_PORT=str(server.port))
        try:
            poll(lambda: server.connections, "the mail server to be asked", seconds=30)
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=patience(20))
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0
    assert "stopped in the middle of a turn" in log.decode()
