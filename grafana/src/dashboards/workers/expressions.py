"""The PromQL about workers, the message bus and the system, for the chosen jobs and workers."""

from __future__ import annotations

from .. import names
from ..limits import events
from ..programs import rate, share
from ..selectors import ratio, zero_while

OF_JOB = 'job=~"$job"'
CHOSEN = 'job=~"$job", worker_name=~"$worker"'
HEALTH = f"{names.WORKER_HEALTH}{{{CHOSEN}}}"
QUEUE = f"insa_worker_queue_depth{{{CHOSEN}}}"
CAPACITY = f"insa_worker_queue_capacity{{{CHOSEN}}}"
UTILIZATION = f"insa_worker_utilization_ratio{{{CHOSEN}}}"
HEARTBEAT = f"insa_worker_last_heartbeat_timestamp_seconds{{{CHOSEN}}}"
PROCESSED = f"insa_worker_tasks_processed_total{{{CHOSEN}}}"
FAILED = f"insa_worker_tasks_failed_total{{{CHOSEN}}}"
RESTARTS = f"insa_worker_restarts_total{{{CHOSEN}}}"
TASK_DURATION = "insa_worker_task_duration_seconds"

TASKS_SLA = events("insa_worker_tasks_processed_total", "insa_worker_tasks_failed_total")

BUS_UP = f"insa_message_bus_up{{{OF_JOB}}}"
BACKLOG = f"insa_message_bus_backlog{{{OF_JOB}}}"
PUBLISHED = f"insa_message_bus_published_total{{{OF_JOB}}}"
DELIVERED = f"insa_message_bus_delivered_total{{{OF_JOB}}}"
DROPPED = f"insa_message_bus_dropped_total{{{OF_JOB}}}"
PROCESSING = "insa_message_bus_processing_duration_seconds"

MEMORY = f"insa_system_memory_used_bytes{{{OF_JOB}}} / (insa_system_memory_limit_bytes{{{OF_JOB}}} > 0)"
CPU = (
    f"rate(insa_system_cpu_seconds_total{{{OF_JOB}}}[$__rate_interval])"
    f" / (insa_system_cpu_limit_cores{{{OF_JOB}}} > 0)"
)
DISK = f"insa_system_disk_used_ratio{{{OF_JOB}}}"
OPEN_FILES = f"insa_system_open_files{{{OF_JOB}}}"


def down() -> str:
    """Workers that are down; nothing, rather than 0, without any worker."""
    return zero_while(HEALTH, f"count({HEALTH} == 0)")


def down_by_job() -> str:
    """Workers that are down, of each job."""
    return f"count by (job) ({HEALTH} == 0) or 0 * count by (job) ({HEALTH})"


def restarts(window: str) -> str:
    """Restarts of each worker within the window, which is the alert's own."""
    return f"increase({RESTARTS}[{window}])"


def success_share(by: str = "") -> str:
    """Share of the tasks that ended without an error, a timeout or a dead letter."""
    return f"1 - {share(FAILED, PROCESSED, by)}"


def queue_fill() -> str:
    """How full each queue is, 0 to 1."""
    return ratio(f"max by (worker_name) ({QUEUE})", f"max by (worker_name) ({CAPACITY})")


def heartbeat_age() -> str:
    """Seconds since each worker's loop turned."""
    return f"time() - max by (worker_name) ({HEARTBEAT} > 0)"


def processed(by: str = "") -> str:
    """Tasks a second that ended."""
    return rate(PROCESSED, by)
