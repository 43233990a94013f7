"""Faults of the work itself: the workers, the requests and the users who send them."""

from typing import Final

from demo_app.catalogue import names
from demo_app.catalogue.spec import FaultSpec
from demo_app.model import WORKERS

WORK: Final = (
    FaultSpec(
        name=names.WORKER_DOWN,
        description="Kills the first worker threads; the supervisor cannot start them again until the fault "
        "ends. Their tasks go to the other workers; with all four down every request fails.",
        unit="workers",
        minimum=1,
        maximum=len(WORKERS),
        default=1,
        whole=True,
        metrics=("insa_worker_health_status", "insa_worker_restarts_total"),
        alerts=(
            "WorkerUnhealthy",
            "MultipleWorkersDown",
            "HighErrorRate",
        ),
    ),
    FaultSpec(
        name=names.RESTART_LOOP,
        description="The first worker threads crash over and over, about 20 seconds (divided by "
        "DEMO_TIME_SCALE) after each start; the supervisor starts them again. Their tasks go to the other "
        "workers, and no request fails.",
        unit="workers",
        minimum=1,
        maximum=len(WORKERS),
        default=1,
        whole=True,
        metrics=("insa_worker_restarts_total",),
        alerts=("WorkerFrequentRestarts",),
    ),
    FaultSpec(
        name=names.QUEUE_FLOOD,
        description="A batch client keeps that many tasks of 5 seconds waiting in the queue of worker-1. "
        "They are not requests, which overtake them or go to the other workers. The queue drains within "
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
        name=names.ERRORS,
        description="The upstream of the agents answers a share of the calls with a failure, so the "
        "agent's handler raises. A refusal is not retried and no breaker counts it.",
        unit="share of requests",
        minimum=0,
        maximum=1,
        default=0.2,
        metrics=('insa_agent_requests_total{status="error"}', "insa_worker_tasks_failed_total"),
        alerts=("HighErrorRate",),
        slas=("api-error-rate",),
    ),
    FaultSpec(
        name=names.TIMEOUTS,
        description="The upstream of the agents never answers a share of the calls; the agent gives up after "
        "6 seconds without an answer, does not retry, and no breaker counts it.",
        unit="share of requests",
        minimum=0,
        maximum=1,
        default=0.2,
        metrics=('insa_agent_requests_total{status="timeout"}', "insa_worker_tasks_failed_total"),
        alerts=("HighTimeoutRate",),
        slas=("api-response-time-p95",),
    ),
    FaultSpec(
        name=names.LATENCY,
        description="The upstream of the agents answers that many seconds later. Requests that reach their "
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
        name=names.TRAFFIC_DROP,
        description="A share of the traffic is lost before it reaches the system; 1 is all of it.",
        unit="share of traffic",
        minimum=0,
        maximum=1,
        default=1,
        metrics=(
            "insa_agent_requests_total",
            "insa_sessions_active",
            "insa_session_duration_seconds",
            "insa_agent_request_size_bytes",
            "insa_cache_hits_total",
            "insa_cache_misses_total",
            "insa_cache_evictions_total",
            "insa_cache_lookup_duration_seconds",
            "insa_database_queries_total",
            "insa_database_query_duration_seconds",
            "insa_message_bus_published_total",
            "insa_message_bus_delivered_total",
            "insa_message_bus_processing_duration_seconds",
            "insa_retry_attempts_per_call",
            "insa_retry_delay_seconds",
        ),
        alerts=("RequestTrafficStopped",),
    ),
    FaultSpec(
        name=names.SHORT_SESSIONS,
        description="Every session of a user ends after at most that many seconds; older ones end at once.",
        unit="seconds",
        minimum=5,
        maximum=300,
        default=60,
        metrics=("insa_session_duration_seconds",),
    ),
)
