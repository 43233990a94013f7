"""The orchestrator: routing, and a count from which nothing is missing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from demo_app.model import WORKERS, Request
from unit.demo_app.simulation import Simulation

ORDERS = st.one_of(
    st.tuples(st.just("run"), st.floats(0.1, 60.0)),
    st.tuples(st.just("worker_down"), st.integers(1, 4)),
    st.tuples(st.just("errors"), st.floats(0, 1)),
    st.tuples(st.just("timeouts"), st.floats(0, 1)),
    st.tuples(st.just("latency"), st.floats(0, 120)),
    st.tuples(st.just("traffic_drop"), st.floats(0, 1)),
    st.tuples(st.just("dependency_down"), st.integers(1, 2)),
    st.tuples(st.just("breaker_flapping"), st.floats(2, 600)),
    st.tuples(st.just("retry_failure"), st.floats(0, 1)),
    st.tuples(st.just("retry_storm"), st.floats(0, 1)),
    st.tuples(st.just("poisoned_messages"), st.floats(0, 1)),
    st.tuples(st.just("replay_failure"), st.floats(0, 1)),
    st.tuples(st.just("cache_miss_storm"), st.floats(0, 1)),
    st.tuples(st.just("eviction_storm"), st.integers(1, 20)),
    st.tuples(st.just("cache_down"), st.integers(1, 2)),
    st.tuples(st.just("database_errors"), st.floats(0, 1)),
    st.tuples(st.just("database_slow"), st.floats(0, 30)),
    st.tuples(st.just("database_down"), st.just(1)),
    st.tuples(st.just("restart_loop"), st.integers(1, 4)),
    st.tuples(st.just("queue_flood"), st.integers(110, 240)),
    st.tuples(st.just("bus_down"), st.just(1)),
    st.tuples(st.just("bus_slow"), st.floats(0, 30)),
    st.tuples(st.just("short_sessions"), st.floats(5, 300)),
    st.tuples(st.just("stop"), st.none()),
)


@settings(max_examples=40, deadline=None)  # an example simulates minutes; how long it takes is the machine's
@given(rate=st.sampled_from([1.0, 5.0, 40.0]), orders=st.lists(ORDERS, max_size=8))
def test_every_request_that_came_in_is_done_failed_waiting_or_dead(
    rate: float, orders: list[tuple[str, float | None]]
) -> None:
    simulation = Simulation(rate=rate)
    for order, value in [*orders, ("run", 5.0)]:
        if order == "run":
            assert value is not None
            simulation.run(value)
        elif order == "stop":
            simulation.faults.stop_all()
        else:
            simulation.faults.start(order, value, 30)

        counts = simulation.orchestrator.counts()
        batch = simulation.orchestrator.batch.counts()
        tasks = sum(w.queue.depth + w.running for w in simulation.orchestrator.workers)
        waiting = tasks - batch.waiting
        dead = len(simulation.orchestrator.dead_letters)
        assert counts.submitted == counts.ended + waiting + dead
        assert counts.submitted == simulation.system.traffic.sent
        assert min(batch.submitted, batch.done, batch.waiting, batch.refused) >= 0
        for topic in simulation.system.bus.counts().values():
            assert topic.published == topic.delivered + topic.backlog + topic.under_way + topic.dropped
        assert simulation.system.bus.counts()["requests"].published == counts.ended
        sessions = simulation.system.sessions.counts()
        assert sessions.begun == sessions.ended + sessions.active

    # the metrics say the same as the orchestrator's own count
    for agent, ended in counts.by_agent.items():
        for status, count in ended.items():
            assert simulation.value("insa_agent_requests_total", agent=agent, status=status) == count
    assert simulation.value("insa_dlq_size") == dead
    in_flight = sum(
        simulation.value("insa_agent_requests_in_flight", agent=agent) for agent in counts.by_agent
    )
    assert in_flight == waiting
    done = sum(simulation.value("insa_worker_tasks_processed_total", worker_name=name) for name in WORKERS)
    assert done == sum(worker.processed for worker in simulation.orchestrator.workers) >= batch.done
    delivered = simulation.system.bus.counts()["requests"].delivered
    assert simulation.value("insa_message_bus_delivered_total", topic="requests") == delivered
    assert simulation.value("insa_sessions_active") == sessions.active

    # and when all faults and all traffic are over, nothing is left anywhere
    simulation.faults.stop_all()
    simulation.faults.start("traffic_drop", 1, 3600)
    simulation.run(900)
    counts, batch = simulation.orchestrator.counts(), simulation.orchestrator.batch.counts()
    assert (counts.waiting, counts.dead, batch.waiting) == (0, 0, 0)
    assert counts.submitted == counts.ended
    assert all(topic.backlog == topic.under_way == 0 for topic in simulation.system.bus.counts().values())
    assert simulation.system.sessions.counts().active == 0


def test_equal_workers_take_turns() -> None:
    simulation = Simulation()

    for seed in range(8):
        simulation.orchestrator.submit("crm", seed)

    assert [worker.queue.depth for worker in simulation.orchestrator.workers] == [2, 2, 2, 2]


def test_the_worker_with_the_least_to_do_is_asked_first() -> None:
    simulation = Simulation()
    for worker in simulation.orchestrator.workers[:3]:
        worker.offer(Request(100 + worker.index, "crm", seed=1, arrived=1000.0, deadline=1045.0))

    simulation.orchestrator.submit("crm", 1)

    assert [worker.queue.depth for worker in simulation.orchestrator.workers] == [1, 1, 1, 1]


def test_a_request_that_no_queue_can_hold_ends_at_once_as_an_error() -> None:
    simulation = Simulation()
    for seed in range(4 * 250):
        simulation.orchestrator.submit("crm", seed)
    assert simulation.orchestrator.counts().ended == 0

    simulation.orchestrator.submit("crm", 1)

    counts = simulation.orchestrator.counts()
    assert (counts.by_agent["crm"]["error"], counts.waiting) == (1, 1000)


def test_requests_still_queued_at_shutdown_are_not_errors() -> None:
    simulation = Simulation()
    simulation.orchestrator.submit("crm", 1)

    simulation.orchestrator.stop()
    for worker in simulation.orchestrator.workers:
        assert worker.turn() is None

    assert simulation.orchestrator.counts().ended == 0
    assert [worker.alive for worker in simulation.orchestrator.workers] == [False] * len(WORKERS)
