"""Workers, turn by turn and as threads, and their supervisor."""

import threading
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from demo_app.app import Service
from demo_app.clock import SystemClock
from demo_app.model import Request
from demo_app.settings import Settings
from demo_app.system import build
from demo_app.workers import WorkerCrashError, WorkerStartError, spawn_thread
from unit.demo_app.simulation import Simulation
from unit.demo_app.test_fault_effects import assert_calm
from waiting import poll, wait_for


def test_a_worker_waits_for_its_calls_without_holding_up_the_next_task(simulation: Simulation) -> None:
    worker = simulation.orchestrator.workers[0]
    simulation.faults.start("latency", 12)
    for number in range(40):
        worker.offer(Request(number, "crm", seed=number, arrived=1000.0, deadline=1045.0))

    worker.turn()

    assert (worker.running, worker.queue.depth) == (32, 8)  # 32 slots
    utilization = simulation.value("insa_worker_utilization_ratio", worker_name="worker-1")
    assert utilization == 1.0


def test_a_task_ends_when_its_answer_is_due_and_not_before(simulation: Simulation) -> None:
    worker = simulation.orchestrator.workers[1]  # its turn: workers count from 0, requests from 1
    simulation.orchestrator.submit("crm", 1)
    wait = worker.turn()
    assert wait is not None
    assert 0.05 <= wait <= 1.0

    simulation.clock.now += wait / 2
    worker.turn()
    assert worker.processed == 0

    simulation.clock.now += wait / 2 + 1e-6
    worker.turn()
    assert (worker.processed, worker.failed, worker.running) == (1, 0, 0)


def test_an_idle_worker_turns_at_each_heartbeat(simulation: Simulation) -> None:
    worker = simulation.orchestrator.workers[0]
    simulation.clock.now += 7

    assert worker.turn() == 1.0
    beat = simulation.value("insa_worker_last_heartbeat_timestamp_seconds", worker_name="worker-1")
    assert beat == simulation.clock.time()


def test_a_worker_whose_loop_hangs_is_unhealthy_though_its_thread_is_alive(simulation: Simulation) -> None:
    worker = simulation.orchestrator.workers[0]
    simulation.clock.now += 10.5  # longer than ten heartbeats of a second

    simulation.system.supervisor.step()

    assert worker.alive
    assert simulation.value("insa_worker_health_status", worker_name="worker-1") == 0


def test_a_killed_worker_leaves_its_tasks_to_the_others(simulation: Simulation) -> None:
    simulation.faults.start("latency", 12)
    for seed in range(40):
        simulation.orchestrator.submit("crm", seed)
    workers = simulation.orchestrator.workers
    for worker in workers:
        worker.turn()
    assert [worker.running for worker in workers] == [10, 10, 10, 10]
    simulation.faults.start("worker_down", 1)

    assert workers[0].turn() is None

    assert not workers[0].alive
    assert sum(worker.queue.depth for worker in workers[1:]) == 10
    assert simulation.orchestrator.counts().waiting == 40


def test_a_worker_cannot_be_started_while_the_fault_keeps_it_down(simulation: Simulation) -> None:
    simulation.faults.start("worker_down", 2)

    with pytest.raises(WorkerStartError, match="the fault worker_down keeps worker-2 down"):
        simulation.orchestrator.workers[1].start()


def test_the_supervisor_waits_before_it_restarts(simulation: Simulation) -> None:
    worker = simulation.orchestrator.workers[0]
    simulation.faults.start("worker_down", 1, 1)
    worker.turn()
    simulation.faults.stop_all()

    simulation.clock.now += 1.9
    simulation.system.supervisor.step()
    assert not worker.alive

    simulation.clock.now += 0.1
    simulation.system.supervisor.step()
    assert worker.alive
    assert worker.restarts == 1


def test_a_deadline_that_passes_in_the_queue_is_a_timeout_that_no_worker_did(simulation: Simulation) -> None:
    simulation.orchestrator.submit("crm", 1)
    simulation.clock.now += 45

    worker = simulation.orchestrator.workers[1]
    worker.turn()

    assert simulation.orchestrator.counts().by_agent["crm"]["timeout"] == 1
    assert (worker.processed, worker.failed) == (0, 0)


def test_real_threads_die_come_back_and_lose_no_request() -> None:
    system = build(Settings(rate=100, time_scale=50), SystemClock(), CollectorRegistry())
    service = Service(system)
    workers = system.orchestrator.workers
    service.start()
    try:
        poll(lambda: system.orchestrator.counts().ended > 20, "traffic")
        system.faults.start("worker_down", 2)
        wait_for([False, False, True, True], lambda: [w.alive for w in workers], "two dead workers")
        system.faults.stop_all()
        poll(lambda: all(worker.healthy for worker in workers), "their return")
        system.faults.start("traffic_drop", 1)
        wait_for(0, lambda: system.orchestrator.counts().waiting, "silence")
    finally:
        service.stop()

    counts = system.orchestrator.counts()
    assert counts.submitted == counts.ended == system.traffic.sent
    assert sum(agent["error"] + agent["timeout"] for agent in counts.by_agent.values()) == 0
    messages = system.bus.counts()["requests"]
    assert messages.published == messages.delivered == counts.ended
    assert [worker.restarts for worker in workers] == [1, 1, 0, 0]
    assert not any(worker.alive for worker in workers)


# The error is meant to reach the thread's top, where Python reports it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_dies_of_an_unforeseen_error_is_restarted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    system = build(Settings(rate=0.1, time_scale=50), SystemClock(), CollectorRegistry())
    service = Service(system)
    worker = system.orchestrator.workers[0]
    service.start()
    try:
        with monkeypatch.context() as patched:
            patched.setattr(worker.queue, "take", lambda: 1 / 0)
            poll(lambda: worker.restarts > 0 or not worker.alive, "a dead worker")
        poll(lambda: worker.healthy and worker.restarts > 0, "its return")
    finally:
        service.stop()


def test_a_restart_loop_crashes_a_worker_so_long_after_each_start(simulation: Simulation) -> None:
    worker = simulation.orchestrator.workers[3]
    simulation.faults.start("restart_loop", 4)
    worker.turn()  # finds the fault: the first crash of the last worker is due in 20 s
    simulation.clock.now += 19.9
    worker.turn()
    assert worker.alive

    simulation.clock.now += 0.1
    with pytest.raises(WorkerCrashError, match="the fault restart_loop"):
        worker.turn()

    assert not worker.alive
    assert simulation.value("insa_worker_health_status", worker_name="worker-4") == 0
    simulation.clock.now += 2
    simulation.system.supervisor.step()
    assert worker.alive
    simulation.clock.now += 19.9
    worker.turn()
    simulation.clock.now += 0.1
    with pytest.raises(WorkerCrashError):
        worker.turn()


def test_a_restarted_restart_loop_strikes_only_after_a_while(simulation: Simulation) -> None:
    worker = simulation.orchestrator.workers[3]
    simulation.faults.start("restart_loop", 4)
    worker.turn()
    simulation.faults.stop_all()
    worker.turn()
    simulation.clock.now += 100
    simulation.faults.start("restart_loop", 4)

    worker.turn()
    simulation.clock.now += 19.9
    worker.turn()

    assert worker.alive


def test_a_crash_leaves_the_tasks_to_the_others(simulation: Simulation) -> None:
    simulation.faults.start("latency", 30)
    simulation.faults.start("restart_loop", 1)
    workers = simulation.orchestrator.workers
    for seed in range(40):
        simulation.orchestrator.submit("crm", seed)
    for worker in workers:
        worker.turn()
    simulation.clock.now += 5  # worker-1 is the first to crash, a quarter of 20 s after the fault
    for seed in range(4):
        simulation.orchestrator.submit("crm", seed)

    with pytest.raises(WorkerCrashError):
        workers[0].turn()

    assert (workers[0].running, workers[0].queue.depth) == (0, 0)
    # 10 tasks under way and the one that waited came to the others, who had 3 x 10 under way and 3 waiting
    assert sum(worker.queue.depth for worker in workers[1:]) == 14
    assert simulation.orchestrator.counts().waiting == 44


@pytest.mark.parametrize("count", [1, 2, 4])
def test_in_a_restart_loop_health_flips_and_no_request_fails(simulation: Simulation, count: int) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("restart_loop", count, 300)
    longest_down = down = 0

    for _ in range(100):
        simulation.run(1)
        down = down + 1 if simulation.value("insa_worker_health_status", worker_name="worker-1") == 0 else 0
        longest_down = max(longest_down, down)
        assert any(worker.alive for worker in simulation.orchestrator.workers)
    during = simulation.figures(199)

    assert 1 <= longest_down <= 4  # never two scrapes in a row, 15 s apart
    # 20 s, 2 s of delay and up to a second for the crash and for the supervisor to see: 22 to 24 s a round
    assert during.restarts == pytest.approx(count * 199 / 23, abs=1.5 * count)
    assert (during.error, during.timeout, during.task_failures, during.over_5s) == (0, 0, 0, 0)
    counts = simulation.orchestrator.counts()
    assert sum(agent["success"] for agent in counts.by_agent.values()) == counts.ended
    for index, worker in enumerate(simulation.orchestrator.workers):
        assert (worker.restarts > 0) == (index < count)
    simulation.run(5)
    assert_calm(simulation.figures(60))


def test_a_crashed_thread_really_ends_and_another_one_takes_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    threads: list[threading.Thread] = []

    def spawn(target: Callable[[], None], name: str) -> threading.Thread:
        threads.append(spawn_thread(target, name))
        return threads[-1]

    system = build(Settings(rate=100, time_scale=50), SystemClock(), CollectorRegistry(), spawn)
    service = Service(system)
    worker = system.orchestrator.workers[0]
    service.start()
    try:
        system.faults.start("restart_loop", 1)
        poll(lambda: worker.restarts >= 2, "two restarts")
        poll(lambda: not threads[0].is_alive(), "the first thread's end")
        poll(lambda: not threads[4].is_alive(), "its successor's end")
        assert [thread.is_alive() for thread in threads[1:4]] == [True, True, True]
        system.faults.start("traffic_drop", 1)
        wait_for(0, lambda: system.orchestrator.counts().waiting, "silence")
    finally:
        service.stop()

    counts = system.orchestrator.counts()
    assert counts.submitted == counts.ended == system.traffic.sent
    assert sum(agent["error"] + agent["timeout"] for agent in counts.by_agent.values()) == 0
    assert "worker crashed worker=worker-1 reason=the fault restart_loop strikes" in caplog.text
