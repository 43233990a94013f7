"""Requests to agents: how many, how they ended, how long they took, how large they were."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from insa_instruments.buckets import DURATION_BUCKETS

SUCCESS: Final = "success"
ERROR: Final = "error"
TIMEOUT: Final = "timeout"
STATUSES: Final = (SUCCESS, ERROR, TIMEOUT)
"""How a request can end."""

SIZE_BUCKETS: Final = (100, 1_000, 10_000, 100_000)
"""Bytes."""


def checked(status: str) -> str:
    """Return the status; raises ValueError for one of another name."""
    if status not in STATUSES:
        raise ValueError(f"invalid status: {status!r}; give one of {', '.join(STATUSES)}")
    return status


class RequestInstruments:
    """The instruments of requests, by agent."""

    def __init__(self, registry: CollectorRegistry, agents: Iterable[str]) -> None:
        self.requests = Counter(
            "insa_agent_requests_total",
            "Requests that ended, by agent and by how they ended.",
            ["agent", "status"],
            registry=registry,
        )
        self.duration = Histogram(
            "insa_agent_request_duration_seconds",
            "Time from the arrival of a request to its end, however it ended.",
            ["agent"],
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self.size = Histogram(
            "insa_agent_request_size_bytes",
            "Size of a request.",
            ["agent"],
            buckets=SIZE_BUCKETS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "insa_agent_requests_in_flight",
            "Requests that came in and have neither ended nor gone to the dead letters.",
            ["agent"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.fallbacks = Counter(
            "insa_agent_fallbacks_total",
            "Answers that the agent made by rules, without its dependency.",
            ["agent"],
            registry=registry,
        )
        for agent in agents:
            self.duration.labels(agent)
            self.size.labels(agent)
            self.in_flight.labels(agent)
            self.fallbacks.labels(agent)
            for status in STATUSES:
                self.requests.labels(agent, status)
