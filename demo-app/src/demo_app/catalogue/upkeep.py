"""Faults of the machine, of background jobs, and of the metrics themselves."""

from typing import Final

from demo_app.catalogue import names
from demo_app.catalogue.spec import FaultSpec

UPKEEP: Final = (
    FaultSpec(
        name=names.MEMORY_PRESSURE,
        description="Memory is really allocated and held, until the process uses a share of the app's own "
        "limit (DEMO_MEMORY_LIMIT_MIB, 160 MiB); it goes back to the system at the end.",
        unit="share of the limit",
        minimum=0.5,
        maximum=0.98,
        default=0.95,
        metrics=("insa_system_memory_used_bytes",),
        alerts=("HighMemoryUsage",),
    ),
    FaultSpec(
        name=names.CPU_BURN,
        description="CPU time is really used, in short bursts, until the process uses a share of the app's "
        "own limit (DEMO_CPU_LIMIT_CORES, a quarter of a core). Requests hardly notice.",
        unit="share of the limit",
        minimum=0.1,
        maximum=1,
        default=0.95,
        metrics=("insa_system_cpu_seconds_total",),
        alerts=("HighCPUUsage",),
    ),
    FaultSpec(
        name=names.DISK_FILL,
        description="A real file fills the app's own volume of 32 MiB up to a share of its capacity. At 1 "
        "backups fail for lack of room; SQLite writes past the quota, so no request fails.",
        unit="share of the capacity",
        minimum=0,
        maximum=1,
        default=0.95,
        metrics=("insa_system_disk_used_bytes", "insa_system_disk_used_ratio"),
        alerts=(
            "DiskSpaceLow",
            "BackupFailed",
        ),
    ),
    FaultSpec(
        name=names.BACKUP_FAILURE,
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
            "insa_backup_size_bytes",
        ),
        alerts=("BackupFailed",),
    ),
    FaultSpec(
        name=names.SCAN_GAP,
        description="The scanner is refused a share of the app's components, at least one. It scans every "
        "five minutes: the gap shows from the first scan in the fault to the first one after it.",
        unit="share of components",
        minimum=0,
        maximum=1,
        default=0.3,
        metrics=("insa_scan_components_scanned",),
        alerts=("SecurityScanIncomplete",),
    ),
    FaultSpec(
        name=names.SERIES_GONE,
        description="The first families of metrics, as many as given, are not exposed: requests, workers, "
        "caches, circuit breakers, dead letters, retries, database, message bus, system, compliance. The app "
        "itself is healthy and keeps counting.",
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
            "insa_agent_fallbacks_total",
            "insa_agent_request_size_bytes",
        ),
        alerts=(
            "RequestMetricsAbsent",
            "WorkerMetricsAbsent",
            "CacheMetricsAbsent",
            "CircuitBreakerMetricsAbsent",
            "DeadLetterQueueMetricsAbsent",
            "RetryMetricsAbsent",
            "DatabaseMetricsAbsent",
            "MessageBusMetricsAbsent",
            "SystemMetricsAbsent",
            "ComplianceMetricsAbsent",
        ),
    ),
    FaultSpec(
        name=names.METRICS_GONE,
        description="The metrics endpoint answers 503 and one line that says why. The app itself is "
        "healthy; the container's healthcheck accepts this answer, so Docker shows it as healthy.",
        unit="switch",
        minimum=1,
        maximum=1,
        default=1,
        whole=True,
        metrics=("up",),
        alerts=("TargetDown",),
        slas=("platform-uptime",),
    ),
)
