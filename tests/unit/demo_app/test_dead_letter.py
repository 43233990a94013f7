"""Dead letters: bounded, none lost without a word, given back some at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from demo_app.dead_letter import DeadLetterQueue, Letter, Replayer
from demo_app.faults import Faults
from demo_app.metrics import Metrics
from demo_app.model import Status
from unit.demo_app.simulation import FakeClock, Simulation
from unit.demo_app.test_fault_effects import assert_calm


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def queue(clock: FakeClock, registry: CollectorRegistry) -> DeadLetterQueue[int]:
    return DeadLetterQueue(3, clock=clock, events=Metrics(registry, []))


def test_letters_come_back_in_order_with_the_time_of_their_death(
    queue: DeadLetterQueue[int], clock: FakeClock
) -> None:
    queue.put(1, reason="poisoned")
    clock.now += 5
    queue.put(2, reason=None, since=900.0)

    assert [queue.take(), queue.take(), queue.take()] == [
        Letter(1, 1000.0, 1000.0),
        Letter(2, 900.0, 1005.0),
        None,
    ]


def test_a_full_queue_drops_the_oldest_and_says_which(
    queue: DeadLetterQueue[int], registry: CollectorRegistry
) -> None:
    dropped = [queue.put(number, reason="poisoned") for number in range(4)]

    assert [letter.item if letter else None for letter in dropped] == [None, None, None, 0]
    assert len(queue) == 3
    assert registry.get_sample_value("insa_dlq_dropped_total") == 1
    assert registry.get_sample_value("insa_dlq_enqueued_total", {"reason": "poisoned"}) == 4


def test_the_gauges_show_size_and_age_of_the_oldest(
    queue: DeadLetterQueue[int], registry: CollectorRegistry, clock: FakeClock
) -> None:
    queue.put(1, reason="poisoned")
    clock.now += 30
    queue.put(2, reason="poisoned")
    clock.now += 10
    queue.observe()
    assert registry.get_sample_value("insa_dlq_size") == 2
    assert registry.get_sample_value("insa_dlq_oldest_message_age_seconds") == 40

    queue.take()
    assert registry.get_sample_value("insa_dlq_oldest_message_age_seconds") == 10
    queue.take()
    assert registry.get_sample_value("insa_dlq_oldest_message_age_seconds") == 0


@given(orders=st.lists(st.sampled_from(["put", "take", "postpone"]), max_size=60), capacity=st.integers(1, 5))
def test_what_was_put_is_there_taken_or_dropped(orders: list[str], capacity: int) -> None:
    registry = CollectorRegistry()
    queue: DeadLetterQueue[int] = DeadLetterQueue(capacity, clock=FakeClock(), events=Metrics(registry, []))
    put, gone = 0, []
    for order in orders:
        if order == "put":
            letter = queue.put(put, reason="poisoned")
            put += 1
        elif order == "take":
            letter = queue.take()
        else:
            queue.postpone()
            continue
        gone += [letter.item] if letter else []
        assert len(queue) <= capacity

    assert len(queue) == put - len(gone)
    while letter := queue.take():
        gone.append(letter.item)
    assert sorted(gone) == list(range(put))


def test_a_replay_gives_back_a_batch_and_the_fault_keeps_its_share(
    queue: DeadLetterQueue[int], clock: FakeClock
) -> None:
    faults = Faults(clock, Metrics(CollectorRegistry(), []))
    events = Metrics(CollectorRegistry(), [])
    given_back: list[int] = []
    replayer = Replayer(
        queue, revive=lambda letter: given_back.append(letter.item), faults=faults, events=events, batch=2
    )
    for number in range(3):
        queue.put(number, reason="poisoned")
    faults.start("replay_failure", 1)
    assert replayer.replay() == 0
    assert len(queue) == 3
    faults.stop_all()

    assert [replayer.replay(), replayer.replay(), replayer.replay()] == [2, 1, 0]
    assert given_back == [2, 0, 1]  # 0 and 1 were tried in vain, and went behind 2


def test_poisoned_messages_grow_the_queue_and_all_succeed_when_the_fault_is_over(
    simulation: Simulation,
) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("poisoned_messages", 0.3, 300)

    during = simulation.figures(300)

    dead = simulation.value("insa_dlq_enqueued_total", reason="poisoned")
    assert dead == pytest.approx(0.3 * 1500, abs=80)  # standard deviation 18, and 39 of the traffic itself
    # all but the 20 that a replay may have under way
    assert dead - 20 <= simulation.value("insa_dlq_size") <= dead
    assert simulation.value("insa_dlq_oldest_message_age_seconds") > 250
    assert simulation.value("insa_dlq_replayed_total", result="failure") > 200
    assert simulation.value("insa_dlq_replayed_total", result="success") == 0
    assert (during.error, during.timeout, during.over_5s) == (0, 0, 0)
    failed_before = simulation.value("insa_dlq_replayed_total", result="failure")
    simulation.run(330)  # 450 letters, 20 every 10 s: 225 s
    assert simulation.value("insa_dlq_size") == 0
    assert simulation.value("insa_dlq_replayed_total", result="success") == dead
    assert simulation.value("insa_dlq_replayed_total", result="failure") <= failed_before + 20
    counts = simulation.orchestrator.counts()
    assert counts.dead == 0
    assert sum(agent["success"] for agent in counts.by_agent.values()) == counts.ended
    assert_calm(simulation.figures(60))


def test_replay_failure_fails_every_replay_until_it_ends(simulation: Simulation) -> None:
    simulation.faults.start("replay_failure", None, 300)

    during = simulation.figures(300)

    size = simulation.value("insa_dlq_size")
    assert 10 <= size <= 55  # 2 % of 1,500: 30, standard deviation 5.5
    assert simulation.value("insa_dlq_replayed_total", result="failure") > 100
    assert simulation.value("insa_dlq_replayed_total", result="success") == 0
    assert (during.error, during.timeout) == (0, 0)
    simulation.run(60)
    assert simulation.value("insa_dlq_replayed_total", result="success") == size
    assert simulation.value("insa_dlq_size") == 0
    assert_calm(simulation.figures(60))


def test_what_the_full_queue_drops_ends_as_an_error(simulation: Simulation) -> None:
    orchestrator = simulation.orchestrator
    for number in range(1001):
        request = orchestrator.submit("crm", number)
        orchestrator.workers[request.number % 4].queue.take()
        simulation.clock.now += 0.001
        orchestrator.died(request, "poisoned")

    counts = orchestrator.counts()
    assert (counts.dead, counts.by_agent["crm"]["error"], counts.waiting) == (1000, 1, 0)
    assert simulation.value("insa_agent_requests_in_flight", agent="crm") == 0
    seconds = simulation.value("insa_agent_request_duration_seconds_sum", agent="crm")
    assert seconds == pytest.approx(0.001)  # the sender knew when the message died


def test_a_replay_that_does_not_succeed_goes_back_with_its_age(simulation: Simulation) -> None:
    orchestrator = simulation.orchestrator
    orchestrator.died(orchestrator.submit("crm", 1), "poisoned")
    simulation.clock.now += 60
    letter = orchestrator.dead_letters.take()
    assert letter
    orchestrator.workers[1].queue.take()
    orchestrator.revive(letter)
    revived = next(worker.queue.take() for worker in orchestrator.workers if worker.queue.depth)
    assert revived

    orchestrator.finished(revived, Status.TIMEOUT)

    assert orchestrator.counts().dead == len(orchestrator.dead_letters) == 1
    assert simulation.value("insa_dlq_oldest_message_age_seconds") == 60
    assert simulation.value("insa_dlq_enqueued_total", reason="poisoned") == 1
    assert simulation.value("insa_dlq_replayed_total", result="failure") == 1
