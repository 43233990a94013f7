"""The state of the system as its parts count it themselves, apart from the metrics.

One more part is shown by a view of it, a field of `StateView` and a line in `StateReader.view`. The page
draws a field that it does not know by itself, as a table of its figures; names that end in `_seconds`,
`_bytes` or `_ratio` are written in their unit.
"""

from collections.abc import Mapping
from functools import partial
from typing import Literal, Protocol

from pydantic import BaseModel, Field

from demo_app.cache import Cache
from demo_app.circuit_breaker import CircuitBreaker
from demo_app.clock import Clock
from demo_app.database import Database
from demo_app.dead_letter import DeadLetterQueue
from demo_app.faults import Faults
from demo_app.model import Request, Status
from demo_app.orchestrator import Counts, Orchestrator
from demo_app.recent import Recent, RecentCounts
from demo_app.workers import Worker

OBSERVATION_SECONDS = 1.0
"""How often somebody has to call `StateReader.observe`."""


class TrafficCount(Protocol):
    """The part of the traffic that is shown."""

    sent: int
    lost: int


class RecentView(BaseModel):
    """What counts did in the last minute."""

    seconds: float = Field(description="how long the counts cover; less than a minute after the start")
    counts: dict[str, int] = Field(description="growth of each count in that time")
    history: dict[str, list[int]] = Field(description="the same second by second, the newest last")


class WorkerView(BaseModel):
    """A worker and its queue."""

    name: str
    alive: bool
    healthy: bool
    heartbeat_age_seconds: float
    queue_depth: int
    queue_capacity: int
    running: int = Field(description="tasks under way")
    slots: int = Field(description="tasks that can be under way at once")
    processed: int
    failed: int
    restarts: int


class QueueView(BaseModel):
    """How full the queue of a worker is, in tasks."""

    depth: int
    capacity: int


class BreakerView(BaseModel):
    """A circuit breaker, by the name of the dependency that it stands before."""

    name: str
    state: Literal["closed", "half_open", "open"]
    failures: int = Field(description="failures without a success between them")
    failure_limit: int = Field(description="failures that open it")
    state_seconds: float = Field(description="how long it has been in this state")
    probe_in_seconds: float | None = Field(description="how long it still rejects calls; null unless open")


class DeadLettersView(BaseModel):
    """The dead-letter queue, in messages."""

    size: int
    capacity: int
    oldest_age_seconds: float | None = Field(description="null when it is empty")


class CacheView(BaseModel):
    """A cache; hits and misses since the start, and lately."""

    name: str
    up: bool
    entries: int
    capacity: int
    hits: int
    misses: int
    recent: RecentView


class DatabaseView(BaseModel):
    """The database and its pool of connections."""

    up: bool
    pool_in_use: int
    pool_size: int


class TrafficView(BaseModel):
    """Requests that were sent to the orchestrator, and those lost before it."""

    sent: int
    lost: int


class StateView(BaseModel):
    """The system as it counts itself, apart from its metrics."""

    uptime_seconds: float
    requests: dict[str, dict[str, int]] = Field(description="ended requests by agent and status")
    recent_requests: RecentView = Field(description="ended requests by status")
    submitted: int = Field(description="requests that came in")
    waiting: int = Field(description="requests in queues or under way")
    dead: int = Field(description="requests whose message is among the dead letters")
    workers: list[WorkerView]
    queues: dict[str, QueueView] = Field(description="by worker")
    breakers: list[BreakerView]
    dead_letters: DeadLettersView
    caches: list[CacheView]
    database: DatabaseView
    traffic: TrafficView
    faults: dict[str, float] = Field(description="active faults and their intensity")
    faults_remaining_seconds: dict[str, float] = Field(description="active faults and when they end")


class StateReader:
    """Reads the parts of a running system."""

    def __init__(
        self,
        *,
        clock: Clock,
        faults: Faults,
        orchestrator: Orchestrator,
        breakers: Mapping[str, CircuitBreaker],
        caches: Mapping[str, Cache[int, str]],
        database: Database,
        traffic: TrafficCount,
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._orchestrator = orchestrator
        self._breakers = breakers
        self._caches = caches
        self._database = database
        self._traffic = traffic
        self._started = clock.monotonic()
        self._requests = Recent(clock, lambda: _by_status(orchestrator.counts()))
        self._lookups = {name: Recent(clock, partial(_lookups, cache)) for name, cache in caches.items()}

    def observe(self) -> None:
        """Note what the counts are now; once every OBSERVATION_SECONDS."""
        for recent in (self._requests, *self._lookups.values()):
            recent.observe()

    def view(self) -> StateView:
        """Return the state as of now."""
        counts = self._orchestrator.counts()
        workers = self._orchestrator.workers
        active = [state for state in self._faults.states() if state.active]
        return StateView(
            uptime_seconds=self._clock.monotonic() - self._started,
            requests={agent: dict(ended) for agent, ended in counts.by_agent.items()},
            recent_requests=_recent(self._requests.reading()),
            submitted=counts.submitted,
            waiting=counts.waiting,
            dead=counts.dead,
            workers=[_worker(worker) for worker in workers],
            queues={
                worker.name: QueueView(depth=worker.queue.depth, capacity=worker.queue.capacity)
                for worker in workers
            },
            breakers=[_breaker(breaker) for breaker in self._breakers.values()],
            dead_letters=_dead_letters(self._orchestrator.dead_letters),
            caches=[_cache(cache, self._lookups[name].reading()) for name, cache in self._caches.items()],
            database=DatabaseView(
                up=self._database.up,
                pool_in_use=self._database.pool_in_use,
                pool_size=self._database.pool_size,
            ),
            traffic=TrafficView(sent=self._traffic.sent, lost=self._traffic.lost),
            faults={state.spec.name: state.intensity for state in active if state.intensity is not None},
            faults_remaining_seconds={
                state.spec.name: state.remaining_seconds
                for state in active
                if state.remaining_seconds is not None
            },
        )


def _by_status(counts: Counts) -> dict[str, int]:
    return {str(status): sum(ended[str(status)] for ended in counts.by_agent.values()) for status in Status}


def _lookups(cache: Cache[int, str]) -> dict[str, int]:
    return {"hits": cache.hits, "misses": cache.misses}


def _recent(reading: RecentCounts) -> RecentView:
    return RecentView(seconds=reading.seconds, counts=dict(reading.counts), history=dict(reading.history))


def _worker(worker: Worker) -> WorkerView:
    return WorkerView(
        name=worker.name,
        alive=worker.alive,
        healthy=worker.healthy,
        heartbeat_age_seconds=worker.heartbeat_age_seconds,
        queue_depth=worker.queue.depth,
        queue_capacity=worker.queue.capacity,
        running=worker.running,
        slots=worker.slots,
        processed=worker.processed,
        failed=worker.failed,
        restarts=worker.restarts,
    )


def _breaker(breaker: CircuitBreaker) -> BreakerView:
    reading = breaker.reading()
    return BreakerView(
        name=breaker.name,
        state=reading.state.value,
        failures=reading.failures,
        failure_limit=reading.failure_limit,
        state_seconds=reading.state_seconds,
        probe_in_seconds=reading.probe_in_seconds,
    )


def _dead_letters(letters: DeadLetterQueue[Request]) -> DeadLettersView:
    return DeadLettersView(
        size=len(letters), capacity=letters.capacity, oldest_age_seconds=letters.oldest_age_seconds()
    )


def _cache(cache: Cache[int, str], lookups: RecentCounts) -> CacheView:
    return CacheView(
        name=cache.name,
        up=cache.up,
        entries=len(cache),
        capacity=cache.capacity,
        hits=cache.hits,
        misses=cache.misses,
        recent=_recent(lookups),
    )
