"""The workers, threads that carry out tasks, and the supervisor that starts dead ones again.

A worker never sleeps through a task. It starts the call, notes when the call is due and goes on with the next
task, up to its number of slots: twelve seconds of waiting for a reply cost a slot, not the thread.
"""

import heapq
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from demo_app import catalogue as known
from demo_app.agents import AgentError, AgentTimeoutError, PoisonedMessageError, Step
from demo_app.clock import Clock
from demo_app.dead_letter import POISONED
from demo_app.faults import Faults
from demo_app.model import WORKERS, Request, Status
from demo_app.queues import TaskQueue

log = logging.getLogger(__name__)

Spawn = Callable[[Callable[[], None], str], threading.Thread | None]

CRASH_SECONDS: Final = 20.0
"""In a restart loop a worker crashes so long after each start: longer than a scrape interval, so that two
scrapes in a row never find it dead."""


class WorkerEvents(Protocol):
    """Notified of what the workers do."""

    def worker_health(self, worker: str, *, healthy: bool) -> None:
        """Record whether the worker's thread runs and gives signs of life."""
        ...

    def worker_heartbeat(self, worker: str, at: float) -> None:
        """The worker's loop turned at `at`, in epoch seconds."""
        ...

    def worker_utilization(self, worker: str, ratio: float) -> None:
        """Record the share of the worker's slots that are in use, 0 to 1."""
        ...

    def worker_restarted(self, worker: str) -> None:
        """The supervisor started the worker again."""
        ...

    def task_finished(self, worker: str, seconds: float, *, failed: bool) -> None:
        """The worker ended a task on which it spent `seconds`."""
        ...


class TaskOwner(Protocol):
    """Who gave the worker its tasks."""

    def finished(self, request: Request, status: Status) -> None:
        """Take back a task that has ended."""
        ...

    def died(self, request: Request, reason: str) -> None:
        """Take back a task whose message cannot be handled."""
        ...

    def orphaned(self, requests: Sequence[Request]) -> None:
        """Take back the tasks of a worker that died."""
        ...


class TaskAgent(Protocol):
    """Does a task, step by step; demo_app.agents describes the steps and what `finish` raises."""

    def begin(self, request: Request) -> Step:
        """Begin the task, and return its first step."""
        ...

    def finish(self, request: Request, step: Step) -> Step | None:
        """Do what follows a step; return the next one, or None when the task is done."""
        ...

    def abandon(self, step: Step) -> None:
        """Return what an abandoned step holds."""
        ...


class WorkerStartError(Exception):
    """The worker's thread could not be started."""


class WorkerCrashError(Exception):
    """The worker's loop failed; its thread ends."""


@dataclass(order=True, slots=True)
class _Running:
    due: float
    number: int
    request: Request = field(compare=False)
    step: Step = field(compare=False)
    began: float = field(compare=False)


def spawn_thread(target: Callable[[], None], name: str) -> threading.Thread:
    """Start a daemon thread and return it."""
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread


class Worker:
    """One worker: a thread, its queue and its slots.

    `turn` is one turn of the thread's loop and can be called without a thread; `changed` is set when there is
    something new to do before the next one is due. `processed` counts the tasks that this worker ended,
    `failed` those of them that ended in an error, a timeout or a dead letter.
    """

    def __init__(
        self,
        index: int,
        *,
        queue: TaskQueue,
        agents: Mapping[str, TaskAgent],
        faults: Faults,
        clock: Clock,
        owner: TaskOwner,
        events: WorkerEvents,
        slots: int,
        heartbeat_seconds: float,
        crash_seconds: float = CRASH_SECONDS,
        spawn: Spawn = spawn_thread,
    ) -> None:
        self.index = index
        self.name = queue.worker
        self.queue = queue
        self.slots = slots
        self.changed = threading.Event()
        self.alive = False
        self.died_at: float | None = None
        self.restarts = self.processed = self.failed = 0
        self._agents = agents
        self._faults = faults
        self._clock = clock
        self._owner = owner
        self._events = events
        self._heartbeat_seconds = heartbeat_seconds
        self._heartbeat = clock.monotonic()
        self._crash_seconds = crash_seconds
        self._crash_at: float | None = None  # None: there is no restart loop
        self._spawn = spawn
        self._thread: threading.Thread | None = None
        self._running: list[_Running] = []
        self._stopping = False

    @property
    def running(self) -> int:
        """How many tasks are under way."""
        return len(self._running)

    @property
    def heartbeat_age_seconds(self) -> float:
        """How long ago the worker's loop turned last."""
        return self._clock.monotonic() - self._heartbeat

    @property
    def healthy(self) -> bool:
        """Whether the thread runs and its loop has turned lately (ten heartbeats, at least ten seconds)."""
        return self.alive and self.heartbeat_age_seconds <= max(10.0, 10 * self._heartbeat_seconds)

    def start(self) -> None:
        """Start the thread and open the queue; raises WorkerStartError while a fault keeps it down."""
        if self._kept_down():
            raise WorkerStartError(f"the fault {known.WORKER_DOWN} keeps {self.name} down")
        self.alive = True
        self.died_at = None
        self._stopping = False
        self._crash_at = self._clock.monotonic() + self._crash_seconds if self._in_restart_loop() else None
        self._beat()
        self.queue.open()
        self._events.worker_health(self.name, healthy=True)
        self._thread = self._spawn(self._run, self.name)

    def offer(self, request: Request) -> None:
        """Hand the worker a task; raises QueueClosedError and QueueFullError."""
        self.queue.put(request)
        self.changed.set()

    def stop(self, timeout_seconds: float = 1.0) -> None:
        """End the thread for good; its tasks go back to their owner."""
        self._stopping = True
        self.changed.set()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    def turn(self) -> float | None:
        """Do what is due and return the seconds until the next turn, or None when the worker has ended.

        Any exception ends the worker too: WorkerCrashError, or an unforeseen one.
        """
        try:
            return self._turn()
        except BaseException:
            if self.alive:
                self._end()  # the supervisor must see a dead worker
            raise

    def _run(self) -> None:
        try:
            while (seconds := self.turn()) is not None:
                self.changed.wait(seconds)
                self.changed.clear()
        except WorkerCrashError as error:
            log.error("worker crashed worker=%s reason=%s", self.name, error)  # noqa: TRY400  # the reason is known

    def _turn(self) -> float | None:
        if self._stopping or self._kept_down():
            self._end()
            return None
        now = self._clock.monotonic()
        self._crash_if_due(now)
        self._finish_due(now)
        self._begin_waiting(now)
        self._beat()
        if not self._running:
            return self._heartbeat_seconds
        return min(self._heartbeat_seconds, max(0.0, self._running[0].due - now))

    def _kept_down(self) -> bool:
        down = self._faults.intensity(known.WORKER_DOWN)
        return down is not None and self.index < down

    def _in_restart_loop(self) -> bool:
        workers = self._faults.intensity(known.RESTART_LOOP)
        return workers is not None and self.index < workers

    def _crash_if_due(self, now: float) -> None:
        if not self._in_restart_loop():
            self._crash_at = None
        elif (
            self._crash_at is None
        ):  # all workers are running when the fault starts: do not hit them all at once
            self._crash_at = now + self._crash_seconds * (self.index + 1) / len(WORKERS)
        elif now >= self._crash_at:
            raise WorkerCrashError(f"the fault {known.RESTART_LOOP} strikes some time after each start")

    def _beat(self) -> None:
        self._heartbeat = self._clock.monotonic()
        self._events.worker_heartbeat(self.name, self._clock.time())
        self._events.worker_utilization(self.name, len(self._running) / self.slots)

    def _end(self) -> None:
        for entry in self._running:
            self._agents[entry.request.agent].abandon(entry.step)
        orphans = [entry.request for entry in self._running] + self.queue.close()
        self._running = []
        self._events.worker_health(self.name, healthy=False)
        self._events.worker_utilization(self.name, 0.0)
        self.died_at = self._clock.monotonic()
        self.alive = False  # last: from here on the supervisor may start the worker again
        level = logging.INFO if self._stopping else logging.WARNING
        log.log(level, "worker ended worker=%s tasks_left=%d", self.name, len(orphans))
        self._owner.orphaned(orphans)

    def _begin_waiting(self, now: float) -> None:
        while (expired := self.queue.take_expired(now)) is not None:
            self._owner.finished(expired, Status.TIMEOUT)
        while len(self._running) < self.slots and (request := self.queue.take()) is not None:
            self._wait(request, self._agents[request.agent].begin(request), now, began=now)

    def _wait(self, request: Request, step: Step, now: float, *, began: float) -> None:
        due = min(now + step.seconds, request.deadline)
        heapq.heappush(self._running, _Running(due, request.number, request, step, began))

    def _finish_due(self, now: float) -> None:
        while self._running and self._running[0].due <= now:
            entry = heapq.heappop(self._running)
            try:
                status = self._outcome(entry, now)
            except PoisonedMessageError:
                self._count(entry, now, failed=True)
                self._owner.died(entry.request, POISONED)
                continue
            if status is not None:
                self._count(entry, now, failed=status is not Status.SUCCESS)
                self._owner.finished(entry.request, status)

    def _count(self, entry: _Running, now: float, *, failed: bool) -> None:
        self.processed += 1
        self.failed += failed
        self._events.task_finished(self.name, now - entry.began, failed=failed)

    def _outcome(self, entry: _Running, now: float) -> Status | None:
        """Return how the task ended, or None when it goes on; raises PoisonedMessageError."""
        agent = self._agents[entry.request.agent]
        if now >= entry.request.deadline:
            agent.abandon(entry.step)
            return Status.TIMEOUT  # the sender has left
        try:
            following = agent.finish(entry.request, entry.step)
        except PoisonedMessageError:
            raise
        except AgentTimeoutError:
            return Status.TIMEOUT
        except AgentError:
            return Status.ERROR
        if following is None:
            return Status.SUCCESS
        self._wait(entry.request, following, now, began=entry.began)
        return None


class Supervisor:
    """Supervises the workers: restarts dead ones after a delay, and reports which are healthy."""

    def __init__(
        self,
        workers: Sequence[Worker],
        *,
        faults: Faults,
        clock: Clock,
        events: WorkerEvents,
        check_seconds: float,
        restart_delay_seconds: float,
    ) -> None:
        self._workers = workers
        self._faults = faults
        self._clock = clock
        self._events = events
        self._check_seconds = check_seconds
        self._restart_delay_seconds = restart_delay_seconds

    def step(self) -> float:
        """Look at every worker once, and return the seconds until the next look."""
        self._faults.expire()
        for worker in self._workers:
            if not worker.alive:
                self._restart(worker)
            self._events.worker_health(worker.name, healthy=worker.healthy)
        return self._check_seconds

    def _restart(self, worker: Worker) -> None:
        died_at = worker.died_at
        if died_at is None or self._clock.monotonic() - died_at < self._restart_delay_seconds:
            return
        try:
            worker.start()
        except WorkerStartError as error:
            log.debug("worker not restarted worker=%s reason=%s", worker.name, error)
            return
        worker.restarts += 1
        self._events.worker_restarted(worker.name)
        log.info("worker restarted worker=%s restarts=%d", worker.name, worker.restarts)
