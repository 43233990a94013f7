"""Memory, CPU and disk of the demo-app as a process: at rest, while a fault presses on them, and after it."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from unit.demo_app.test_process import App
from waiting import patience, poll

MIB = 2**20
LIMIT_MIB = 160


class Watched:
    """A demo-app whose jobs run 15 times as often, with what it says of itself; its volume is `data`."""

    def __init__(self, data: Path) -> None:
        self.began = time.time()
        self.app = App(DEMO_TIME_SCALE=15, DEMO_DATA_DIR=data)
        poll(self.app.answers, "the demo-app", seconds=30)

    def value(self, name: str, **labels: str) -> float:
        text = self.app.client.get(f"{self.app.metrics}/metrics").text
        (found,) = [
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if (sample.name, sample.labels) == (name, labels)
        ]
        return found

    def memory_mib(self) -> float:
        """What the kernel says, so that the app's own figure can be held against it."""
        return float(psutil.Process(self.app.process.pid).memory_info().rss) / MIB

    def memory_share(self) -> float:
        return self.value("insa_system_memory_used_bytes") / self.value("insa_system_memory_limit_bytes")

    def disk_share(self) -> float:
        return self.value("insa_system_disk_used_ratio")

    def cpu_share(self, seconds: float) -> float:
        """Let `seconds` pass, and return the CPU time used as a share of the limit.

        The time is taken around both readings: whatever keeps this process waiting makes the share smaller.
        """
        names = "insa_system_cpu_seconds_total", "insa_system_cpu_limit_cores"
        began = time.monotonic()
        before = self.value(names[0])
        poll(
            lambda: time.monotonic() - began,
            "some time",
            seconds=2 * seconds,
            until=lambda passed: passed >= seconds,
        )
        used = self.value(names[0]) - before
        return used / (time.monotonic() - began) / self.value(names[1])

    def fault(self, name: str, **order: float) -> None:
        assert self.app.client.post(f"{self.app.api}/faults/{name}", json=order).status_code == 200

    def end_faults(self) -> None:
        assert self.app.client.delete(f"{self.app.api}/faults").status_code == 200


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    try:
        yield watched
    finally:
        watched.app.close()


def test_at_rest_it_is_far_from_its_limits(watched: Watched) -> None:
    poll(lambda: watched.value("insa_backup_runs_total", result="success") >= 1, "a backup", seconds=20)

    assert watched.cpu_share(4) < 0.5  # some 0.1, at 15 times the usual pace of its jobs
    assert watched.memory_mib() < 80_000_000 / MIB
    assert 0.1 < watched.memory_share() < 0.6
    assert 0 < watched.disk_share() < 0.2
    assert watched.value("insa_backup_runs_total", result="failure") == 0
    components = watched.value("insa_scan_components")
    assert watched.value("insa_scan_components_scanned") == components > 40
    assert 5 < watched.value("insa_system_open_files") < 60


def test_memory_is_really_taken_and_really_given_back(watched: Watched) -> None:
    before = watched.memory_mib()
    watched.fault("memory_pressure", intensity=0.95)
    poll(watched.memory_share, "pressure", until=lambda share: share >= 0.949)

    # 0.95 x 160 = 152 MiB; the kernel counts pages in batches of each thread
    assert watched.memory_mib() == pytest.approx(0.95 * LIMIT_MIB, abs=3)

    watched.end_faults()
    poll(watched.memory_mib, "relief", until=lambda mib: mib < before + 8)
    poll(watched.memory_share, "its own figure", until=lambda share: share * LIMIT_MIB < before + 8)


def test_cpu_is_really_burnt_up_to_the_share_and_no_more(watched: Watched) -> None:
    watched.fault("cpu_burn", intensity=0.95)
    watched.cpu_share(1)

    # 0.95 of a quarter of a core; the burner is owed or owes at most 0.25 s of the 6 x 0.25 s. While other
    # programs want both cores, it may lag behind: then the next six seconds are looked at.
    share = poll(
        lambda: watched.cpu_share(6), "the share", seconds=20, until=lambda share: share > 0.95 - 0.17
    )
    assert share < 0.95 + 0.17
    watched.end_faults()
    watched.cpu_share(0.5)
    assert watched.cpu_share(3) < 0.5


def test_requests_are_calm_while_memory_and_cpu_are_pressed(watched: Watched) -> None:
    watched.fault("memory_pressure")
    watched.fault("cpu_burn", intensity=1)
    poll(watched.memory_share, "pressure", until=lambda share: share >= 0.949)
    state = f"{watched.app.api}/state"

    def ended() -> int:
        requests = watched.app.client.get(state).json()["requests"]
        return sum(sum(counts.values()) for counts in requests.values())

    enough = ended() + 20  # four seconds of traffic
    poll(ended, "requests", seconds=30, until=lambda count: count >= enough)

    requests = watched.app.client.get(state).json()["requests"]
    assert [counts for counts in requests.values() if counts["error"] or counts["timeout"]] == []


def test_a_full_volume_fails_backups_and_a_ballast_of_a_killed_process_is_removed(
    watched: Watched, tmp_path: Path
) -> None:
    poll(lambda: watched.value("insa_backup_runs_total", result="success") >= 1, "a backup", seconds=20)
    watched.fault("disk_fill", intensity=1)
    poll(watched.disk_share, "a full volume", seconds=20, until=lambda share: share >= 0.999)
    poll(lambda: watched.value("insa_backup_runs_total", result="failure") >= 1, "failure", seconds=20)
    assert (tmp_path / "ballast").stat().st_blocks * 512 > 27 * MIB  # on the disk, not only in its size
    watched.app.process.kill()
    watched.app.process.wait()
    assert (tmp_path / "ballast").exists()

    again = Watched(tmp_path)
    try:
        assert not (tmp_path / "ballast").exists()
        assert again.disk_share() < 0.2
        last = again.value("insa_backup_last_success_timestamp_seconds")
        assert watched.began <= last <= time.time()
    finally:
        again.app.close()


def test_it_ends_within_five_seconds_under_all_pressure_and_leaves_no_ballast(
    watched: Watched, tmp_path: Path
) -> None:
    watched.fault("memory_pressure")
    watched.fault("cpu_burn", intensity=1)
    watched.fault("disk_fill")
    poll(
        lambda: (watched.memory_share(), watched.disk_share()),
        "pressure",
        seconds=20,
        until=lambda shares: min(shares) >= 0.949,
    )
    began = time.monotonic()

    logged = watched.app.end(signal.SIGTERM)

    assert time.monotonic() - began < patience(5)
    assert watched.app.process.returncode == 0
    assert "Traceback" not in logged
    assert {path.name for path in tmp_path.iterdir()} - {"backup"} == {"crm.db"}


def test_the_healthcheck_takes_the_meant_503_for_an_answer_and_no_other(watched: Watched) -> None:
    def healthcheck() -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "demo_app.healthcheck"],
            env=watched.app.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr

    watched.fault("metrics_gone")
    answer = watched.app.client.get(f"{watched.app.metrics}/metrics")
    assert (answer.status_code, answer.text) == (
        503,
        "the fault metrics_gone is active: no metrics until it ends\n",
    )
    assert healthcheck() == (0, "")

    watched.fault("worker_down", intensity=4)
    poll(lambda: not watched.app.answers(), "503")
    code, problem = healthcheck()
    assert code == 1
    assert "/healthz: 503 " in problem
