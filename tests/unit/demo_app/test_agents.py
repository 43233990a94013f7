"""Agents, step by step."""

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from demo_app.agents import Agent, AgentError, AgentTimeoutError, Step, all_agents
from demo_app.circuit_breaker import CircuitBreaker, State
from demo_app.context import Contexts
from demo_app.database import Database
from demo_app.faults import Faults
from demo_app.metrics import Metrics
from demo_app.model import AGENTS, DEPENDENCIES, Request
from demo_app.upstream import Upstream
from unit.demo_app.simulation import FakeClock


class Bench:
    """All agents on one upstream, with their breakers and what they count."""

    def __init__(self, directory: Path) -> None:
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        events = Metrics(self.registry, [])
        self.faults = Faults(self.clock, events)
        self.breakers = {name: CircuitBreaker(name, clock=self.clock, events=events) for name in DEPENDENCIES}
        contexts = Contexts(self.faults, self.clock, events)
        self.database = Database(directory, faults=self.faults, clock=self.clock, events=events)
        self.agents = all_agents(
            contexts,
            Upstream(self.faults, self.clock),
            self.breakers,
            self.database,
            publisher=self,
            events=events,
        )
        self.published: list[tuple[str, str, int]] = []

    def publish(self, topic: str, text: str, seed: int) -> None:
        self.published.append((topic, text, seed))

    def work(self, agent: Agent, request: Request) -> list[Step]:
        """Do a task to its end and return its steps; raises as the agent does."""
        steps: list[Step] = []
        step: Step | None = agent.begin(request)
        while step is not None:
            steps.append(step)
            self.clock.now += step.seconds
            step = agent.finish(request, step)
        return steps

    def count(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def request(agent: str = "crm") -> Request:
    return Request(1, agent, seed=1, arrived=0.0, deadline=45.0)


def test_there_is_one_agent_for_every_name(bench: Bench) -> None:
    assert tuple(bench.agents) == AGENTS


def test_a_task_that_succeeds_is_one_call(bench: Bench) -> None:
    steps = bench.work(bench.agents["crm"], request())

    assert len(steps) == 2  # … and, for the CRM agent, a visit to the database
    assert steps[1].lease
    assert bench.published == [("customers", "request 1 was visit 1 of its customer", 1)]
    assert bench.count("insa_retry_attempts_per_call_sum") == 1
    assert bench.count("insa_retry_attempts_total", operation="crm-api") == 0


def test_what_is_not_in_the_cache_is_fetched_before_the_call(bench: Bench) -> None:
    bench.faults.start("cache_down", 1)

    steps = bench.work(bench.agents["crm"], request())

    assert [(step.seconds, step.attempt, step.call is None) for step in steps[:1]] == [(0.2, 1, True)]
    assert len(steps) == 3
    assert bench.count("insa_cache_misses_total", cache="customer") == 1
    assert bench.count("insa_retry_attempts_per_call_sum") == 1  # the wait for the record was no attempt


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("errors", AgentError, "crm: the upstream refused request 1"),
        ("timeouts", AgentTimeoutError, "crm: no answer to request 1 in 6 s"),
    ],
)
def test_refusal_and_silence_are_not_tried_again_and_no_breaker_counts_them(
    bench: Bench, fault: str, error: type[AgentError], words: str
) -> None:
    bench.faults.start(fault, 1)

    for _ in range(20):
        with pytest.raises(error, match=words):
            bench.work(bench.agents["crm"], request())

    assert bench.count("insa_retry_attempts_total", operation="crm-api") == 0
    assert bench.count("insa_circuit_breaker_failures_total", breaker="crm-api") == 0


def test_a_busy_dependency_is_tried_again_after_a_growing_pause(bench: Bench) -> None:
    bench.faults.start("retry_storm", 1)

    steps = bench.work(bench.agents["crm"], request())

    assert [step.attempt for step in steps] == [1, 2, 2, 3, 3, 4, 4, 4]  # call, pause, call, …, database
    pauses = [step.seconds for step in steps if step.call is None and step.lease is None]
    # 0.2, 0.4, 0.8 s at most, and half of that at least
    assert 0.1 <= pauses[0] < 0.2 <= pauses[1] < 0.4 <= pauses[2] < 0.8
    assert bench.count("insa_retry_attempts_total", operation="crm-api") == 3
    assert bench.count("insa_retry_outcomes_total", operation="crm-api", outcome="success") == 1
    assert bench.count("insa_retry_delay_seconds_sum") == pytest.approx(sum(pauses))


def test_when_the_attempts_are_used_up_the_task_has_failed(bench: Bench) -> None:
    bench.faults.start("retry_failure", 1)

    with pytest.raises(AgentError, match="crm: request 1 failed at each of 4 attempts"):
        bench.work(bench.agents["crm"], request())

    assert bench.count("insa_retry_outcomes_total", operation="crm-api", outcome="exhausted") == 1
    assert bench.breakers["crm-api"].observe() is State.CLOSED  # busy is an answer


def test_with_its_breaker_open_the_crm_agent_fails_at_once(bench: Bench) -> None:
    bench.faults.start("dependency_down", 2)
    with pytest.raises(AgentError, match="failed at each of 4 attempts"):
        bench.work(bench.agents["crm"], request())
    with pytest.raises(AgentError, match="the circuit breaker of crm-api is open"):
        bench.work(bench.agents["crm"], request())  # the fifth failure opened it
    began = bench.clock.now

    with pytest.raises(AgentError, match="the circuit breaker of crm-api is open"):
        bench.work(bench.agents["crm"], request())

    assert bench.clock.now == began
    assert bench.count("insa_circuit_breaker_failures_total", breaker="crm-api") == 5
    assert bench.count("insa_retry_outcomes_total", operation="crm-api", outcome="exhausted") == 2
    # The second request, whose second attempt was rejected, and the third. The first used up its attempts.
    assert bench.count("insa_circuit_breaker_failed_requests_total", breaker="crm-api") == 2


def test_a_replayed_request_that_is_rejected_again_does_not_count_as_failed(bench: Bench) -> None:
    bench.faults.start("dependency_down", 2)
    for _ in range(2):
        with pytest.raises(AgentError):
            bench.work(bench.agents["crm"], request())

    with pytest.raises(AgentError, match="is open"):
        bench.work(bench.agents["crm"], replace(request(), dead_since=0.0))

    # Of the two above the second one's; the replayed one goes back among the dead letters.
    assert bench.count("insa_circuit_breaker_failed_requests_total", breaker="crm-api") == 1


def test_with_its_breaker_open_an_agent_on_the_model_answers_by_rules(bench: Bench) -> None:
    bench.faults.start("dependency_down", 2)
    with pytest.raises(AgentError):
        bench.work(bench.agents["support"], request("support"))
    bench.work(bench.agents["sizing"], request("sizing"))  # its first call opens the breaker

    steps = bench.work(bench.agents["support"], request("support"))

    assert [step.call for step in steps] == [None]
    assert bench.count("insa_agent_fallbacks_total", agent="sizing") == 1
    assert bench.count("insa_agent_fallbacks_total", agent="support") == 1
    assert bench.count("insa_circuit_breaker_failed_requests_total", breaker="llm") == 0


def test_an_abandoned_probe_makes_way_for_the_next(bench: Bench) -> None:
    bench.faults.start("dependency_down", 1)
    for _ in range(2):
        with pytest.raises(AgentError):
            bench.work(bench.agents["crm"], request())
    bench.faults.stop_all()
    bench.clock.now += 30
    probe = bench.agents["crm"].begin(request())
    assert bench.agents["crm"].begin(request()).rejected

    bench.agents["crm"].abandon(probe)
    bench.work(bench.agents["crm"], request())

    assert bench.breakers["crm-api"].observe() is State.CLOSED
