"""The names of the faults."""

from typing import Final

WORKER_DOWN: Final = "worker_down"
RESTART_LOOP: Final = "restart_loop"
QUEUE_FLOOD: Final = "queue_flood"
ERRORS: Final = "errors"
TIMEOUTS: Final = "timeouts"
LATENCY: Final = "latency"
TRAFFIC_DROP: Final = "traffic_drop"
SHORT_SESSIONS: Final = "short_sessions"
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
BUS_DOWN: Final = "bus_down"
BUS_SLOW: Final = "bus_slow"
MEMORY_PRESSURE: Final = "memory_pressure"
CPU_BURN: Final = "cpu_burn"
DISK_FILL: Final = "disk_fill"
BACKUP_FAILURE: Final = "backup_failure"
SCAN_GAP: Final = "scan_gap"
SERIES_GONE: Final = "series_gone"
METRICS_GONE: Final = "metrics_gone"

__all__ = [
    "BACKUP_FAILURE",
    "BREAKER_FLAPPING",
    "BUS_DOWN",
    "BUS_SLOW",
    "CACHE_DOWN",
    "CACHE_MISS_STORM",
    "CPU_BURN",
    "DATABASE_DOWN",
    "DATABASE_ERRORS",
    "DATABASE_SLOW",
    "DEPENDENCY_DOWN",
    "DISK_FILL",
    "ERRORS",
    "EVICTION_STORM",
    "LATENCY",
    "MEMORY_PRESSURE",
    "METRICS_GONE",
    "POISONED_MESSAGES",
    "QUEUE_FLOOD",
    "REPLAY_FAILURE",
    "RESTART_LOOP",
    "RETRY_FAILURE",
    "RETRY_STORM",
    "SCAN_GAP",
    "SERIES_GONE",
    "SHORT_SESSIONS",
    "TIMEOUTS",
    "TRAFFIC_DROP",
    "WORKER_DOWN",
]
