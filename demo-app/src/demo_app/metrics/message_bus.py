"""The events of the message bus, counted."""

from prometheus_client import CollectorRegistry

from demo_app.model import TOPICS
from insa_instruments.message_bus import MessageBusInstruments


class MessageBusMetrics:
    """Implements BusEvents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._bus = MessageBusInstruments(registry, TOPICS)

    def message_published(self, topic: str) -> None:
        """Count a message that the bus took."""
        self._bus.published.labels(topic).inc()

    def message_delivered(self, topic: str, seconds: float) -> None:
        """Count a message that was processed, with the time its delivery took."""
        self._bus.processing_duration.labels(topic).observe(seconds)
        self._bus.delivered.labels(topic).inc()

    def message_dropped(self, topic: str) -> None:
        """Count a message that was given up."""
        self._bus.dropped.labels(topic).inc()

    def bus_backlog(self, topic: str, messages: int) -> None:
        """Show how many messages wait."""
        self._bus.backlog.labels(topic).set(messages)

    def bus_available(self, *, up: bool) -> None:
        """Show whether the bus delivers."""
        self._bus.up.set(int(up))
