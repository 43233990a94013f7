"""The dependencies of the agents, and the faults in them."""

import pytest
from prometheus_client import CollectorRegistry

from demo_app.faults import Faults
from demo_app.metrics import Metrics
from demo_app.model import AGENTS, Request
from demo_app.upstream import Call, Outcome, Upstream
from unit.demo_app.simulation import FakeClock


@pytest.fixture
def faults(clock: FakeClock) -> Faults:
    return Faults(clock, Metrics(CollectorRegistry(), []))


@pytest.fixture
def upstream(faults: Faults, clock: FakeClock) -> Upstream:
    return Upstream(faults, clock)


def request(seed: int = 1, agent: str = "crm") -> Request:
    return Request(1, agent, seed, arrived=0.0, deadline=45.0)


@pytest.mark.parametrize("agent", AGENTS)
def test_without_a_fault_every_answer_comes_within_its_bounds(upstream: Upstream, agent: str) -> None:
    first = [upstream.call(request(seed, agent)) for seed in range(1000)]
    second = [upstream.call(request(seed, agent), 2) for seed in range(1000)]

    assert {call.outcome for call in second} == {Outcome.ANSWERED}
    assert all(0.05 <= call.seconds <= 1.5 for call in [*first, *second])
    assert len({call.seconds for call in first}) > 500
    # one in a hundred finds its dependency busy once: 10 of 1,000, standard deviation 3
    assert 1 <= sum(call.outcome is Outcome.BUSY for call in first) <= 22


def test_a_request_takes_the_same_time_whenever_it_is_sent(upstream: Upstream) -> None:
    assert upstream.call(request(5)) == upstream.call(request(5))


def test_latency_adds_its_seconds_to_the_very_same_answer(upstream: Upstream, faults: Faults) -> None:
    calm = upstream.call(request())
    faults.start("latency", 12)

    assert upstream.call(request()) == Call(calm.seconds + 12)


def test_a_refused_call_takes_as_long_as_an_answered_one(upstream: Upstream, faults: Faults) -> None:
    calm = upstream.call(request())
    faults.start("errors", 1)

    assert upstream.call(request()) == Call(calm.seconds, Outcome.REFUSED)


def test_a_silent_upstream_is_given_up_after_six_seconds(upstream: Upstream, faults: Faults) -> None:
    faults.start("timeouts", 1)

    assert upstream.call(request()) == Call(6.0, Outcome.SILENT)


@pytest.mark.parametrize(("down", "unreachable"), [(1, {"crm"}), (2, set(AGENTS))])
def test_dependencies_go_down_one_after_the_other(
    upstream: Upstream, faults: Faults, down: int, unreachable: set[str]
) -> None:
    faults.start("dependency_down", down)

    found = {agent for agent in AGENTS if upstream.call(request(1, agent)).outcome is Outcome.DOWN}

    assert found == unreachable


def test_a_flapping_dependency_is_away_for_the_first_half_of_each_period(
    upstream: Upstream, faults: Faults, clock: FakeClock
) -> None:
    faults.start("breaker_flapping", 10)

    found = []
    for clock.now in (1000.0, 1004.9, 1005.0, 1009.9, 1010.0):
        found.append(upstream.call(request(1, "sizing")).outcome is Outcome.DOWN)

    assert found == [True, True, False, False, True]
    assert upstream.call(request(1, "crm")).outcome is Outcome.ANSWERED


def test_a_retry_storm_is_busy_until_the_last_attempt_and_a_failure_at_that_too(
    upstream: Upstream, faults: Faults
) -> None:
    faults.start("retry_storm", 1)
    storm = [upstream.call(request(), attempt).outcome for attempt in (1, 2, 3, 4)]
    faults.stop_all()
    faults.start("retry_failure", 1)
    failure = [upstream.call(request(), attempt).outcome for attempt in (1, 2, 3, 4)]

    assert storm == [Outcome.BUSY] * 3 + [Outcome.ANSWERED]
    assert failure == [Outcome.BUSY] * 4
