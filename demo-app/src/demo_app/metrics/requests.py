"""The events of requests and of the agents' fallbacks, counted."""

import functools

from prometheus_client import CollectorRegistry

from demo_app.model import AGENTS, Status
from insa_instruments.requests import RequestInstruments


class RequestMetrics:
    """Implements RequestEvents, and what AgentEvents adds to RetryEvents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = RequestInstruments(registry, AGENTS)
        # What the mechanisms move many times a second is looked up once.
        self._request_size = functools.cache(self._requests.size.labels)
        self._requests_in_flight = functools.cache(self._requests.in_flight.labels)
        self._request_duration = functools.cache(self._requests.duration.labels)
        self._requests_ended = functools.cache(self._requests.requests.labels)

    def request_received(self, agent: str, size_bytes: int) -> None:
        """Count the size of a request that came in."""
        self._request_size(agent).observe(size_bytes)

    def request_started(self, agent: str) -> None:
        """Count a request in."""
        self._requests_in_flight(agent).inc()

    def request_parked(self, agent: str) -> None:
        """Count a request out for as long as its message is dead."""
        self._requests_in_flight(agent).dec()

    def request_finished(self, agent: str, status: Status, seconds: float) -> None:
        """Count a request out, with the time it took."""
        self._requests_in_flight(agent).dec()
        self._request_duration(agent).observe(seconds)
        self._requests_ended(agent, status).inc()

    def agent_fell_back(self, agent: str) -> None:
        """Count an answer without the dependency."""
        self._requests.fallbacks.labels(agent).inc()
