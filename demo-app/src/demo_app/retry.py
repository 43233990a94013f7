"""Retry: how often a failed call is tried again, and how long to wait before.

Nothing here sleeps. The caller gets a delay and waits in its own way.
"""

from dataclasses import dataclass
from typing import Protocol


class RetryEvents(Protocol):
    """Notified of calls that are tried again."""

    def retry_scheduled(self, operation: str, delay_seconds: float) -> None:
        """A call is tried again after `delay_seconds`."""
        ...

    def retry_ended(self, operation: str, *, succeeded: bool) -> None:
        """Record how a call ended that was tried again at least once."""
        ...

    def call_ended(self, operation: str, attempts: int) -> None:
        """A call ended, successfully or not, after that many attempts."""
        ...


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter, bounded in attempts and in delay."""

    maximum_attempts: int = 4
    first_delay_seconds: float = 0.2
    factor: float = 2.0
    maximum_delay_seconds: float = 2.0

    def delay_seconds(self, attempts: int, draw: float) -> float | None:
        """Return the wait after that many failed attempts, or None when there is no further one.

        full = min(maximum, first x factor^(attempts - 1)); the delay is full x (1 + draw) / 2, for a draw
        from [0, 1): callers that failed together do not come back together.
        """
        if attempts >= self.maximum_attempts:
            return None
        full = min(self.maximum_delay_seconds, self.first_delay_seconds * self.factor ** (attempts - 1))
        return full * (1 + draw) / 2


class Retry:
    """The retries of one operation."""

    def __init__(self, operation: str, events: RetryEvents, policy: RetryPolicy) -> None:
        self.operation = operation
        self._events = events
        self._policy = policy

    def after_failure(self, attempts: int, draw: float) -> float | None:
        """Return the seconds to wait before the next attempt; None ends the call as failed."""
        delay = self._policy.delay_seconds(attempts, draw)
        if delay is None:
            self.ended(attempts, succeeded=False)
        else:
            self._events.retry_scheduled(self.operation, delay)
        return delay

    def ended(self, attempts: int, *, succeeded: bool) -> None:
        """Report that a call ended after that many attempts, other than through `after_failure`."""
        self._events.call_ended(self.operation, attempts)
        if attempts > 1:
            self._events.retry_ended(self.operation, succeeded=succeeded)
