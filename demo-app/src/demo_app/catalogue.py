"""The faults that there are: names, ranges, and where each shows."""

from dataclasses import dataclass
from typing import Final

from demo_app.model import CACHES, DEPENDENCIES, WORKERS

WORKER_DOWN: Final = "worker_down"
ERRORS: Final = "errors"
TIMEOUTS: Final = "timeouts"
LATENCY: Final = "latency"
TRAFFIC_DROP: Final = "traffic_drop"
DEPENDENCY_DOWN: Final = "dependency_down"
BREAKER_FLAPPING: Final = "breaker_flapping"
RETRY_FAILURE: Final = "retry_failure"
RETRY_STORM: Final = "retry_storm"
POISONED_MESSAGES: Final = "poisoned_messages"
REPLAY_FAILURE: Final = "replay_failure"
CACHE_MISS_STORM: Final = "cache_miss_storm"
EVICTION_STORM: Final = "eviction_storm"
CACHE_DOWN: Final = "cache_down"
DATABASE_ERRORS: Final = "database_errors"
DATABASE_SLOW: Final = "database_slow"
DATABASE_DOWN: Final = "database_down"
RESTART_LOOP: Final = "restart_loop"
QUEUE_FLOOD: Final = "queue_flood"
BUS_DOWN: Final = "bus_down"
BUS_SLOW: Final = "bus_slow"
SHORT_SESSIONS: Final = "short_sessions"
MEMORY_PRESSURE: Final = "memory_pressure"
CPU_BURN: Final = "cpu_burn"
DISK_FILL: Final = "disk_fill"
BACKUP_FAILURE: Final = "backup_failure"
SCAN_GAP: Final = "scan_gap"
SERIES_GONE: Final = "series_gone"
METRICS_GONE: Final = "metrics_gone"


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """What a fault does, in which unit and range its intensity is given, and what it should show in.

    `metrics`, `alerts` and `slas` are for people: where to look once the fault is active.
    """

    name: str
    description: str
    unit: str
    minimum: float
    maximum: float
    default: float
    metrics: tuple[str, ...]
    alerts: tuple[str, ...] = ()
    slas: tuple[str, ...] = ()
    whole: bool = False


SPECS: Final = (
    FaultSpec(
        name=WORKER_DOWN,
        description="Kills the first worker threads; the supervisor cannot start them again until the fault "
        "ends. Their tasks go to the other workers; with all four down every request fails.",
        unit="workers",
        minimum=1,
        maximum=len(WORKERS),
        default=1,
        whole=True,
        metrics=("insa_worker_health_status", "insa_worker_restarts_total"),
        alerts=("WorkerUnhealthy", "MultipleWorkersDown"),
    ),
    FaultSpec(
        name=ERRORS,
        description="The upstream of the agents answers a share of the calls with a failure, so that the "
        "agent's handler raises. A refusal is not tried again and no breaker counts it.",
        unit="share of requests",
        minimum=0,
        maximum=1,
        default=0.2,
        metrics=('insa_agent_requests_total{status="error"}', "insa_worker_tasks_failed_total"),
        alerts=("HighErrorRate",),
        slas=("api-error-rate",),
    ),
    FaultSpec(
        name=TIMEOUTS,
        description="The upstream of the agents never answers a share of the calls; the agent gives up after "
        "6 seconds of silence, does not try again, and no breaker counts it.",
        unit="share of requests",
        minimum=0,
        maximum=1,
        default=0.2,
        metrics=('insa_agent_requests_total{status="timeout"}', "insa_worker_tasks_failed_total"),
        alerts=("HighTimeoutRate",),
        slas=("api-response-time-p95",),
    ),
    FaultSpec(
        name=LATENCY,
        description="The upstream of the agents answers later by so many seconds. Requests that reach their "
        "deadline of 45 seconds end as timeouts.",
        unit="seconds",
        minimum=0,
        maximum=120,
        default=12,
        metrics=("insa_agent_request_duration_seconds", "insa_agent_requests_in_flight"),
        alerts=("HighLatencyP95", "HighLatencyP99", "HighTimeoutRate"),
        slas=("api-response-time-p95",),
    ),
    FaultSpec(
        name=TRAFFIC_DROP,
        description="A share of the traffic is lost before it reaches the system; 1 is silence.",
        unit="share of traffic",
        minimum=0,
        maximum=1,
        default=1,
        metrics=("insa_agent_requests_total", "insa_sessions_active"),
    ),
    FaultSpec(
        name=DEPENDENCY_DOWN,
        description="The first of the dependencies, crm-api and llm, cannot be reached. Calls fail, are "
        "tried again and open its breaker; the CRM agent's requests then fail at once, while the agents on "
        "the model fall back to an answer by rules.",
        unit="dependencies",
        minimum=1,
        maximum=len(DEPENDENCIES),
        default=1,
        whole=True,
        metrics=(
            "insa_circuit_breaker_state",
            "insa_circuit_breaker_transitions_total",
            "insa_circuit_breaker_rejected_calls_total",
            "insa_circuit_breaker_failures_total",
            "insa_circuit_breaker_state_seconds_total",
            "insa_retry_outcomes_total",
            'insa_agent_requests_total{status="error"}',
            "insa_agent_fallbacks_total",
        ),
        alerts=("HighErrorRate",),
        slas=("api-error-rate",),
    ),
    FaultSpec(
        name=BREAKER_FLAPPING,
        description="The model, llm, cannot be reached for the first half of every period of so many "
        "seconds: its breaker opens and closes again and again. The agents fall back meanwhile, so that "
        "hardly a request fails.",
        unit="seconds a period",
        minimum=2,
        maximum=600,
        default=60,
        metrics=(
            "insa_circuit_breaker_transitions_total",
            "insa_circuit_breaker_state",
            "insa_circuit_breaker_state_seconds_total",
            "insa_circuit_breaker_failures_total",
            "insa_circuit_breaker_rejected_calls_total",
            "insa_agent_fallbacks_total",
        ),
    ),
    FaultSpec(
        name=RETRY_FAILURE,
        description="A share of the calls finds its dependency busy at every attempt, so that the retries "
        "are used up and the request fails. Busy is an answer: no breaker counts it.",
        unit="share of requests",
        minimum=0,
        maximum=1,
        default=0.2,
        metrics=(
            'insa_retry_outcomes_total{outcome="exhausted"}',
            "insa_retry_attempts_total",
            "insa_retry_delay_seconds",
            "insa_retry_attempts_per_call",
            'insa_agent_requests_total{status="error"}',
        ),
        alerts=("HighErrorRate",),
        slas=("api-error-rate",),
    ),
    FaultSpec(
        name=RETRY_STORM,
        description="A share of the calls finds its dependency busy until the last attempt, which is "
        "answered: four calls for one, and no request fails.",
        unit="share of requests",
        minimum=0,
        maximum=1,
        default=0.8,
        metrics=(
            "insa_retry_attempts_total",
            "insa_retry_attempts_per_call",
            "insa_retry_delay_seconds",
            'insa_retry_outcomes_total{outcome="success"}',
        ),
    ),
    FaultSpec(
        name=POISONED_MESSAGES,
        description="A share of the messages cannot be read by the dependency they are for. Their retries "
        "are used up, and they go to the dead letters; the replay gives them back, in vain until the "
        "fault ends.",
        unit="share of requests",
        minimum=0,
        maximum=1,
        default=0.3,
        metrics=(
            "insa_dlq_size",
            "insa_dlq_enqueued_total",
            "insa_dlq_oldest_message_age_seconds",
            'insa_dlq_replayed_total{result="failure"}',
            'insa_retry_outcomes_total{outcome="exhausted"}',
            "insa_retry_attempts_total",
            "insa_worker_tasks_failed_total",
        ),
    ),
    FaultSpec(
        name=REPLAY_FAILURE,
        description="A share of the dead letters cannot be handed over when they are replayed. So that there "
        "is something to replay, 2 % of the messages are poisoned meanwhile.",
        unit="share of replays",
        minimum=0,
        maximum=1,
        default=1,
        metrics=(
            'insa_dlq_replayed_total{result="failure"}',
            "insa_dlq_size",
            "insa_dlq_enqueued_total",
            "insa_dlq_oldest_message_age_seconds",
            'insa_retry_outcomes_total{outcome="exhausted"}',
            "insa_retry_attempts_total",
            "insa_worker_tasks_failed_total",
        ),
    ),
    FaultSpec(
        name=CACHE_MISS_STORM,
        description="A share of the lookups finds its entry invalidated just before, and the record has to "
        "be fetched: 0.2 seconds more for the request.",
        unit="share of lookups",
        minimum=0,
        maximum=1,
        default=0.8,
        metrics=("insa_cache_misses_total", "insa_cache_hits_total"),
    ),
    FaultSpec(
        name=EVICTION_STORM,
        description="An import writes so many unknown records through the cache at every lookup; they "
        "push out what the agents need, so that the hit rate falls too.",
        unit="records a lookup",
        minimum=1,
        maximum=20,
        default=5,
        whole=True,
        metrics=("insa_cache_evictions_total", "insa_cache_misses_total", "insa_cache_hits_total"),
    ),
    FaultSpec(
        name=CACHE_DOWN,
        description="The first of the caches, customer and knowledge, is down: it loses what it holds, every "
        "lookup is a miss, and it comes back empty.",
        unit="caches",
        minimum=1,
        maximum=len(CACHES),
        default=1,
        whole=True,
        metrics=(
            "insa_cache_up",
            "insa_cache_entries",
            "insa_cache_misses_total",
            "insa_cache_hits_total",
        ),
    ),
    FaultSpec(
        name=DATABASE_ERRORS,
        description="A share of the CRM agent's writes breaks a rule of the table, so that SQLite refuses "
        "them; their requests fail.",
        unit="share of writes",
        minimum=0,
        maximum=1,
        default=0.1,
        metrics=(
            'insa_database_queries_total{status="error"}',
            'insa_database_errors_total{kind="sql"}',
            'insa_agent_requests_total{status="error"}',
        ),
        alerts=("HighErrorRate",),
        slas=("api-error-rate",),
    ),
    FaultSpec(
        name=DATABASE_SLOW,
        description="The CRM agent's reads take so many seconds more and hold their connection meanwhile. "
        "Above some 8 seconds the 16 connections of the pool are used up, and requests wait for one.",
        unit="seconds",
        minimum=0,
        maximum=30,
        default=2,
        metrics=(
            "insa_database_query_duration_seconds",
            "insa_database_pool_in_use",
            "insa_agent_request_duration_seconds",
        ),
        alerts=("HighLatencyP95", "HighTimeoutRate"),
        slas=("api-response-time-p95",),
    ),
    FaultSpec(
        name=DATABASE_DOWN,
        description="The database file cannot be opened, and open connections are closed as they come back; "
        "every request of the CRM agent fails, and so do backups. 1 is down.",
        unit="switch",
        minimum=1,
        maximum=1,
        default=1,
        whole=True,
        metrics=(
            "insa_database_up",
            'insa_database_queries_total{status="error"}',
            'insa_database_errors_total{kind="unavailable"}',
            'insa_agent_requests_total{status="error"}',
            'insa_backup_runs_total{result="failure"}',
        ),
        alerts=("HighErrorRate",),
        slas=("api-error-rate",),
    ),
    FaultSpec(
        name=RESTART_LOOP,
        description="The first worker threads crash again and again, some 20 seconds (divided by "
        "DEMO_TIME_SCALE) after each start; the supervisor starts them again. Their tasks go to the other "
        "workers, and no request fails.",
        unit="workers",
        minimum=1,
        maximum=len(WORKERS),
        default=1,
        whole=True,
        metrics=("insa_worker_restarts_total", "insa_worker_health_status"),
        alerts=("WorkerFrequentRestarts",),
    ),
    FaultSpec(
        name=QUEUE_FLOOD,
        description="A batch client keeps so many tasks of 5 seconds waiting in the queue of worker-1. Its "
        "tasks are no requests; these go before them, and to the other workers. The queue drains within "
        "about half a minute after the fault.",
        unit="tasks",
        minimum=110,
        maximum=240,
        default=150,
        whole=True,
        metrics=(
            "insa_worker_queue_depth",
            "insa_worker_utilization_ratio",
            "insa_worker_tasks_processed_total",
            "insa_worker_task_duration_seconds",
        ),
        alerts=("WorkerHighQueueDepth",),
    ),
    FaultSpec(
        name=BUS_DOWN,
        description="The message bus delivers nothing. Messages wait, 1,000 of each topic at most, then the "
        "oldest are dropped; what waits is delivered within seconds after the fault. 1 is down.",
        unit="switch",
        minimum=1,
        maximum=1,
        default=1,
        whole=True,
        metrics=(
            "insa_message_bus_up",
            "insa_message_bus_backlog",
            "insa_message_bus_delivered_total",
            "insa_message_bus_dropped_total",
        ),
    ),
    FaultSpec(
        name=BUS_SLOW,
        description="Each delivery of the message bus takes so many seconds more. 32 deliveries of a topic "
        "can be under way: up to some 6 seconds none has to wait at 5 requests a second, above that the "
        "backlog grows.",
        unit="seconds",
        minimum=0,
        maximum=30,
        default=3,
        metrics=("insa_message_bus_processing_duration_seconds",),
    ),
    FaultSpec(
        name=SHORT_SESSIONS,
        description="Every session of a user ends after at most so many seconds; those that are older end "
        "at once.",
        unit="seconds",
        minimum=5,
        maximum=300,
        default=60,
        metrics=("insa_session_duration_seconds",),
    ),
    FaultSpec(
        name=MEMORY_PRESSURE,
        description="Memory is really allocated and held, until the process uses a share of the app's own "
        "limit (DEMO_MEMORY_LIMIT_MIB, 160 MiB); it goes back to the system at the end.",
        unit="share of the limit",
        minimum=0.5,
        maximum=0.98,
        default=0.95,
        metrics=("insa_system_memory_used_bytes",),
    ),
    FaultSpec(
        name=CPU_BURN,
        description="CPU is really burnt, in short bursts, until the process uses a share of the app's own "
        "limit (DEMO_CPU_LIMIT_CORES, a quarter of a core). Requests hardly notice.",
        unit="share of the limit",
        minimum=0.1,
        maximum=1,
        default=0.95,
        metrics=("insa_system_cpu_seconds_total",),
    ),
    FaultSpec(
        name=DISK_FILL,
        description="A real file fills the app's own volume of 32 MiB up to a share of its capacity. At 1 "
        "backups fail for want of room; SQLite writes past the quota, so that no request fails.",
        unit="share of the capacity",
        minimum=0,
        maximum=1,
        default=0.95,
        metrics=("insa_system_disk_used_bytes", "insa_system_disk_used_ratio"),
    ),
    FaultSpec(
        name=BACKUP_FAILURE,
        description="The destination of the backup, one a minute, cannot be written; the last good copy "
        "stays. 1 is broken.",
        unit="switch",
        minimum=1,
        maximum=1,
        default=1,
        whole=True,
        metrics=(
            'insa_backup_runs_total{result="failure"}',
            "insa_backup_last_success_timestamp_seconds",
        ),
    ),
    FaultSpec(
        name=SCAN_GAP,
        description="The scanner is refused a share of the app's components, at least one. It scans every "
        "five minutes: the gap shows from the first scan in the fault to the first one after it.",
        unit="share of components",
        minimum=0,
        maximum=1,
        default=0.3,
        metrics=("insa_scan_components_scanned",),
    ),
    FaultSpec(
        name=SERIES_GONE,
        description="The first so many families of metrics are not exposed: requests, workers, caches, "
        "circuit breakers, dead letters, retries, database, message bus, system, compliance. The app itself "
        "is well, and goes on counting.",
        unit="families",
        minimum=1,
        maximum=10,
        default=1,
        whole=True,
        metrics=(
            "insa_agent_requests_total",
            "insa_worker_health_status",
            "insa_cache_up",
            "insa_circuit_breaker_state",
            "insa_dlq_size",
            "insa_retry_outcomes_total",
            "insa_database_up",
            "insa_message_bus_up",
            "insa_system_memory_used_bytes",
            "insa_backup_runs_total",
            "scrape_samples_scraped",
        ),
        alerts=("RequestMetricsAbsent", "WorkerMetricsAbsent"),
    ),
    FaultSpec(
        name=METRICS_GONE,
        description="The metrics endpoint answers 503 and one line that says so. The app itself is well; the "
        "container's healthcheck takes this answer for a good one, so that Docker shows it healthy.",
        unit="switch",
        minimum=1,
        maximum=1,
        default=1,
        whole=True,
        metrics=("up",),
        alerts=("TargetDown", "RequestMetricsAbsent", "WorkerMetricsAbsent"),
        slas=("platform-uptime",),
    ),
)
