"""The bounded queue before a worker."""

import pytest
from prometheus_client import CollectorRegistry

from demo_app.metrics import Metrics
from demo_app.model import Request
from demo_app.queues import QueueClosedError, QueueFullError, TaskQueue


def request(number: int, deadline: float) -> Request:
    return Request(number, "crm", seed=0, arrived=0.0, deadline=deadline)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def queue(registry: CollectorRegistry) -> TaskQueue:
    queue = TaskQueue("worker-1", 3, Metrics(registry, []))
    queue.open()
    return queue


def depth(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("insa_worker_queue_depth", {"worker_name": "worker-1"})


def test_the_most_urgent_task_comes_first_and_equals_in_order_of_arrival(queue: TaskQueue) -> None:
    for number, deadline in ((1, 50.0), (2, 40.0), (3, 50.0)):
        queue.put(request(number, deadline))

    taken = [queue.take() for _ in range(4)]

    assert [task.number if task else None for task in taken] == [2, 1, 3, None]


def test_a_full_queue_takes_no_more(queue: TaskQueue) -> None:
    for number in range(3):
        queue.put(request(number, 50.0))

    with pytest.raises(QueueFullError):
        queue.put(request(4, 50.0))
    assert queue.depth == 3


def test_a_queue_without_its_worker_takes_nothing(registry: CollectorRegistry) -> None:
    queue = TaskQueue("worker-1", 3, Metrics(registry, []))

    with pytest.raises(QueueClosedError):
        queue.put(request(1, 50.0))


def test_closing_hands_back_what_waited_most_urgent_first(
    queue: TaskQueue, registry: CollectorRegistry
) -> None:
    queue.put(request(1, 50.0))
    queue.put(request(2, 40.0))

    assert [task.number for task in queue.close()] == [2, 1]
    assert (queue.depth, depth(registry)) == (0, 0)
    with pytest.raises(QueueClosedError):
        queue.put(request(3, 50.0))


def test_only_tasks_whose_deadline_has_come_are_expired(queue: TaskQueue) -> None:
    queue.put(request(1, 40.0))
    queue.put(request(2, 50.0))

    assert queue.take_expired(39.9) is None
    expired = queue.take_expired(40.0)

    assert expired is not None
    assert expired.number == 1
    assert queue.take_expired(40.0) is None
    assert queue.depth == 1


def test_the_gauges_show_depth_and_capacity(queue: TaskQueue, registry: CollectorRegistry) -> None:
    capacity = registry.get_sample_value("insa_worker_queue_capacity", {"worker_name": "worker-1"})
    queue.put(request(1, 50.0))
    queue.put(request(2, 50.0))
    assert (depth(registry), capacity) == (2, 3)

    queue.take()
    assert depth(registry) == 1
