"""The events of the message bus, counted."""

import functools

from prometheus_client import CollectorRegistry

from demo_app.model import TOPICS
from insa_instruments.message_bus import MessageBusInstruments


class MessageBusMetrics:
    """Implements BusEvents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._bus = MessageBusInstruments(registry, TOPICS)
        # What the mechanisms move many times a second is looked up once.
        self._bus_published = functools.cache(self._bus.published.labels)
        self._bus_delivered = functools.cache(self._bus.delivered.labels)
        self._bus_processing_duration = functools.cache(self._bus.processing_duration.labels)
        self._bus_backlog = functools.cache(self._bus.backlog.labels)

    def message_published(self, topic: str) -> None:
        """Count a message that the bus took."""
        self._bus_published(topic).inc()

    def message_delivered(self, topic: str, seconds: float) -> None:
        """Count a message that was processed, with the time its delivery took."""
        self._bus_processing_duration(topic).observe(seconds)
        self._bus_delivered(topic).inc()

    def message_dropped(self, topic: str) -> None:
        """Count a message that was given up."""
        self._bus.dropped.labels(topic).inc()

    def bus_backlog(self, topic: str, messages: int) -> None:
        """Show how many messages wait."""
        self._bus_backlog(topic).set(messages)

    def bus_available(self, *, up: bool) -> None:
        """Show whether the bus delivers."""
        self._bus.up.set(int(up))
