"""The orchestrator: gives each request to a worker, keeps the count of how they end, and publishes it."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from demo_app.agents import Agent
from demo_app.batch import BATCH, BatchAgent, BatchClient
from demo_app.clock import Clock
from demo_app.dead_letter import DeadLetterEvents, DeadLetterQueue, Letter
from demo_app.faults import Faults
from demo_app.message_bus import Publisher
from demo_app.model import AGENTS, REQUESTS, WORKERS, Request, Status
from demo_app.queues import QueueClosedError, QueueEvents, QueueFullError, TaskQueue
from demo_app.sessions import Sessions
from demo_app.workers import CRASH_SECONDS, Spawn, Worker, WorkerEvents, spawn_thread

log = logging.getLogger(__name__)

DEADLINE_SECONDS: Final = 45.0
"""Whoever sends a request leaves after so long. Above 30 s, so that a slow system is seen as slow."""

QUEUE_CAPACITY: Final = 250
SLOTS: Final = 32
"""Tasks that a worker has under way at once: 5 requests/s of 12 s each are 60, 15 for each of 4 workers."""

DEAD_LETTERS: Final = 1000
"""Messages that the dead-letter queue can hold: at 1.5 a second it takes eleven minutes to lose one."""


class RequestEvents(Protocol):
    """Notified of what becomes of the requests."""

    def request_received(self, agent: str, size_bytes: int) -> None:
        """Record how large a request for `agent` is; called once, when it arrives."""
        ...

    def request_started(self, agent: str) -> None:
        """A request for `agent` has come in, or back from the dead letters."""
        ...

    def request_parked(self, agent: str) -> None:
        """A request for `agent` went to the dead letters."""
        ...

    def request_finished(self, agent: str, status: Status, seconds: float) -> None:
        """A request ended with `status`, `seconds` after it came in."""
        ...


class Events(RequestEvents, WorkerEvents, QueueEvents, DeadLetterEvents, Protocol):
    """Every event of the orchestrator and its parts."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The orchestrator's own count of requests, kept apart from the metrics.

    `by_agent` counts the ended ones by agent and status, `submitted` all that came in, `dead` those whose
    message is among the dead letters: they may yet end, or not.
    """

    submitted: int
    by_agent: Mapping[str, Mapping[str, int]]
    dead: int

    @property
    def ended(self) -> int:
        """How many requests have ended, however they did."""
        return sum(sum(counts.values()) for counts in self.by_agent.values())

    @property
    def waiting(self) -> int:
        """How many requests came in and have neither ended nor died: they wait or are under way."""
        return self.submitted - self.ended - self.dead


class Orchestrator:
    """Routes requests to workers; safe to use from every thread."""

    def __init__(
        self,
        *,
        agents: Mapping[str, Agent],
        faults: Faults,
        clock: Clock,
        events: Events,
        publisher: Publisher,
        sessions: Sessions,
        heartbeat_seconds: float = 1.0,
        crash_seconds: float = CRASH_SECONDS,
        slots: int = SLOTS,
        queue_capacity: int = QUEUE_CAPACITY,
        dead_letter_capacity: int = DEAD_LETTERS,
        spawn: Spawn = spawn_thread,
    ) -> None:
        self._clock = clock
        self._events = events
        self._publisher = publisher
        self._sessions = sessions
        self._lock = threading.Lock()
        self._submitted = self._dead = 0
        self._stopping = False
        self._ended = {agent: dict.fromkeys(Status, 0) for agent in AGENTS}
        self.dead_letters: DeadLetterQueue[Request] = DeadLetterQueue(
            dead_letter_capacity, clock=clock, events=events
        )
        self.workers = tuple(
            Worker(
                index,
                queue=TaskQueue(name, queue_capacity, events),
                agents={**agents, BATCH: BatchAgent()},
                faults=faults,
                clock=clock,
                owner=self,
                events=events,
                slots=slots,
                heartbeat_seconds=heartbeat_seconds,
                crash_seconds=crash_seconds,
                spawn=spawn,
            )
            for index, name in enumerate(WORKERS)
        )
        self.batch = BatchClient(self.workers[0], faults=faults, clock=clock)

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
        self._events.request_received(agent, request.size_bytes)
        self._events.request_started(agent)
        self._sessions.used(seed)
        self._route(request)
        return request

    def finished(self, request: Request, status: Status) -> None:
        """Count a request that has ended. A replayed one that did not succeed goes back where it was.

        A batch task goes to the client that counts those.
        """
        if request.agent == BATCH:
            self.batch.finished()
            return
        if request.dead_since is not None:
            succeeded = status is Status.SUCCESS
            self._events.letter_replayed(succeeded=succeeded)
            if not succeeded:
                self._bury(request, None)
                return
        self._end(request, status, self._clock.monotonic() - request.arrived)

    def died(self, request: Request, reason: str) -> None:
        """Put a request whose message cannot be handled among the dead letters."""
        if request.dead_since is not None:
            self._events.letter_replayed(succeeded=False)
            self._bury(request, None)
        else:
            self._bury(request, reason)

    def revive(self, letter: Letter[Request]) -> None:
        """Take a request back from the dead letters, and route it as if it had just arrived."""
        now = self._clock.monotonic()
        request = replace(letter.item, arrived=now, deadline=now + DEADLINE_SECONDS, dead_since=letter.since)
        self._events.request_started(request.agent)
        with self._lock:
            self._dead -= 1
        self._route(request)

    def orphaned(self, requests: Sequence[Request]) -> None:
        """Give the tasks of a dead worker to the others, to start over; batch tasks go to their client."""
        if self._stopping:
            return
        self.batch.orphaned([task for task in requests if task.agent == BATCH])
        for request in requests:
            if request.agent != BATCH:
                self._route(request)

    def counts(self) -> Counts:
        """Return the current counts of requests."""
        with self._lock:
            by_agent = {
                agent: {str(status): count for status, count in counts.items()}
                for agent, counts in self._ended.items()
            }
            return Counts(self._submitted, by_agent, self._dead)

    def _bury(self, request: Request, reason: str | None) -> None:
        self._events.request_parked(request.agent)
        dropped = self.dead_letters.put(request, reason=reason, since=request.dead_since)
        with self._lock:
            self._dead += 1
        if dropped is not None:
            self._events.request_started(
                dropped.item.agent
            )  # out of the dead letters, and at once to its end
            with self._lock:
                self._dead -= 1
            self._end(dropped.item, Status.ERROR, dropped.put_at - dropped.item.arrived)

    def _end(self, request: Request, status: Status, seconds: float) -> None:
        self._events.request_finished(request.agent, status, seconds)
        text = f"request {request.number} of {request.agent}: {status} after {seconds:.2f} s"
        self._publisher.publish(REQUESTS, text, request.seed)
        with self._lock:  # last: once nothing is waiting, every metric is complete
            self._ended[request.agent][status] += 1

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
