"""Sessions of users."""

from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram

SESSION_BUCKETS: Final = (30, 60, 120, 300, 600, 1200)
"""Seconds; the SLA's target (300) is exactly on a bound."""


class SessionInstruments:
    """The instruments of sessions."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.active = Gauge("insa_sessions_active", "Sessions of users that are open.", registry=registry)
        self.duration = Histogram(
            "insa_session_duration_seconds",
            "Length of a session, observed at its end.",
            buckets=SESSION_BUCKETS,
            registry=registry,
        )
