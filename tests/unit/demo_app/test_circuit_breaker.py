"""The circuit breaker as a state machine on a clock of its own."""

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from demo_app.circuit_breaker import TRANSITIONS, BreakerOpenError, CircuitBreaker, Permit, State
from unit.demo_app.simulation import FakeClock


class Heard:
    """Records the events it gets."""

    def __init__(self) -> None:
        self.changes: list[tuple[State, State]] = []
        self.seconds: Counter[State] = Counter()
        self.rejected = self.failures = 0

    def breaker_changed(self, breaker: str, before: State, after: State) -> None:
        assert breaker == "llm"
        self.changes.append((before, after))

    def breaker_state_time(self, breaker: str, state: State, seconds: float) -> None:
        assert breaker == "llm"
        assert seconds > 0
        self.seconds[state] += seconds  # type: ignore[assignment]  # Counter is typed for whole numbers

    def breaker_rejected(self, breaker: str) -> None:
        assert breaker == "llm"
        self.rejected += 1

    def breaker_failure(self, breaker: str) -> None:
        assert breaker == "llm"
        self.failures += 1


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def breaker(clock: FakeClock, heard: Heard) -> CircuitBreaker:
    return CircuitBreaker("llm", clock=clock, events=heard, failure_limit=3, open_seconds=30)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(breaker.admit())


def test_failures_in_a_row_open_it_and_a_success_between_them_does_not(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    breaker.succeeded(breaker.admit())
    fail(breaker, 2)
    assert breaker.observe() is State.CLOSED

    fail(breaker, 1)

    assert breaker.observe() is State.OPEN


def test_an_open_breaker_rejects_until_its_time_is_over(
    breaker: CircuitBreaker, clock: FakeClock, heard: Heard
) -> None:
    fail(breaker, 3)
    clock.now += 29.9
    with pytest.raises(BreakerOpenError, match="the circuit breaker of llm is open"):
        breaker.admit()
    clock.now += 0.1

    assert breaker.observe() is State.HALF_OPEN
    assert heard.rejected == 1


def test_half_open_lets_one_probe_pass_whose_success_closes_it(
    breaker: CircuitBreaker, clock: FakeClock, heard: Heard
) -> None:
    fail(breaker, 3)
    clock.now += 40
    probe = breaker.admit()
    with pytest.raises(BreakerOpenError, match="is half_open"):
        breaker.admit()
    clock.now += 2

    breaker.succeeded(probe)

    assert breaker.observe() is State.CLOSED
    assert heard.changes == [
        (State.CLOSED, State.OPEN),
        (State.OPEN, State.HALF_OPEN),
        (State.HALF_OPEN, State.CLOSED),
    ]
    # half-open began after 30 s, whenever somebody looked: 42 - 30
    assert heard.seconds == {State.OPEN: 30, State.HALF_OPEN: 12}


def test_a_probe_that_fails_opens_it_for_the_whole_time_again(
    breaker: CircuitBreaker, clock: FakeClock
) -> None:
    fail(breaker, 3)
    clock.now += 30
    fail(breaker, 1)
    clock.now += 29.9
    assert breaker.observe() is State.OPEN


def test_what_becomes_of_a_call_from_before_the_opening_says_nothing_any_more(
    breaker: CircuitBreaker, clock: FakeClock, heard: Heard
) -> None:
    late_success, late_failure = breaker.admit(), breaker.admit()
    fail(breaker, 3)
    clock.now += 30
    assert breaker.observe() is State.HALF_OPEN

    breaker.succeeded(late_success)
    breaker.failed(late_failure)

    assert breaker.observe() is State.HALF_OPEN
    assert heard.failures == 4  # it failed all the same


class Machine(RuleBasedStateMachine):
    """Calls in any order, with any outcome, at any time; checked against what may be."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.heard = Heard()
        self.breaker = CircuitBreaker(
            "llm", clock=self.clock, events=self.heard, failure_limit=3, open_seconds=30
        )
        self.permits: list[Permit] = []
        self.settled = 0

    @rule()
    def admit(self) -> None:
        state = self.breaker.observe()
        try:
            self.permits.append(self.breaker.admit())
        except BreakerOpenError:
            assert state is not State.CLOSED
        else:
            assert state is not State.OPEN

    @precondition(lambda self: self.permits)
    @rule(which=st.integers(0, 1000), outcome=st.sampled_from(["succeeded", "failed", "released"]))
    def settle(self, which: int, outcome: str) -> None:
        permit = self.permits.pop(which % len(self.permits))
        failures = self.heard.failures
        getattr(self.breaker, outcome)(permit)
        assert self.heard.failures - failures == (outcome == "failed")

    @rule(seconds=st.floats(0.001, 40))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def changes_are_a_row_of_possible_ones(self) -> None:
        state = State.CLOSED
        for before, after in self.heard.changes:
            assert before is state
            assert (before, after) in TRANSITIONS
            state = after
        assert self.breaker.observe() in {state, State.HALF_OPEN}

    @invariant()
    def one_probe_at_most_is_under_way(self) -> None:
        if self.breaker.observe() is State.HALF_OPEN:
            newest = max((permit.era for permit in self.permits), default=0)
            era = len(self.heard.changes)
            assert newest <= era
            assert sum(permit.era == era for permit in self.permits) <= 1

    @invariant()
    def every_second_was_spent_in_one_state(self) -> None:
        self.breaker.observe()
        assert sum(self.heard.seconds.values()) == pytest.approx(self.clock.now - 1000.0)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
