"""Traffic: seeded, steady, without bursts after a stall."""

from itertools import islice

import pytest
from prometheus_client import CollectorRegistry

from demo_app.faults import Faults
from demo_app.metrics import Metrics
from demo_app.model import AGENTS
from demo_app.traffic import AGENT_SHARES, Arrival, Traffic, arrivals
from unit.demo_app.simulation import FakeClock


def make_faults(clock: FakeClock) -> Faults:
    return Faults(clock, Metrics(CollectorRegistry(), []))


def test_the_same_seed_gives_the_same_arrivals() -> None:
    first, again = (list(islice(arrivals(3, 5.0), 100)) for _ in range(2))
    other = list(islice(arrivals(4, 5.0), 100))

    assert first == again
    assert first != other


def test_arrivals_keep_the_rate_and_the_shares_of_the_agents() -> None:
    sample = list(islice(arrivals(1, 5.0), 20_000))

    # mean gap 1/5 s; its standard error is 0.2/sqrt(20000) = 0.0014 s
    assert sum(arrival.gap_seconds for arrival in sample) / len(sample) == pytest.approx(0.2, abs=0.006)
    for agent, share in AGENT_SHARES.items():
        found = sum(arrival.agent == agent for arrival in sample) / len(sample)
        assert found == pytest.approx(share, abs=0.02)


def test_every_agent_has_its_share_and_the_shares_are_all_of_the_traffic() -> None:
    assert tuple(AGENT_SHARES) == AGENTS
    assert sum(AGENT_SHARES.values()) == pytest.approx(1.0)


def test_a_step_sends_what_is_due_and_says_how_long_to_wait(clock: FakeClock) -> None:
    sent: list[tuple[str, int]] = []
    source = iter([Arrival(1.0, "crm", seed, 0.5) for seed in range(10)])
    traffic = Traffic(
        source, submit=lambda *order: sent.append(order), faults=make_faults(clock), clock=clock
    )

    assert traffic.step() == 1.0
    clock.now += 2.5  # the arrivals at 1 s and 2 s are due, the next one in half a second

    assert traffic.step() == 0.5
    assert sent == [("crm", 0), ("crm", 1)]
    assert traffic.sent == 2


def test_a_stall_of_the_process_is_not_made_up_for_by_a_burst(clock: FakeClock) -> None:
    sent: list[tuple[str, int]] = []
    source = iter([Arrival(1.0, "crm", seed, 0.5) for seed in range(100)])
    traffic = Traffic(
        source, submit=lambda *order: sent.append(order), faults=make_faults(clock), clock=clock
    )

    clock.now += 60

    assert traffic.step() == 1.0
    assert len(sent) == 1


def test_what_a_drop_loses_is_counted_and_does_not_shift_the_rest(clock: FakeClock) -> None:
    sent: list[tuple[str, int]] = []
    faults = make_faults(clock)
    source = iter([Arrival(1.0, "crm", seed, 0.1 * seed) for seed in range(10)])
    traffic = Traffic(source, submit=lambda *order: sent.append(order), faults=faults, clock=clock)
    faults.start("traffic_drop", 0.25)

    clock.now += 4.5  # arrivals 0 to 3, with draws 0.0, 0.1, 0.2 (below 0.25: lost) and 0.3
    traffic.step()

    assert (traffic.sent, traffic.lost, sent) == (1, 3, [("crm", 3)])
