"""The events of retries, counted."""

from prometheus_client import CollectorRegistry

from demo_app.model import DEPENDENCIES
from insa_instruments.retries import EXHAUSTED, SUCCESS, RetryInstruments


class RetryMetrics:
    """Implements RetryEvents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._retries = RetryInstruments(registry, DEPENDENCIES)

    def retry_scheduled(self, operation: str, delay_seconds: float) -> None:
        """Count another attempt, with the time before it."""
        self._retries.attempts.labels(operation).inc()
        self._retries.delay.observe(delay_seconds)

    def retry_ended(self, operation: str, *, succeeded: bool) -> None:
        """Count how a call ended that was tried again."""
        self._retries.outcomes.labels(operation, SUCCESS if succeeded else EXHAUSTED).inc()

    def call_ended(self, operation: str, attempts: int) -> None:  # noqa: ARG002  # the event says whose
        """Count the attempts of a call."""
        self._retries.attempts_per_call.observe(attempts)
