"""Circuit breakers: their state, its changes, the time spent in it, and the calls that failed on them."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

CLOSED: Final = "closed"
HALF_OPEN: Final = "half_open"
OPEN: Final = "open"
STATE_VALUES: Final[Mapping[str, int]] = MappingProxyType({CLOSED: 0, HALF_OPEN: 1, OPEN: 2})
"""Every state of a breaker, and the number that shows it."""

TRANSITIONS: Final = ((CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, OPEN), (HALF_OPEN, CLOSED))
"""Every change of state that there is: from, to."""


class CircuitBreakerInstruments:
    """The instruments of circuit breakers, by name."""

    def __init__(self, registry: CollectorRegistry, breakers: Iterable[str]) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, ["breaker", *labels], registry=registry)

        self.state = Gauge(
            "insa_circuit_breaker_state",
            "What the breaker does with calls: 0 closed, 1 half-open, 2 open.",
            ["breaker"],
            registry=registry,
        )
        self.transitions = counter(
            "insa_circuit_breaker_transitions_total", "Changes of state.", "from_state", "to_state"
        )
        self.rejected = counter(
            "insa_circuit_breaker_rejected_calls_total", "Calls that the breaker did not let through."
        )
        self.failed_requests = counter(
            "insa_circuit_breaker_failed_requests_total",
            "Requests that ended in error because the breaker did not let their call through.",
        )
        self.failures = counter(
            "insa_circuit_breaker_failures_total", "Failed calls that count towards opening the breaker."
        )
        self.state_seconds = counter(
            "insa_circuit_breaker_state_seconds_total", "Time that the breaker spent in the state.", "state"
        )
        for breaker in breakers:
            for instrument in (self.state, self.rejected, self.failed_requests, self.failures):
                instrument.labels(breaker)
            for before, after in TRANSITIONS:
                self.transitions.labels(breaker, before, after)
            for state in STATE_VALUES:
                self.state_seconds.labels(breaker, state)
