"""The batch client: tasks that are no requests, and a queue that they fill and leave."""

import pytest

from demo_app.batch import BatchCounts
from demo_app.model import AGENTS, WORKERS
from unit.demo_app.simulation import Simulation
from unit.demo_app.test_fault_effects import assert_calm


def depth(simulation: Simulation, worker: str = "worker-1") -> float:
    return simulation.value("insa_worker_queue_depth", worker_name=worker)


def test_it_does_nothing_without_the_fault(simulation: Simulation) -> None:
    simulation.run(60)

    assert simulation.orchestrator.batch.counts() == BatchCounts(submitted=0, done=0, refused=0)


def test_the_queue_is_as_deep_as_the_fault_says_once_the_slots_are_full(simulation: Simulation) -> None:
    simulation.faults.start("queue_flood", 120)
    simulation.orchestrator.batch.step()
    worker = simulation.orchestrator.workers[0]
    assert depth(simulation) == 152  # 120, and 32 for the slots

    worker.turn()

    assert (depth(simulation), worker.running) == (120, 32)
    assert simulation.orchestrator.batch.counts() == BatchCounts(submitted=152, done=0, refused=0)


def test_places_are_left_to_requests_however_strong_the_fault_is(simulation: Simulation) -> None:
    simulation.faults.start("queue_flood", 240)
    simulation.orchestrator.batch.step()

    assert depth(simulation) == 240  # of 250


def test_requests_go_before_batch_tasks(simulation: Simulation) -> None:
    simulation.faults.start("queue_flood", 120)
    simulation.orchestrator.batch.step()
    worker = simulation.orchestrator.workers[0]
    for other in simulation.orchestrator.workers[1:]:
        other.queue.close()
    request = simulation.orchestrator.submit("crm", 1)
    assert depth(simulation) == 153

    assert worker.queue.take() is request


@pytest.mark.parametrize("tasks", [110, 150, 240])
def test_a_flood_keeps_one_queue_deep_and_no_request_notices(simulation: Simulation, tasks: int) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("queue_flood", tasks, 300)
    simulation.run(2)

    depths = []
    for _ in range(100):
        simulation.run(1)
        depths.append(depth(simulation))
    during = simulation.figures(195)

    assert during.success > 830  # 5/s x 195 s = 975, standard deviation 31
    assert (during.error, during.timeout, during.task_failures, during.over_5s) == (0, 0, 0, 0)
    # the deepest flood shrinks by 32, the slots, for up to a second: 10 of 250 places are for requests
    assert min(depths) >= min(tasks, 208)
    assert max(depths) <= max(tasks, 240)
    assert simulation.value("insa_worker_utilization_ratio", worker_name="worker-1") == 1
    # 32 slots end one task each in 5 s: 300/5 x 32 = 1,920
    counts = simulation.orchestrator.batch.counts()
    assert counts.done == pytest.approx(1900, abs=64)
    assert counts.refused == 0
    worker = simulation.orchestrator.workers[0]
    assert counts.waiting == worker.queue.depth + worker.running  # its requests went elsewhere
    assert [depth(simulation, name) for name in WORKERS[1:]] == [0, 0, 0]


def test_the_queue_drains_within_half_a_minute_after_the_fault(simulation: Simulation) -> None:
    simulation.faults.start("queue_flood", None, 60)
    simulation.run(60)
    assert depth(simulation) >= 150

    simulation.run(35)  # 150 tasks in 32 slots are 5 rounds of 5 s, and one that is under way: 30 s

    counts = simulation.orchestrator.batch.counts()
    assert (depth(simulation), counts.waiting, counts.refused) == (0, 0, 0)
    assert counts.done == counts.submitted
    assert_calm(simulation.figures(60))


def test_batch_tasks_are_tasks_and_no_requests(simulation: Simulation) -> None:
    simulation.faults.start("queue_flood", None, 60)
    simulation.run(120)
    simulation.faults.start("traffic_drop", 1)
    simulation.run(5)

    ended = simulation.orchestrator.counts().ended
    done = simulation.orchestrator.batch.counts().done
    processed = sum(
        simulation.value("insa_worker_tasks_processed_total", worker_name=name) for name in WORKERS
    )
    assert done > 300
    assert processed == ended + done
    name = "insa_worker_task_duration_seconds_bucket"
    slow = processed - sum(simulation.value(name, worker_name=worker, le="2.0") for worker in WORKERS)
    assert slow == done  # 5 s each; a request holds its slot for less than 2 s
    requests = sum(
        simulation.value("insa_agent_requests_total", agent=agent, status="success") for agent in AGENTS
    )
    assert requests == ended == simulation.orchestrator.counts().submitted


def test_what_a_dead_worker_gives_back_is_refused_and_the_flood_goes_on_when_it_is_back(
    simulation: Simulation,
) -> None:
    simulation.faults.start("queue_flood", 150, 120)
    simulation.run(4)
    simulation.faults.start("worker_down", 1, 10)

    simulation.run(9)

    counts = simulation.orchestrator.batch.counts()
    assert counts == BatchCounts(submitted=182, done=0, refused=182)
    assert depth(simulation) == 0
    simulation.run(5)
    counts = simulation.orchestrator.batch.counts()
    assert (counts.submitted, counts.waiting, depth(simulation)) == (364, 182, 150)
