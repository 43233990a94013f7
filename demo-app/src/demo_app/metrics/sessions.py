"""The events of sessions, counted."""

from prometheus_client import CollectorRegistry

from insa_instruments.sessions import SessionInstruments


class SessionMetrics:
    """Implements SessionEvents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sessions = SessionInstruments(registry)

    def session_began(self) -> None:
        """Count a session in."""
        self._sessions.active.inc()

    def session_ended(self, seconds: float) -> None:
        """Count a session out, with the time it lasted."""
        self._sessions.active.dec()
        self._sessions.duration.observe(seconds)
