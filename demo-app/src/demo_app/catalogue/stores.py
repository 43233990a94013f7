"""Faults of what the agents keep and hand on: caches, database, message bus."""

from typing import Final

from demo_app.catalogue import names
from demo_app.catalogue.spec import FaultSpec
from demo_app.model import CACHES

STORES: Final = (
    FaultSpec(
        name=names.CACHE_MISS_STORM,
        description="A share of the lookups finds its entry invalidated just before, and the record has to "
        "be fetched, which adds 0.2 seconds to the request.",
        unit="share of lookups",
        minimum=0,
        maximum=1,
        default=0.8,
        metrics=("insa_cache_misses_total", "insa_cache_hits_total"),
        alerts=("LowCacheHitRate",),
    ),
    FaultSpec(
        name=names.EVICTION_STORM,
        description="An import writes that many unknown records through the cache at every lookup; they "
        "push out what the agents need, so that the hit rate falls too.",
        unit="records a lookup",
        minimum=1,
        maximum=20,
        default=5,
        whole=True,
        metrics=("insa_cache_evictions_total", "insa_cache_misses_total", "insa_cache_hits_total"),
        alerts=(
            "HighCacheEvictionRate",
            "LowCacheHitRate",
        ),
    ),
    FaultSpec(
        name=names.CACHE_DOWN,
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
            "insa_cache_evictions_total",
        ),
        alerts=(
            "CacheDown",
            "LowCacheHitRate",
        ),
    ),
    FaultSpec(
        name=names.DATABASE_ERRORS,
        description="A share of the CRM agent's writes violates a constraint of the table, so SQLite "
        "refuses them and their requests fail.",
        unit="share of writes",
        minimum=0,
        maximum=1,
        default=0.1,
        metrics=(
            'insa_database_queries_total{status="error"}',
            'insa_database_errors_total{kind="sql"}',
            'insa_agent_requests_total{status="error"}',
        ),
        alerts=(
            "HighDatabaseErrorRate",
            "HighErrorRate",
        ),
        slas=("api-error-rate",),
    ),
    FaultSpec(
        name=names.DATABASE_SLOW,
        description="The CRM agent's reads take that many seconds longer, holding their connection. "
        "Above about 8 seconds the 16 connections of the pool are used up, and requests wait for one.",
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
        name=names.DATABASE_DOWN,
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
            "insa_database_query_duration_seconds",
            "insa_backup_last_success_timestamp_seconds",
            "insa_backup_size_bytes",
            "insa_message_bus_published_total",
            "insa_message_bus_delivered_total",
            "insa_message_bus_processing_duration_seconds",
        ),
        alerts=(
            "DatabaseDown",
            "HighDatabaseErrorRate",
            "HighErrorRate",
            "BackupFailed",
        ),
        slas=("api-error-rate",),
    ),
    FaultSpec(
        name=names.BUS_DOWN,
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
            "insa_message_bus_processing_duration_seconds",
        ),
        alerts=(
            "MessageBusDown",
            "MessageBusBacklogGrowing",
        ),
    ),
    FaultSpec(
        name=names.BUS_SLOW,
        description="Each delivery of the message bus takes that many seconds longer. 32 deliveries of a "
        "topic can be under way: up to about 6 seconds none has to wait at 5 requests a second, above "
        "that the backlog grows.",
        unit="seconds",
        minimum=0,
        maximum=30,
        default=3,
        metrics=("insa_message_bus_processing_duration_seconds",),
        alerts=(
            "SlowMessageProcessing",
            "MessageBusBacklogGrowing",
        ),
    ),
)
