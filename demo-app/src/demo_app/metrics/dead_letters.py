"""The events of the dead letters, counted."""

from prometheus_client import CollectorRegistry

from demo_app.dead_letter import REASONS
from insa_instruments.dead_letters import FAILURE, SUCCESS, DeadLetterInstruments


class DeadLetterMetrics:
    """Implements DeadLetterEvents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._letters = DeadLetterInstruments(registry, REASONS)

    def letter_added(self, reason: str) -> None:
        """Count a message that died."""
        self._letters.enqueued.labels(reason).inc()

    def letter_dropped(self) -> None:
        """Count a letter that was given up."""
        self._letters.dropped.inc()

    def letter_replayed(self, *, succeeded: bool) -> None:
        """Count a replay."""
        self._letters.replayed.labels(SUCCESS if succeeded else FAILURE).inc()

    def letters_waiting(self, letters: int, oldest_seconds: float) -> None:
        """Show how many letters there are, and how old the oldest is."""
        self._letters.size.set(letters)
        self._letters.age.set(oldest_seconds)
