"""Dead letters: messages that cannot be processed, and what becomes of them."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

SUCCESS: Final = "success"
FAILURE: Final = "failure"
REPLAY_RESULTS: Final = (SUCCESS, FAILURE)
"""How a replay can end."""


class DeadLetterInstruments:
    """The instruments of one queue of dead letters."""

    def __init__(self, registry: CollectorRegistry, reasons: Iterable[str]) -> None:
        self.size = Gauge("insa_dlq_size", "Messages among the dead letters.", registry=registry)
        self.age = Gauge(
            "insa_dlq_oldest_message_age_seconds",
            "Time since the oldest of the dead letters died; 0 without any.",
            registry=registry,
        )
        self.enqueued = Counter(
            "insa_dlq_enqueued_total", "Messages that died, by reason.", ["reason"], registry=registry
        )
        self.replayed = Counter(
            "insa_dlq_replayed_total",
            "Replays of dead letters, by how they ended.",
            ["result"],
            registry=registry,
        )
        self.dropped = Counter(
            "insa_dlq_dropped_total", "Dead letters dropped because the queue was full.", registry=registry
        )
        for reason in reasons:
            self.enqueued.labels(reason)
        for result in REPLAY_RESULTS:
            self.replayed.labels(result)
