"""The methods that record: what they count, what they refuse, and what is at zero from the start."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import insa_instruments
from insa_instruments import Recorder
from insa_instruments.recording import Status
from unit.instruments.recorded import Recorded
from waiting import patience

SOURCE = Path(insa_instruments.__file__).parents[1]


def test_a_request_is_counted_with_its_status_and_time() -> None:
    recorded = Recorded()

    recorded.recorder.record_request("crm", "success", 1.5)
    recorded.recorder.record_request("crm", "timeout", 6.0)

    assert recorded.requests("crm") == {"success": 1, "timeout": 1}
    assert recorded.seconds("crm") == 7.5  # 1.5 + 6.0
    # 1.5 s is within 2 s, 6 s is not within 5 s.
    bucket = "insa_agent_request_duration_seconds_bucket"
    assert [recorded.value(bucket, agent="crm", le=le) for le in ("1.0", "2.0", "5.0", "10.0")] == [
        0,
        1,
        1,
        2,
    ]


def test_the_first_request_of_an_agent_brings_all_its_statuses() -> None:
    recorded = Recorded()

    recorded.recorder.record_request("crm", "success", 0.1)

    for status in ("error", "timeout"):
        assert recorded.value("insa_agent_requests_total", agent="crm", status=status) == 0


def test_the_size_of_a_request_is_recorded_when_it_is_known() -> None:
    recorded = Recorded()

    recorded.recorder.record_request("crm", "success", 0.1)
    assert recorded.value("insa_agent_request_size_bytes_count", agent="crm") is None

    recorded.recorder.record_request("crm", "success", 0.1, size_bytes=512)
    assert recorded.value("insa_agent_request_size_bytes_count", agent="crm") == 1
    assert recorded.value("insa_agent_request_size_bytes_sum", agent="crm") == 512


def test_a_status_of_another_name_is_refused_with_the_right_ones() -> None:
    recorded = Recorded()

    with pytest.raises(ValueError, match="invalid status: 'ok'; give one of success, error, timeout"):
        recorded.recorder.record_request("crm", "ok", 0.1)  # type: ignore[arg-type]  # mypy refuses it too

    assert recorded.names() == set()


@pytest.mark.parametrize("number", [-0.001, math.nan, math.inf])
def test_a_duration_or_size_that_would_spoil_the_sum_is_refused(number: float) -> None:
    recorded = Recorded()

    with pytest.raises(ValueError, match=f"duration_seconds is {number}: give a finite number, 0 or more"):
        recorded.recorder.record_request("crm", "success", number)
    with pytest.raises(ValueError, match=f"size_bytes is {number}: give"):
        recorded.recorder.record_request("crm", "success", 0.1, size_bytes=number)  # type: ignore[arg-type]

    assert recorded.names() == set()


def test_hits_and_misses_are_counted_by_cache_and_start_at_zero() -> None:
    recorded = Recorded()

    recorded.recorder.record_cache_hit("customer")
    recorded.recorder.record_cache_hit("customer")
    recorded.recorder.record_cache_miss("knowledge")

    assert recorded.value("insa_cache_hits_total", cache="customer") == 2
    assert recorded.value("insa_cache_misses_total", cache="customer") == 0
    assert recorded.value("insa_cache_hits_total", cache="knowledge") == 0
    assert recorded.value("insa_cache_misses_total", cache="knowledge") == 1


def test_a_worker_is_in_the_state_reported_last() -> None:
    recorded = Recorded()

    recorded.recorder.update_worker_health("w-1", True, queue_depth=7)  # noqa: FBT003  # as users write it
    assert recorded.value("insa_worker_health_status", worker_name="w-1") == 1
    assert recorded.value("insa_worker_queue_depth", worker_name="w-1") == 7

    recorded.recorder.update_worker_health("w-1", healthy=False)
    assert recorded.value("insa_worker_health_status", worker_name="w-1") == 0
    assert recorded.value("insa_worker_queue_depth", worker_name="w-1") == 7


def test_a_queue_of_negative_length_is_refused_and_nothing_shown() -> None:
    recorded = Recorded()

    with pytest.raises(ValueError, match="queue_depth is -1: give"):
        recorded.recorder.update_worker_health("w-1", healthy=True, queue_depth=-1)

    assert recorded.names() == set()


def test_restarts_start_at_zero_with_the_first_report_on_the_worker() -> None:
    recorded = Recorded()

    recorded.recorder.update_worker_health("w-1", healthy=True)
    assert recorded.value("insa_worker_restarts_total", worker_name="w-1") == 0

    recorded.recorder.record_worker_restart("w-1")
    assert recorded.value("insa_worker_restarts_total", worker_name="w-1") == 1


def test_what_is_declared_is_there_at_zero_and_a_worker_is_unhealthy() -> None:
    recorded = Recorded()

    recorded.recorder.declare(agents=["crm"], workers=["w-1"], caches=["customer"], operations=["read"])

    at_zero = {
        "insa_agent_requests_total": {"agent": "crm", "status": "error"},
        "insa_agent_request_duration_seconds_count": {"agent": "crm"},
        "insa_worker_health_status": {"worker_name": "w-1"},
        "insa_worker_restarts_total": {"worker_name": "w-1"},
        "insa_cache_hits_total": {"cache": "customer"},
        "insa_cache_misses_total": {"cache": "customer"},
        "insa_database_queries_total": {"operation": "read", "status": "error"},
        "insa_database_query_duration_seconds_count": {"operation": "read"},
        "insa_database_errors_total": {"kind": "timeout"},
    }
    assert {name: recorded.value(name, **labels) for name, labels in at_zero.items()} == dict.fromkeys(
        at_zero, 0
    )


def test_nothing_is_shown_that_was_never_measured() -> None:
    recorded = Recorded()
    assert recorded.names() == set()

    recorded.recorder.declare(agents=["crm"], workers=["w-1"], caches=["customer"])

    # A queue of length zero, a cache that is down, a database that is down: nobody has said so.
    assert not [
        name
        for name in recorded.names()
        if name.startswith(("insa_worker_queue", "insa_cache_up", "insa_database"))
    ]


def test_a_string_in_place_of_several_is_refused() -> None:
    with pytest.raises(TypeError, match="'crm' is one string: give a list of them"):
        Recorded().recorder.declare(agents="crm")


def test_values_beyond_the_bound_count_as_other_and_declared_ones_keep_their_room() -> None:
    recorded = Recorded(max_label_values=2)
    recorded.recorder.declare(agents=["crm", "sizing"])

    for agent in ("stranger", "crm", "another"):
        recorded.recorder.record_request(agent, "success", 1.0)

    assert recorded.requests("crm") == {"success": 1}
    assert recorded.requests("other") == {"success": 2}
    assert recorded.requests("stranger") == {}


def test_what_has_no_method_is_an_instrument_of_the_recorder() -> None:
    recorded = Recorded()

    recorded.recorder.workers.utilization.labels("w-1").set(0.4)

    assert recorded.value("insa_worker_utilization_ratio", worker_name="w-1") == 0.4


def test_a_registry_takes_one_recorder() -> None:
    recorded = Recorded()

    with pytest.raises(ValueError, match="insa_agent_requests_total"):
        Recorder(recorded.registry)


CALLS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from(["success", "error", "timeout"]),
            st.floats(min_value=0, max_value=1e6),
        ),
        st.tuples(st.sampled_from(["a", "b", "c"]), st.booleans()),
    ),
    max_size=40,
)


@given(CALLS)
def test_counters_never_fall_and_every_call_is_in_one_of_them(
    calls: list[tuple[str, Status, float] | tuple[str, bool]],
) -> None:
    recorded = Recorded(max_label_values=2)
    before: dict[str, float] = {}
    for call in calls:
        if len(call) == 3:
            recorded.recorder.record_request(*call)
        else:
            cache, hit = call
            record = recorded.recorder.record_cache_hit if hit else recorded.recorder.record_cache_miss
            record(cache)
        after = recorded.counters()
        assert all(after[series] >= value for series, value in before.items())
        # Each call adds one to one counter.
        assert sum(after.values()) == sum(before.values()) + 1
        before = after


# The default Recorder is one of the process: each of these tests has a process of its own.
def printed(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
        timeout=patience(60),
    )
    return done.stdout


def test_an_import_registers_nothing() -> None:
    program = """
import insa_instruments, prometheus_client
print("insa_" in prometheus_client.generate_latest().decode())
"""
    assert printed(program) == "False\n"


def test_the_functions_write_to_the_registry_that_is_served_by_default() -> None:
    program = """
from insa_instruments import *
from prometheus_client import REGISTRY

@track_request_metrics("tracked")
def answer(): pass

@track_database_operation("read")
def read(): raise TimeoutError

answer()
try:
    read()
except TimeoutError:
    pass
declare(agents=["declared"])
record_request("recorded", "error", 2.0, size_bytes=10)
record_cache_hit("c")
record_cache_miss("c")
record_cache_miss("c")
update_worker_health("w", True, queue_depth=3)
record_worker_restart("w")
for name, labels in (
    ("insa_agent_requests_total", {"agent": "tracked", "status": "success"}),
    ("insa_database_errors_total", {"kind": "timeout"}),
    ("insa_agent_requests_total", {"agent": "declared", "status": "error"}),
    ("insa_agent_requests_total", {"agent": "recorded", "status": "error"}),
    ("insa_agent_request_size_bytes_sum", {"agent": "recorded"}),
    ("insa_cache_hits_total", {"cache": "c"}),
    ("insa_cache_misses_total", {"cache": "c"}),
    ("insa_worker_health_status", {"worker_name": "w"}),
    ("insa_worker_queue_depth", {"worker_name": "w"}),
    ("insa_worker_restarts_total", {"worker_name": "w"}),
):
    print(f"{REGISTRY.get_sample_value(name, labels):g}", end=" ")
"""
    assert printed(program) == "1 1 0 1 10 1 2 1 3 1 "


def test_threads_that_come_first_together_share_one_default_recorder() -> None:
    program = """
import sys, threading
from insa_instruments import default_recorder
sys.setswitchinterval(1e-6)
together, found = threading.Barrier(8), []
def ask():
    together.wait()
    found.append(default_recorder())
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(found), len(set(map(id, found))))
"""
    assert printed(program) == "8 1\n"


def test_threads_lose_no_count() -> None:
    recorded = Recorded()

    def record() -> None:
        for _ in range(500):
            recorded.recorder.record_request("crm", "success", 1.0)

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert recorded.requests("crm") == {"success": 2000}  # 4 threads, 500 each
    assert recorded.seconds("crm") == 2000
