"""The multiprocess mode of prometheus_client: what one scrape shows of a program of several processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

import insa_instruments

PROGRAM = """
import sys
from insa_instruments import declare, record_request, track_request_metrics, update_worker_health

name = sys.argv[1]
declare(workers=["w-1", "w-2"])
record_request("crm", "success", 1.5)
update_worker_health(name, True, queue_depth=int(name[-1]))

@track_request_metrics("crm")
def answer():
    print("in flight", flush=True)
    sys.stdin.readline()

answer()
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the processes keep their numbers."""
    return tmp_path


@pytest.fixture
def processes(directory: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Two processes, each with one request that ended and one in flight, and a worker of its own."""
    environment = {
        "PYTHONPATH": str(Path(insa_instruments.__file__).parents[1]),
        "PROMETHEUS_MULTIPROC_DIR": str(directory),
    }
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, worker],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for worker in ("w-1", "w-2")
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "in flight\n"
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def scraped(directory: Path) -> CollectorRegistry:
    """What a scrape shows now."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(directory))  # type: ignore[no-untyped-call]  # left without types
    return registry


@pytest.mark.usefixtures("processes")
def test_a_scrape_shows_all_processes_together_without_their_numbers(directory: Path) -> None:
    registry = scraped(directory)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    # Two processes with one request each that ended, of 1.5 s, and one each in flight.
    assert value("insa_agent_requests_total", agent="crm", status="success") == 2
    assert value("insa_agent_request_duration_seconds_sum", agent="crm") == 3
    assert value("insa_agent_requests_in_flight", agent="crm") == 2
    # Both processes have declared both workers; the one that owns a worker has reported on it.
    assert [value("insa_worker_health_status", worker_name=name) for name in ("w-1", "w-2")] == [1, 1]
    assert [value("insa_worker_queue_depth", worker_name=name) for name in ("w-1", "w-2")] == [1, 2]


def test_of_a_process_that_has_ended_the_counters_stay_and_the_gauges_go(
    directory: Path, processes: list[subprocess.Popen[str]]
) -> None:
    processes[0].kill()
    processes[0].communicate()
    mark_process_dead(processes[0].pid, path=str(directory))  # type: ignore[no-untyped-call]
    registry = scraped(directory)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    # Each process has had one success; what was in flight in the killed one has gone with it.
    assert value("insa_agent_requests_total", agent="crm", status="success") == 2
    assert value("insa_agent_requests_in_flight", agent="crm") == 1
    # Of w-1, only the ended process has reported anything; the other one's declaration does not count.
    assert value("insa_worker_health_status", worker_name="w-1") is None
    assert value("insa_worker_queue_depth", worker_name="w-1") is None
    assert value("insa_worker_health_status", worker_name="w-2") == 1
