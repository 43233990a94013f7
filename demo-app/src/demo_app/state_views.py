"""The shapes of GET /state: what it shows of each part, as people and programs read it."""

from typing import Literal

from pydantic import BaseModel, Field


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
    """A circuit breaker, named after the dependency it protects."""

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


class TopicView(BaseModel):
    """A topic of the message bus: published = delivered + backlog + under_way + dropped."""

    published: int = Field(description="messages taken since the start")
    delivered: int = Field(description="messages whose subscribers have processed them")
    backlog: int = Field(description="messages that wait for delivery")
    under_way: int = Field(description="messages whose delivery has started")
    dropped: int = Field(description="messages dropped because the backlog was full")


class BusView(BaseModel):
    """The message bus, by topic."""

    up: bool = Field(description="whether it delivers")
    capacity: int = Field(description="messages of one topic that can wait")
    topics: dict[str, TopicView]
    recent: RecentView = Field(description="messages of all topics: published, delivered, dropped")


class SessionsView(BaseModel):
    """Sessions of users: begun = ended + active."""

    active: int
    seats: int = Field(description="sessions that there can be at once")
    begun: int
    ended: int


class ActivityEvent(BaseModel):
    """Something that happened, as the message bus reported it."""

    at: float = Field(description="when it was heard of, in epoch seconds")
    topic: str
    text: str


class ActivityView(BaseModel):
    """What happened last."""

    counts: dict[str, int] = Field(description="events since the start, by topic that had any")
    last: list[ActivityEvent] = Field(description="the newest ten, the newest first")


class ResourcesView(BaseModel):
    """What the process draws on, against limits of the app's own."""

    memory_used_bytes: int = Field(description="resident memory")
    memory_limit_bytes: int
    cpu_used_ratio: float = Field(description="share of the limit over the last 10 s; may be above 1")
    cpu_limit_cores: float
    open_files: int = Field(description="open file descriptors")


class VolumeView(BaseModel):
    """The app's own volume."""

    used_bytes: int
    capacity_bytes: int


class BackupRunsView(BaseModel):
    """Backups since the start, by result."""

    success: int
    failure: int


class BackupView(BaseModel):
    """The backup of the database."""

    last_result: Literal["success", "failure"] | None = Field(description="null before the first run")
    last_success_age_seconds: float | None = Field(description="age of the last good copy; null without one")
    runs: BackupRunsView
    size_bytes: int | None = Field(description="size of the last good copy; null without one")


class ScanView(BaseModel):
    """The last scan of the app's own components."""

    components: int
    scanned: int = Field(description="components that could be checked")
    changed: list[str] = Field(description="components that are other than at the start")
    last_run_age_seconds: float


class UsageView(BaseModel):
    """The app's own usage figures."""

    retention_seconds: float = Field(description="how long they are kept")


class BatchView(BaseModel):
    """Long tasks of the batch client: submitted = done + refused + waiting."""

    submitted: int
    done: int
    refused: int = Field(description="tasks without room, or given back by a worker that died")
    waiting: int = Field(description="tasks in a queue or under way")


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
    bus: BusView
    sessions: SessionsView
    activity: ActivityView
    resources: ResourcesView
    volume: VolumeView
    backup: BackupView
    scan: ScanView
    usage: UsageView
    batch: BatchView
    faults: dict[str, float] = Field(description="active faults and their intensity")
    faults_remaining_seconds: dict[str, float] = Field(description="active faults and when they end")
