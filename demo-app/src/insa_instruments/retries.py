"""Retries: attempts, the time between them, and whether they were worth it."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

SUCCESS: Final = "success"
EXHAUSTED: Final = "exhausted"
OUTCOMES: Final = (SUCCESS, EXHAUSTED)
"""How a call can end that was tried again."""


class RetryInstruments:
    """The instruments of retries, the counters by operation."""

    def __init__(self, registry: CollectorRegistry, operations: Iterable[str]) -> None:
        self.attempts = Counter(
            "insa_retry_attempts_total",
            "Attempts after the first one.",
            ["operation"],
            registry=registry,
        )
        self.outcomes = Counter(
            "insa_retry_outcomes_total",
            "Calls that were tried again, by how they ended.",
            ["operation", "outcome"],
            registry=registry,
        )
        self.delay = Histogram(
            "insa_retry_delay_seconds",
            "Time between a failed attempt and the next one.",
            buckets=(0.1, 0.2, 0.4, 0.8, 2),
            registry=registry,
        )
        self.attempts_per_call = Histogram(
            "insa_retry_attempts_per_call",
            "Attempts that a call took, the first one included.",
            buckets=(1, 2, 3, 4),
            registry=registry,
        )
        for operation in operations:
            self.attempts.labels(operation)
            for outcome in OUTCOMES:
                self.outcomes.labels(operation, outcome)
