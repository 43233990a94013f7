"""A batch client: long tasks that nobody waits for, queued at one worker by a fault.

Its tasks are not requests. They have no deadline, so that every request in the queue goes before them, and
they are counted here and nowhere else.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from demo_app import catalogue as known
from demo_app.agents import Step
from demo_app.clock import Clock
from demo_app.faults import Faults
from demo_app.model import Request
from demo_app.queues import QueueClosedError, QueueFullError
from demo_app.workers import Worker

BATCH: Final = "batch"
"""Stands in the place of the agent in a batch task."""

TASK_SECONDS: Final = 5.0
RESERVED: Final = 10
"""Places of the queue that the client leaves to requests."""


class BatchAgent:
    """Does batch tasks: each is one wait, and then done."""

    def begin(self, request: Request) -> Step:  # noqa: ARG002  # all tasks are alike
        """Return the only step."""
        return Step(TASK_SECONDS, 1)

    def finish(self, request: Request, step: Step) -> None:
        """End the task."""

    def abandon(self, step: Step) -> None:
        """Give nothing back: a batch task holds nothing."""


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """What became of the tasks; `refused` ones found no room, or came back from a worker that died."""

    submitted: int
    done: int
    refused: int

    @property
    def waiting(self) -> int:
        """How many tasks wait in the queue or are under way."""
        return self.submitted - self.done - self.refused


class BatchClient:
    """Keeps tasks waiting in a worker's queue while the fault is active; safe to use from every thread."""

    def __init__(self, worker: Worker, *, faults: Faults, clock: Clock) -> None:
        self._worker = worker
        self._faults = faults
        self._clock = clock
        self._submitted = self._done = self._refused = 0
        self._lock = threading.Lock()

    def step(self) -> None:
        """Put in as many tasks as are missing."""
        wanted = self._faults.intensity(known.QUEUE_FLOOD)
        if wanted is None or not self._worker.alive:
            return
        with self._lock:
            # The worker takes as many as it has slots before it looks again: count those in.
            queue = self._worker.queue
            missing = int(wanted) + self._worker.slots - self._worker.running - queue.depth
            for _ in range(min(missing, queue.capacity - RESERVED - queue.depth)):
                self._submit()

    def finished(self) -> None:
        """Count a task that is done, and put in another one."""
        with self._lock:
            self._done += 1
        self.step()

    def orphaned(self, tasks: Sequence[Request]) -> None:
        """Count the tasks that a dead worker returned; no other worker gets them."""
        with self._lock:
            self._refused += len(tasks)

    def counts(self) -> BatchCounts:
        """Return what became of the tasks so far."""
        with self._lock:
            return BatchCounts(self._submitted, self._done, self._refused)

    def _submit(self) -> None:
        self._submitted += 1
        now = self._clock.monotonic()
        task = Request(self._submitted, BATCH, seed=self._submitted, arrived=now, deadline=math.inf)
        try:
            self._worker.offer(task)
        except (QueueClosedError, QueueFullError):
            self._refused += 1
