"""The bounded queue in front of each worker."""

import heapq
import threading
from typing import Protocol

from demo_app.model import Request


class QueueEvents(Protocol):
    """Notified of how full a worker's queue is."""

    def queue_depth(self, worker: str, tasks: int) -> None:
        """Take note that `tasks` wait for `worker` now."""
        ...

    def queue_capacity(self, worker: str, tasks: int) -> None:
        """At most `tasks` can wait for `worker`."""
        ...


class QueueFullError(Exception):
    """The queue holds as many tasks as it can."""


class QueueClosedError(Exception):
    """Nobody takes from this queue: its worker is down."""


class TaskQueue:
    """A bounded queue, earliest deadline first; safe to use from every thread.

    New requests all have the same patience, so that earliest deadline first is first in, first out for them,
    and what comes back from a dead worker precedes what arrived after it. Tasks without a deadline come
    last.
    It starts closed: the worker opens it when it is there to take tasks.
    """

    def __init__(self, worker: str, capacity: int, events: QueueEvents) -> None:
        self.worker = worker
        self.capacity = capacity
        self._events = events
        self._heap: list[tuple[float, int, Request]] = []
        self._open = False
        self._lock = threading.Lock()
        events.queue_capacity(worker, capacity)
        events.queue_depth(worker, 0)

    @property
    def depth(self) -> int:
        """How many tasks wait."""
        return len(self._heap)

    def open(self) -> None:
        """Let tasks in."""
        with self._lock:
            self._open = True

    def close(self) -> list[Request]:
        """Accept no more tasks, and return those that waited, so that others can do them."""
        with self._lock:
            self._open = False
            waiting = [request for _, _, request in sorted(self._heap)]
            self._heap.clear()
            self._tell()
            return waiting

    def put(self, request: Request) -> None:
        """Add a task; raises QueueClosedError and QueueFullError."""
        with self._lock:
            if not self._open:
                raise QueueClosedError(self.worker)
            if len(self._heap) >= self.capacity:
                raise QueueFullError(self.worker)
            heapq.heappush(self._heap, (request.deadline, request.number, request))
            self._tell()

    def take(self) -> Request | None:
        """Remove and return the most urgent task, or None when nothing waits."""
        with self._lock:
            if not self._heap:
                return None
            request = heapq.heappop(self._heap)[2]
            self._tell()
            return request

    def take_expired(self, now: float) -> Request | None:
        """Remove and return a task whose deadline has passed at `now`, or None when there is none."""
        with self._lock:
            if not self._heap or self._heap[0][0] > now:
                return None
            request = heapq.heappop(self._heap)[2]
            self._tell()
            return request

    def _tell(self) -> None:
        # Inside the lock: two threads that reported their depths in the wrong order would spoil the gauge.
        self._events.queue_depth(self.worker, len(self._heap))
