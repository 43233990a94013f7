"""Agents and their upstream."""

import pytest
from prometheus_client import CollectorRegistry

from demo_app.agents import Agent, AgentError, AgentTimeoutError, Call, Upstream, all_agents
from demo_app.faults import Faults
from demo_app.metrics import Metrics
from demo_app.model import AGENTS, Request
from unit.demo_app.simulation import FakeClock


@pytest.fixture
def faults(clock: FakeClock) -> Faults:
    return Faults(clock, Metrics(CollectorRegistry(), []))


def request(seed: int = 1, agent: str = "crm") -> Request:
    return Request(1, agent, seed, arrived=0.0, deadline=45.0)


def test_there_is_one_agent_for_every_name(faults: Faults) -> None:
    assert tuple(all_agents(faults)) == AGENTS


@pytest.mark.parametrize("agent", AGENTS)
def test_without_a_fault_every_answer_comes_within_its_bounds(faults: Faults, agent: str) -> None:
    calls = [Upstream(faults).call(request(seed, agent)) for seed in range(1000)]

    assert all(call.answered and not call.refused for call in calls)
    assert all(0.05 <= call.seconds <= 1.5 for call in calls)
    assert len({call.seconds for call in calls}) > 500


def test_a_request_takes_the_same_time_whenever_it_is_sent(faults: Faults) -> None:
    assert Upstream(faults).call(request(5)) == Upstream(faults).call(request(5))


def test_latency_adds_its_seconds_to_the_very_same_answer(faults: Faults) -> None:
    calm = Upstream(faults).call(request())
    faults.start("latency", 12)

    assert Upstream(faults).call(request()) == Call(calm.seconds + 12)


def test_a_refused_call_takes_as_long_as_an_answered_one(faults: Faults) -> None:
    calm = Upstream(faults).call(request())
    faults.start("errors", 1)

    assert Upstream(faults).call(request()) == Call(calm.seconds, refused=True)


def test_a_silent_upstream_is_given_up_after_six_seconds(faults: Faults) -> None:
    faults.start("timeouts", 1)

    assert Upstream(faults).call(request()) == Call(6.0, answered=False)


def test_an_agent_raises_for_what_did_not_come_back_well(faults: Faults) -> None:
    agent = Agent("crm", Upstream(faults))

    agent.finish(request(), Call(0.1))
    with pytest.raises(AgentError, match="crm: the upstream refused request 1"):
        agent.finish(request(), Call(0.1, refused=True))
    with pytest.raises(AgentTimeoutError, match="crm: no answer to request 1 in 6 s"):
        agent.finish(request(), Call(6.0, answered=False))
