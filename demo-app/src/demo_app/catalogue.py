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
        metrics=("insa_worker_health_status", "insa_worker_restarts_total", "insa_worker_queue_depth"),
        alerts=("WorkerUnhealthy", "MultipleWorkersDown", "HighErrorRate"),
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
        metrics=("insa_agent_requests_total",),
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
        alerts=("CircuitBreakerOpen", "HighErrorRate"),
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
        alerts=("CircuitBreakerFlapping",),
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
        alerts=("LowRetrySuccessRate", "HighErrorRate"),
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
        alerts=("ExcessiveRetryAttempts",),
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
        alerts=(
            "DeadLetterQueueGrowing",
            "DeadLetterQueueCritical",
            "HighDLQReplayFailureRate",
            "LowRetrySuccessRate",
            "ExcessiveRetryAttempts",
            "HighErrorRate",
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
        alerts=("DeadLetterQueueGrowing", "HighDLQReplayFailureRate"),
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
        alerts=("LowCacheHitRate",),
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
        alerts=("HighCacheEvictionRate", "LowCacheHitRate"),
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
        alerts=("CacheDown", "LowCacheHitRate"),
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
        alerts=("HighDatabaseErrorRate", "HighErrorRate"),
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
        alerts=(
            "SlowDatabaseQueries",
            "DatabasePoolExhausted",
            "HighLatencyP95",
            "HighLatencyP99",
            "HighTimeoutRate",
        ),
        slas=("api-response-time-p95",),
    ),
    FaultSpec(
        name=DATABASE_DOWN,
        description="The database file cannot be opened, and open connections are closed as they come back; "
        "every request of the CRM agent fails. 1 is down.",
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
        ),
        alerts=("DatabaseDown", "HighDatabaseErrorRate", "HighErrorRate"),
        slas=("api-error-rate",),
    ),
)
