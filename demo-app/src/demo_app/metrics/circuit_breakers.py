"""The events of circuit breakers, counted."""

import functools

from prometheus_client import CollectorRegistry

from demo_app.circuit_breaker import State
from demo_app.model import DEPENDENCIES
from insa_instruments.circuit_breakers import STATE_VALUES, CircuitBreakerInstruments


class CircuitBreakerMetrics:
    """Implements BreakerEvents, and what AgentEvents says of breakers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._breakers = CircuitBreakerInstruments(registry, DEPENDENCIES)
        # What the mechanisms move many times a second is looked up once.
        self._breaker_state_seconds = functools.cache(self._breakers.state_seconds.labels)

    def breaker_changed(self, breaker: str, before: State, after: State) -> None:
        """Count a change of state, and show the new one."""
        self._breakers.transitions.labels(breaker, before, after).inc()
        self._breakers.state.labels(breaker).set(STATE_VALUES[after])

    def breaker_state_time(self, breaker: str, state: State, seconds: float) -> None:
        """Add to the time in a state."""
        self._breaker_state_seconds(breaker, state).inc(seconds)

    def breaker_rejected(self, breaker: str) -> None:
        """Count a rejected call."""
        self._breakers.rejected.labels(breaker).inc()

    def breaker_failed_request(self, breaker: str) -> None:
        """Count a request that failed because its call was rejected."""
        self._breakers.failed_requests.labels(breaker).inc()

    def breaker_failure(self, breaker: str) -> None:
        """Count a failed call."""
        self._breakers.failures.labels(breaker).inc()
