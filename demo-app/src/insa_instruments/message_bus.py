"""The message bus: messages by topic, how long each took, and how many wait."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

PROCESSING_BUCKETS: Final = (0.01, 0.1, 0.5, 1, 2, 5, 10, 30)
"""Seconds; the threshold of the alert and the SLA's target (2) stand exactly on a bound."""


class MessageBusInstruments:
    """The instruments of one message bus, by topic."""

    def __init__(self, registry: CollectorRegistry, topics: Iterable[str]) -> None:
        def counter(name: str, text: str) -> Counter:
            return Counter(name, text, ["topic"], registry=registry)

        self.published = counter("insa_message_bus_published_total", "Messages that the bus took.")
        self.delivered = counter(
            "insa_message_bus_delivered_total", "Messages that their subscriber has processed."
        )
        self.dropped = counter(
            "insa_message_bus_dropped_total", "Messages dropped because the backlog was full."
        )
        self.processing_duration = Histogram(
            "insa_message_bus_processing_duration_seconds",
            "Time from the begin of a delivery to its end.",
            ["topic"],
            buckets=PROCESSING_BUCKETS,
            registry=registry,
        )
        self.backlog = Gauge(
            "insa_message_bus_backlog", "Messages that wait for delivery.", ["topic"], registry=registry
        )
        self.up = Gauge("insa_message_bus_up", "1 while the bus delivers, else 0.", registry=registry)
        instruments: tuple[Gauge | Counter | Histogram, ...] = (
            self.published,
            self.delivered,
            self.dropped,
            self.processing_duration,
            self.backlog,
        )
        for topic in topics:
            for instrument in instruments:
                instrument.labels(topic)
