"""The state of the system as its parts count it themselves, apart from the metrics.

One more part is shown by a view of it, a field of `StateView` (both in `state_views`) and a line in
`StateReader.view`. The page draws a field that it does not know by itself, as a table of its figures; names
that end in `_seconds`, `_bytes` or `_ratio` are written in their unit.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final, Protocol

from demo_app.activity import ActivityFeed
from demo_app.backup import Backup
from demo_app.batch import BatchClient
from demo_app.cache import Cache
from demo_app.circuit_breaker import CircuitBreaker
from demo_app.clock import Clock
from demo_app.component_scan import ComponentScan
from demo_app.database import Database
from demo_app.dead_letter import DeadLetterQueue
from demo_app.faults import Faults
from demo_app.message_bus import MessageBus
from demo_app.model import Request, Status
from demo_app.orchestrator import Counts, Orchestrator
from demo_app.recent import Recent, RecentCounts
from demo_app.resources import Resources
from demo_app.sessions import Sessions
from demo_app.state_views import (
    ActivityEvent,
    ActivityView,
    BackupRunsView,
    BackupView,
    BatchView,
    BreakerView,
    BusView,
    CacheView,
    DatabaseView,
    DeadLettersView,
    QueueView,
    RecentView,
    ResourcesView,
    ScanView,
    SessionsView,
    StateView,
    TopicView,
    TrafficView,
    UsageView,
    VolumeView,
    WorkerView,
)
from demo_app.usage import UsageHistory
from demo_app.volume import Volume
from demo_app.workers import Worker

OBSERVATION_SECONDS: Final = 1.0
"""How often `StateReader.observe` has to be called."""

EVENTS_SHOWN: Final = 10


class TrafficCount(Protocol):
    """The part of the traffic that is shown."""

    sent: int
    lost: int


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
        bus: MessageBus,
        sessions: Sessions,
        activity: ActivityFeed,
        resources: Resources,
        volume: Volume,
        backup: Backup,
        scan: ComponentScan,
        usage: UsageHistory,
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._orchestrator = orchestrator
        self._breakers = breakers
        self._caches = caches
        self._database = database
        self._traffic = traffic
        self._bus = bus
        self._sessions = sessions
        self._activity = activity
        self._resources = resources
        self._volume = volume
        self._backup = backup
        self._scan = scan
        self._usage = usage
        self._started = clock.monotonic()
        self._requests = Recent(clock, lambda: _by_status(orchestrator.counts()))
        self._messages = Recent(clock, lambda: _by_outcome(bus))
        self._lookups = {name: Recent(clock, partial(_lookups, cache)) for name, cache in caches.items()}

    def observe(self) -> None:
        """Take a sample of the counts; call it every OBSERVATION_SECONDS."""
        for recent in (self._requests, self._messages, *self._lookups.values()):
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
            bus=_bus(self._bus, self._messages.reading()),
            sessions=_sessions(self._sessions),
            activity=_activity(self._activity),
            resources=_resources(self._resources),
            volume=VolumeView(
                used_bytes=self._volume.used_bytes(), capacity_bytes=self._volume.capacity_bytes
            ),
            backup=self._backup_view(),
            scan=self._scan_view(),
            usage=UsageView(retention_seconds=self._usage.retention_seconds),
            batch=_batch(self._orchestrator.batch),
            faults={state.spec.name: state.intensity for state in active if state.intensity is not None},
            faults_remaining_seconds={
                state.spec.name: state.remaining_seconds
                for state in active
                if state.remaining_seconds is not None
            },
        )

    def _backup_view(self) -> BackupView:
        reading = self._backup.reading()
        at, succeeded = reading.last_success_at, reading.last_succeeded
        return BackupView(
            last_result=None if succeeded is None else "success" if succeeded else "failure",
            last_success_age_seconds=None if at is None else self._age(at),
            runs=BackupRunsView(success=reading.succeeded, failure=reading.failed),
            size_bytes=reading.size_bytes,
        )

    def _scan_view(self) -> ScanView:
        reading = self._scan.reading()
        return ScanView(
            components=reading.components,
            scanned=reading.scanned,
            changed=list(reading.changed),
            last_run_age_seconds=self._age(reading.at),
        )

    def _age(self, at: float) -> float:
        return max(0.0, self._clock.time() - at)  # the machine's clock may have been set back


def _by_status(counts: Counts) -> dict[str, int]:
    return {str(status): sum(ended[str(status)] for ended in counts.by_agent.values()) for status in Status}


def _lookups(cache: Cache[int, str]) -> dict[str, int]:
    return {"hits": cache.hits, "misses": cache.misses}


def _by_outcome(bus: MessageBus) -> dict[str, int]:
    topics = bus.counts().values()
    return {
        "published": sum(topic.published for topic in topics),
        "delivered": sum(topic.delivered for topic in topics),
        "dropped": sum(topic.dropped for topic in topics),
    }


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


def _bus(bus: MessageBus, messages: RecentCounts) -> BusView:
    topics = {
        name: TopicView(
            published=counts.published,
            delivered=counts.delivered,
            backlog=counts.backlog,
            under_way=counts.under_way,
            dropped=counts.dropped,
        )
        for name, counts in bus.counts().items()
    }
    return BusView(up=bus.up, capacity=bus.capacity, topics=topics, recent=_recent(messages))


def _sessions(sessions: Sessions) -> SessionsView:
    counts = sessions.counts()
    return SessionsView(active=counts.active, seats=sessions.seats, begun=counts.begun, ended=counts.ended)


def _activity(feed: ActivityFeed) -> ActivityView:
    newest = feed.last()[:EVENTS_SHOWN]
    return ActivityView(
        counts=feed.counts(),
        last=[ActivityEvent(at=event.at, topic=event.topic, text=event.text) for event in newest],
    )


def _resources(resources: Resources) -> ResourcesView:
    reading, limits = resources.reading(), resources.limits
    return ResourcesView(
        memory_used_bytes=reading.memory_bytes,
        memory_limit_bytes=limits.memory_bytes,
        cpu_used_ratio=reading.cpu_cores / limits.cpu_cores,
        cpu_limit_cores=limits.cpu_cores,
        open_files=reading.open_files,
    )


def _batch(client: BatchClient) -> BatchView:
    counts = client.counts()
    return BatchView(
        submitted=counts.submitted, done=counts.done, refused=counts.refused, waiting=counts.waiting
    )
