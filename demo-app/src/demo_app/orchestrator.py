"""The orchestrator: gives each request to a worker and keeps the count of how they end."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from demo_app.agents import Agent
from demo_app.clock import Clock
from demo_app.faults import Faults
from demo_app.model import AGENTS, WORKERS, Request, Status
from demo_app.queues import QueueClosedError, QueueEvents, QueueFullError, TaskQueue
from demo_app.workers import Spawn, Worker, WorkerEvents, spawn_thread

log = logging.getLogger(__name__)

DEADLINE_SECONDS: Final = 45.0
"""Whoever sends a request leaves after so long. Above 30 s, so that a slow system is seen as slow."""

QUEUE_CAPACITY: Final = 250
SLOTS: Final = 32
"""Tasks that a worker has under way at once: 5 requests/s of 12 s each are 60, 15 for each of 4 workers."""


class RequestEvents(Protocol):
    """Who wants to know what becomes of the requests."""

    def request_started(self, agent: str) -> None:
        """Take note that a request for `agent` has come in."""
        ...

    def request_finished(self, agent: str, status: Status, seconds: float) -> None:
        """Take note that a request ended with `status`, `seconds` after it came in."""
        ...


class Events(RequestEvents, WorkerEvents, QueueEvents, Protocol):
    """Everything that the orchestrator and what it holds tell of."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The orchestrator's own count of requests, kept apart from the metrics.

    `by_agent` counts the ended ones by agent and status, `submitted` all that came in.
    """

    submitted: int
    by_agent: Mapping[str, Mapping[str, int]]

    @property
    def ended(self) -> int:
        """How many requests have ended, however they did."""
        return sum(sum(counts.values()) for counts in self.by_agent.values())

    @property
    def waiting(self) -> int:
        """How many requests came in and have not ended: they stand in queues or are under way."""
        return self.submitted - self.ended


class Orchestrator:
    """Routes requests to workers; safe to use from every thread."""

    def __init__(
        self,
        *,
        agents: Mapping[str, Agent],
        faults: Faults,
        clock: Clock,
        events: Events,
        heartbeat_seconds: float = 1.0,
        slots: int = SLOTS,
        queue_capacity: int = QUEUE_CAPACITY,
        spawn: Spawn = spawn_thread,
    ) -> None:
        self._clock = clock
        self._events = events
        self._lock = threading.Lock()
        self._submitted = 0
        self._stopping = False
        self._ended = {agent: dict.fromkeys(Status, 0) for agent in AGENTS}
        self.workers = tuple(
            Worker(
                index,
                queue=TaskQueue(name, queue_capacity, events),
                agents=agents,
                faults=faults,
                clock=clock,
                owner=self,
                events=events,
                slots=slots,
                heartbeat_seconds=heartbeat_seconds,
                spawn=spawn,
            )
            for index, name in enumerate(WORKERS)
        )

    def start(self) -> None:
        """Start every worker."""
        for worker in self.workers:
            worker.start()

    def stop(self) -> None:
        """End every worker.

        What they still held goes with the process, uncounted: to give it on would only end it as an error
        that the system under watch never had.
        """
        self._stopping = True
        for worker in self.workers:
            worker.stop()

    def submit(self, agent: str, seed: int) -> Request:
        """Take a request in and give it to the worker with the least to do.

        It ends at once, as an error, when no worker can take it.
        """
        now = self._clock.monotonic()
        with self._lock:
            self._submitted += 1
            number = self._submitted
        request = Request(number, agent, seed, arrived=now, deadline=now + DEADLINE_SECONDS)
        self._events.request_started(agent)
        self._route(request)
        return request

    def finished(self, request: Request, status: Status) -> None:
        """Count a request that has ended."""
        self._events.request_finished(request.agent, status, self._clock.monotonic() - request.arrived)
        with self._lock:  # last, so that whoever sees nothing waiting finds every metric complete
            self._ended[request.agent][status] += 1

    def orphaned(self, requests: Sequence[Request]) -> None:
        """Give the tasks of a dead worker to the others; each is begun anew."""
        if self._stopping:
            return
        for request in requests:
            self._route(request)

    def counts(self) -> Counts:
        """Return the count of requests as it stands now."""
        with self._lock:
            by_agent = {
                agent: {str(status): count for status, count in counts.items()}
                for agent, counts in self._ended.items()
            }
            return Counts(self._submitted, by_agent)

    def _route(self, request: Request) -> None:
        for worker in sorted(self.workers, key=lambda worker: self._rank(worker, request)):
            try:
                worker.offer(request)
            except (QueueClosedError, QueueFullError):
                continue
            return
        log.debug(
            "request refused request=%d agent=%s reason=no worker can take it", request.number, request.agent
        )
        self.finished(request, Status.ERROR)

    def _rank(self, worker: Worker, request: Request) -> tuple[int, int]:
        """Return the order in which workers are asked: least to do first, taking turns among equals."""
        return (worker.queue.depth + worker.running, (worker.index - request.number) % len(self.workers))
