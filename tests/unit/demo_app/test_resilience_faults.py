"""Faults of retries and breakers, each seen in the metrics it names, in the whole app on its own clock."""

import pytest

from demo_app.model import DEPENDENCIES
from unit.demo_app.simulation import Simulation
from unit.demo_app.test_fault_effects import assert_calm


def breaker_changes(simulation: Simulation, breaker: str) -> float:
    """Return how often the breaker has opened from closed, and closed again."""
    name = "insa_circuit_breaker_transitions_total"
    return simulation.value(name, breaker=breaker, from_state="closed", to_state="open") + simulation.value(
        name, breaker=breaker, from_state="half_open", to_state="closed"
    )


def retries(simulation: Simulation, outcome: str) -> float:
    return sum(
        simulation.value("insa_retry_outcomes_total", operation=operation, outcome=outcome)
        for operation in DEPENDENCIES
    )


def test_at_rest_breakers_are_closed_and_the_few_retries_succeed(simulation: Simulation) -> None:
    for _ in range(10):
        assert_calm(simulation.figures(60))
    simulation.run(1)

    for breaker in DEPENDENCIES:
        closed = simulation.value("insa_circuit_breaker_state_seconds_total", breaker=breaker, state="closed")
        assert closed == pytest.approx(601, abs=1.1)
        assert simulation.value("insa_circuit_breaker_failures_total", breaker=breaker) == 0
    assert 10 <= retries(simulation, "success") <= 60  # 1 % of 3,000: 30, standard deviation 5.5
    assert retries(simulation, "exhausted") == 0


def test_a_dependency_that_is_down_opens_its_breaker_alone(simulation: Simulation) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("dependency_down", 1, 300)

    during = simulation.figures(290)

    assert during.error / during.requests == pytest.approx(0.4, abs=0.06)  # the CRM's share of the traffic
    assert during.timeout == during.over_5s == 0
    assert simulation.value("insa_circuit_breaker_rejected_calls_total", breaker="crm-api") > 400
    # Every error but those of requests that met no open breaker at any attempt: five failures, four attempts
    # a request, so two requests at most.
    explained = simulation.value("insa_circuit_breaker_failed_requests_total", breaker="crm-api")
    assert during.error - 2 <= explained <= during.error
    assert simulation.value("insa_circuit_breaker_failed_requests_total", breaker="llm") == 0
    # 5 failures opened it, and every 30 s a probe failed: 9 more
    assert 13 <= simulation.value("insa_circuit_breaker_failures_total", breaker="crm-api") <= 20
    open_seconds = simulation.value(
        "insa_circuit_breaker_state_seconds_total", breaker="crm-api", state="open"
    )
    assert open_seconds > 260
    assert simulation.value("insa_circuit_breaker_state", breaker="llm") == 0
    assert breaker_changes(simulation, "llm") == 0
    simulation.run(60)
    assert simulation.value("insa_circuit_breaker_state", breaker="crm-api") == 0
    assert breaker_changes(simulation, "crm-api") == 2
    assert_calm(simulation.figures(60))


def test_with_the_model_down_too_its_agents_fall_back(simulation: Simulation) -> None:
    simulation.faults.start("dependency_down", 2, 300)
    simulation.run(10)

    during = simulation.figures(280)

    assert simulation.value("insa_circuit_breaker_state", breaker="llm") > 0
    assert during.success / during.requests == pytest.approx(0.6, abs=0.06)  # all but the CRM's
    assert simulation.value("insa_agent_fallbacks_total", agent="support") > 200  # a quarter of 1,400
    assert simulation.value("insa_agent_fallbacks_total", agent="crm") == 0
    simulation.run(60)
    assert_calm(simulation.figures(60))


def test_a_flapping_breaker_opens_and_closes_while_hardly_a_request_fails(simulation: Simulation) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("breaker_flapping", None, 600)

    during = simulation.figures(600)

    # ten periods of 60 s; each opens it once and, when the model is back, closes it once
    assert 16 <= breaker_changes(simulation, "llm") <= 22
    assert breaker_changes(simulation, "crm-api") == 0
    assert during.error / during.requests < 0.001
    assert during.timeout == during.over_5s == 0
    simulation.run(60)
    assert simulation.value("insa_circuit_breaker_state", breaker="llm") == 0
    assert_calm(simulation.figures(60))


def test_retry_failure_uses_up_the_retries_of_its_share(simulation: Simulation) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("retry_failure", 0.2, 300)

    during = simulation.figures(300)

    assert during.error / during.requests == pytest.approx(0.2, abs=0.04)
    assert retries(simulation, "exhausted") == during.error
    assert retries(simulation, "success") < 40
    assert sum(breaker_changes(simulation, breaker) for breaker in DEPENDENCIES) == 0
    simulation.run(3)
    assert_calm(simulation.figures(60))


def test_a_retry_storm_makes_four_calls_of_one_and_nothing_fails(simulation: Simulation) -> None:
    assert_calm(simulation.figures(60))
    calls, attempts = (simulation.value(f"insa_retry_attempts_per_call_{part}") for part in ("count", "sum"))
    simulation.faults.start("retry_storm", None, 300)
    simulation.run(10)

    during = simulation.figures(280)

    calls = simulation.value("insa_retry_attempts_per_call_count") - calls
    attempts = simulation.value("insa_retry_attempts_per_call_sum") - attempts
    assert attempts / calls == pytest.approx(3.4, abs=0.2)  # 0.8 x 4 + 0.2 x 1
    assert (during.error, during.timeout, during.over_5s) == (0, 0, 0)
    assert sum(breaker_changes(simulation, breaker) for breaker in DEPENDENCIES) == 0
    simulation.run(5)
    assert_calm(simulation.figures(60))
