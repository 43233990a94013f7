"""Retry: bounded in attempts and in delay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_app.retry import Retry, RetryPolicy


class Heard:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def retry_scheduled(self, operation: str, delay_seconds: float) -> None:
        self.events.append((operation, delay_seconds))

    def retry_ended(self, operation: str, *, succeeded: bool) -> None:
        self.events.append((operation, succeeded))

    def call_ended(self, operation: str, attempts: int) -> None:
        self.events.append((operation, "attempts", attempts))


POLICIES = st.builds(
    RetryPolicy,
    maximum_attempts=st.integers(1, 20),
    first_delay_seconds=st.floats(0.001, 10),
    factor=st.floats(1, 10),
    maximum_delay_seconds=st.floats(0.001, 60),
)


@given(policy=POLICIES, draw=st.floats(0, 1, exclude_max=True))
def test_every_call_ends_and_no_delay_leaves_its_bounds(policy: RetryPolicy, draw: float) -> None:
    delays = []
    while (delay := policy.delay_seconds(len(delays) + 1, draw)) is not None:
        delays.append(delay)

    assert len(delays) == policy.maximum_attempts - 1
    assert all(0 < delay <= policy.maximum_delay_seconds for delay in delays)
    assert delays == sorted(delays)  # for one and the same draw they only grow


def test_the_delay_doubles_up_to_its_maximum_and_jitter_takes_up_to_a_half() -> None:
    policy = RetryPolicy(maximum_attempts=6)

    # 0.2 x 2^n, at most 2 s; a draw of 0 takes half of it, one of 0.5 three quarters
    assert [policy.delay_seconds(n, 0.0) for n in range(1, 7)] == [0.1, 0.2, 0.4, 0.8, 1.0, None]
    assert policy.delay_seconds(1, 0.5) == pytest.approx(0.15)


def test_a_call_that_succeeds_at_once_was_no_retry() -> None:
    heard = Heard()

    Retry("llm", heard, RetryPolicy()).ended(1, succeeded=True)

    assert heard.events == [("llm", "attempts", 1)]


def test_attempts_and_outcome_are_reported_once_per_call() -> None:
    heard = Heard()
    retry = Retry("llm", heard, RetryPolicy(maximum_attempts=2))

    assert retry.after_failure(1, 0.0) == 0.1
    assert retry.after_failure(2, 0.0) is None

    assert heard.events == [("llm", 0.1), ("llm", "attempts", 2), ("llm", False)]


def test_a_retry_that_succeeds_is_reported() -> None:
    heard = Heard()

    Retry("llm", heard, RetryPolicy()).ended(2, succeeded=True)

    assert heard.events == [("llm", "attempts", 2), ("llm", True)]
