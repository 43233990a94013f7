"""Each fault moves the metrics it names, leaves the others alone, and all returns afterwards.

The simulated app gets 5 requests/s from seed 1: some 300 a minute.
"""

import math

import pytest

from demo_app.catalogue import SPECS
from demo_app.model import WORKERS
from unit.demo_app.simulation import Figures, Simulation


def assert_calm(figures: Figures) -> None:
    """A healthy minute: all succeed within 1.5 s, all workers are healthy, nothing waits, users stay."""
    assert 240 <= figures.success <= 360  # 300 expected, standard deviation sqrt(300) = 17
    assert (figures.error, figures.timeout, figures.task_failures, figures.over_5s) == (0, 0, 0, 0)
    assert 0.5 < figures.p95_seconds <= 2  # the slowest answer takes 1.5 s, and 2 is the next bound
    assert (figures.healthy, figures.queued, figures.restarts) == (4, 0, 0)
    assert figures.messages >= figures.requests - 10  # those of the last 0.3 s are under way
    assert (figures.backlog, figures.messages_dropped, figures.messages_over_2s) == (0, 0, 0)
    assert figures.sessions >= 10  # the SLA's target
    assert figures.sessions_below_300s == 0


def test_without_a_fault_the_system_is_healthy(simulation: Simulation) -> None:
    for _ in range(5):
        assert_calm(simulation.figures(60))


def test_half_an_hour_without_a_fault_crosses_no_threshold_of_any_mechanism(simulation: Simulation) -> None:
    for _ in range(30):
        assert_calm(simulation.figures(60))

    still = [
        sample
        for sample in simulation.samples().items()
        if sample[0].startswith(
            (
                "insa_agent_fallbacks_total",
                "insa_circuit_breaker_transitions_total",
                "insa_circuit_breaker_rejected_calls_total",
                "insa_circuit_breaker_failed_requests_total",
                "insa_circuit_breaker_failures_total",
                "insa_database_errors_total",
                "insa_dlq_",
                "insa_fault_active",
            )
        )
    ]
    assert len(still) > 20
    assert [name for name, value in still if value] == []
    attempts, calls = (simulation.value(f"insa_retry_attempts_per_call_{part}") for part in ("sum", "count"))
    assert attempts / calls == pytest.approx(1.01, abs=0.005)  # one call in a hundred takes two
    assert simulation.value("insa_message_bus_up") == 1
    seconds, ended = (simulation.value(f"insa_session_duration_seconds_{part}") for part in ("sum", "count"))
    # 24 seats, 1,800 s, 540 s each: 72 ends after the first 540 s; standard error 104/sqrt(60) = 13
    assert ended >= 40
    assert seconds / ended == pytest.approx(540, abs=50)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_worker_down_kills_workers_and_the_others_take_over(simulation: Simulation, workers: int) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("worker_down", workers, 60)

    during = simulation.figures(60)

    assert during.healthy == 4 - workers
    assert simulation.value("insa_worker_health_status", worker_name="worker-1") == 0
    assert simulation.value("insa_worker_health_status", worker_name="worker-4") == 1
    assert during.restarts == 0
    assert (during.error, during.timeout, during.over_5s) == (0, 0, 0)
    assert during.success >= 240
    recovery = simulation.figures(10)
    assert (recovery.healthy, recovery.restarts, recovery.error) == (4, workers, 0)
    assert_calm(simulation.figures(60))


def test_with_every_worker_down_every_request_fails_until_they_are_back(simulation: Simulation) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("worker_down", 4, 60)
    simulation.run(5)

    during = simulation.figures(50)

    assert (during.healthy, during.success, during.timeout) == (0, 0, 0)
    assert during.error >= 200  # 250 expected
    assert during.task_failures == 0  # no worker had them
    simulation.run(10)
    assert_calm(simulation.figures(60))


def test_errors_strike_their_share_of_requests(simulation: Simulation) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("errors", 0.3, 300)

    during = simulation.figures(300)

    # 0.3 of 1,500; standard deviation sqrt(1500 x 0.3 x 0.7) = 18 requests, 0.012 of the share
    assert during.error / during.requests == pytest.approx(0.3, abs=0.05)
    assert during.task_failures == during.error
    assert (during.timeout, during.over_5s, during.healthy, during.restarts) == (0, 0, 4, 0)
    simulation.run(2)
    assert_calm(simulation.figures(60))


def test_timeouts_strike_their_share_after_six_seconds_of_silence(simulation: Simulation) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("timeouts", 0.3, 300)

    during = simulation.figures(300)

    # as above, and the requests of the last 6 s have not ended yet: 2 % of the timeouts
    assert during.timeout / during.requests == pytest.approx(0.3, abs=0.05)
    assert during.over_5s == during.task_failures == during.timeout
    assert 5 < during.p95_seconds < 10  # 6 s lies in the bucket from 5 to 10: the latency alert stays quiet
    assert (during.error, during.healthy, during.restarts, during.queued) == (0, 4, 0, 0)
    simulation.run(7)
    assert_calm(simulation.figures(60))


def test_latency_moves_the_p95_above_ten_seconds_and_nothing_fails(simulation: Simulation) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("latency", None, 300)
    simulation.run(14)

    during = simulation.figures(280)

    # 12 s + 0.05…1.5 s: every request is in the bucket from 10 to 15, so P95 = 10 + 0.95 x 5 = 14.75
    assert during.p95_seconds == pytest.approx(14.75)
    assert during.over_5s == during.requests >= 1200
    assert (during.error, during.timeout, during.task_failures) == (0, 0, 0)
    assert (during.healthy, during.restarts, during.queued) == (4, 0, 0)
    simulation.run(20)
    assert_calm(simulation.figures(60))


def test_latency_beyond_the_deadline_fills_slots_and_queues_and_ends_as_timeouts(
    simulation: Simulation,
) -> None:
    simulation.faults.start("latency", 120, 600)
    simulation.run(100)

    during = simulation.figures(120)

    # 5/s that stay 45 s are 225; 4 x 32 = 128 of them have slots, the other 97 wait
    assert 50 <= during.queued <= 150
    assert during.p95_seconds > 30
    assert (during.success, during.error) == (0, 0)
    assert during.timeout >= 500
    assert all(simulation.value("insa_worker_utilization_ratio", worker_name=name) > 0.9 for name in WORKERS)
    simulation.faults.stop_all()
    simulation.run(60)
    assert_calm(simulation.figures(60))


def test_traffic_drop_of_one_is_silence_and_nothing_else(simulation: Simulation) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start("traffic_drop", 1, 60)
    simulation.run(2)

    during = simulation.figures(58)

    assert during.requests == 0
    assert math.isnan(during.p95_seconds)
    assert (during.healthy, during.queued, during.restarts) == (4, 0, 0)
    assert simulation.system.traffic.lost >= 240
    simulation.run(1)  # the sessions that lapsed in the fault's last second are seen to have
    assert_calm(simulation.figures(60))


def test_traffic_drop_of_one_half_leaves_the_other_half_healthy(simulation: Simulation) -> None:
    simulation.faults.start("traffic_drop", 0.5, 300)

    during = simulation.figures(300)

    assert 650 <= during.success <= 850  # 750 expected
    assert (during.error, during.timeout, during.over_5s) == (0, 0, 0)


@pytest.mark.parametrize("fault", [spec.name for spec in SPECS])
def test_the_active_gauge_follows_a_fault_that_ends_on_its_own(simulation: Simulation, fault: str) -> None:
    others = [spec.name for spec in SPECS if spec.name != fault]
    simulation.faults.start(fault, duration_seconds=30)

    simulation.run(29)
    assert simulation.value("insa_fault_active", fault=fault) == 1
    assert [simulation.value("insa_fault_active", fault=name) for name in others] == [0] * len(others)

    simulation.run(2)
    assert simulation.value("insa_fault_active", fault=fault) == 0


def test_two_runs_with_one_seed_are_the_same_to_the_last_sample() -> None:
    first, second, other = Simulation(seed=7), Simulation(seed=7), Simulation(seed=8)
    for run in (first, second, other):
        for fault in ("errors", "restart_loop", "queue_flood", "bus_slow", "short_sessions"):
            run.faults.start(fault, duration_seconds=60)
        run.run(120)

    assert first.samples() == second.samples()
    assert first.samples() != other.samples()
