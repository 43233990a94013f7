"""Faults of the message bus and of the sessions, in the whole app on its own clock."""

import pytest

from demo_app.message_bus import TopicCounts
from demo_app.model import AGENTS, TOPICS
from unit.demo_app.simulation import Simulation
from unit.demo_app.test_fault_effects import assert_calm


def topic_counts(simulation: Simulation, topic: str) -> TopicCounts:
    return simulation.system.bus.counts()[topic]


def test_every_request_that_ends_and_every_visit_is_one_message(simulation: Simulation) -> None:
    simulation.run(300)
    simulation.faults.start("traffic_drop", 1, 60)
    simulation.run(30)

    ended = simulation.orchestrator.counts().ended
    visits = simulation.value("insa_database_queries_total", operation="write", status="success")
    assert ended > 1400
    assert topic_counts(simulation, "requests") == TopicCounts(ended, ended, 0, 0, 0)
    assert topic_counts(simulation, "customers") == TopicCounts(int(visits), int(visits), 0, 0, 0)
    for topic in TOPICS:
        counts = topic_counts(simulation, topic)
        assert simulation.value("insa_message_bus_published_total", topic=topic) == counts.published
        assert simulation.value("insa_message_bus_delivered_total", topic=topic) == counts.delivered
    assert sum(simulation.system.activity.counts().values()) == ended + visits


def test_with_the_bus_down_a_hundred_requests_wait_within_half_a_minute_and_drain_within_seconds(
    simulation: Simulation,
) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("bus_down", duration_seconds=120)
    simulation.run(30)
    assert simulation.value("insa_message_bus_up") == 0
    assert simulation.value("insa_message_bus_backlog", topic="requests") > 100  # 5/s x 30 s = 150 expected

    during = simulation.figures(89)

    assert during.messages == during.messages_dropped == 0
    assert during.backlog == sum(topic_counts(simulation, topic).backlog for topic in TOPICS) > 600
    assert (during.error, during.timeout, during.over_5s, during.healthy) == (0, 0, 0, 4)
    simulation.run(2 + 5)  # the last second of the fault, one until that is seen, and 5
    assert simulation.value("insa_message_bus_up") == 1
    assert simulation.value("insa_message_bus_backlog", topic="requests") == 0
    assert_calm(simulation.figures(60))


def test_a_long_outage_of_the_bus_drops_the_oldest_messages_and_counts_them(simulation: Simulation) -> None:
    simulation.faults.start("bus_down", duration_seconds=400)

    during = simulation.figures(399)

    counts = topic_counts(simulation, "requests")
    assert counts.backlog == simulation.value("insa_message_bus_backlog", topic="requests") == 1000
    # 5/s x 399 s = 1,995 requests, standard deviation 45, of which 1,000 fit in
    assert counts.dropped == during.messages_dropped == pytest.approx(995, abs=180)
    assert counts.published == counts.dropped + 1000
    simulation.run(10)
    dropped = topic_counts(simulation, "requests").dropped
    assert dropped - counts.dropped <= 25  # 2 s more of 5/s: 10, standard deviation 3
    assert_calm(simulation.figures(60))
    assert topic_counts(simulation, "requests").dropped == dropped


def test_a_slow_bus_moves_its_p95_above_two_seconds_and_nothing_waits(simulation: Simulation) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("bus_slow", None, 300)
    simulation.run(4)

    during = simulation.figures(290)

    assert during.messages_over_2s == during.messages > 1400  # all of them: 3 s and their own time
    assert (during.backlog, during.messages_dropped) == (0, 0)
    assert (during.error, during.timeout, during.over_5s, during.healthy) == (0, 0, 0, 4)
    assert simulation.value("insa_message_bus_up") == 1
    simulation.run(10)
    assert_calm(simulation.figures(60))


def test_short_sessions_end_after_a_minute_while_all_users_come_back(simulation: Simulation) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("short_sessions", None, 300)

    during = simulation.figures(300)

    # 24 seats with a session every 60 s and the 4.8 s until the next request: 24 x 300 / 65 = 110
    assert during.sessions_below_300s == pytest.approx(110, abs=15)
    total, count = (simulation.value(f"insa_session_duration_seconds_{part}") for part in ("sum", "count"))
    assert count == during.sessions_below_300s
    assert total / count < 62  # those that were open ended at an age of up to 60 s
    assert during.sessions >= 10
    assert (during.error, during.timeout, during.over_5s, during.backlog) == (0, 0, 0, 0)
    assert_calm(simulation.figures(60))
    simulation.run(300)
    assert_calm(simulation.figures(60))


def test_without_traffic_every_session_ends_within_a_minute(simulation: Simulation) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("traffic_drop", 1, 120)

    simulation.run(61)  # a minute, and the second between two looks

    assert simulation.value("insa_sessions_active") == 0
    assert simulation.system.sessions.counts().active == 0
    assert simulation.value("insa_session_duration_seconds_count") == 24
    simulation.run(90)
    assert simulation.value("insa_sessions_active") >= 10
    assert_calm(simulation.figures(60))


def test_ten_sessions_are_open_half_a_minute_after_the_start(simulation: Simulation) -> None:
    simulation.run(30)

    assert simulation.value("insa_sessions_active") >= 10


def test_sizes_are_reported_once_per_request_and_are_within_range(simulation: Simulation) -> None:
    simulation.faults.start("poisoned_messages", 0.3, 300)  # replays are no arrivals
    simulation.run(600)

    def total(part: str, **labels: str) -> float:
        name = f"insa_agent_request_size_bytes_{part}"
        return sum(simulation.value(name, agent=agent, **labels) for agent in AGENTS)

    submitted = simulation.orchestrator.counts().submitted
    assert total("count") == submitted
    assert total("bucket", le="100000.0") == submitted
    assert total("bucket", le="100.0") / submitted < 0.01  # ln(100/1500) = -2.7 deviations: 0.3 %
    # log-normal with spread 1: mean 1500 x exp(1/2) = 2,473, standard error 1.31 x 2,473 / sqrt(3,000) = 59
    assert total("sum") / submitted == pytest.approx(2473, abs=240)
    # below 1,000: normal distribution at ln(1000/1500) = -0.405 is 0.343
    assert total("bucket", le="1000.0") / submitted == pytest.approx(0.343, abs=0.035)
