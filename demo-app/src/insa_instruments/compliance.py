"""What an auditor asks for: backups, the scan of components, the retention of usage figures."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

SUCCESS: Final = "success"
FAILURE: Final = "failure"
BACKUP_RESULTS: Final = (SUCCESS, FAILURE)
"""How a backup can end."""


class ComplianceInstruments:
    """The instruments of backups, scans and retention."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, registry=registry)

        self.backup_runs = Counter(
            "insa_backup_runs_total",
            "Backups of the database, by how they ended.",
            ["result"],
            registry=registry,
        )
        self.backup_last_success = gauge(
            "insa_backup_last_success_timestamp_seconds",
            "When the last verified backup was made, in seconds since the epoch; 0 before the first.",
        )
        self.backup_size = gauge("insa_backup_size_bytes", "Size of the last verified backup.")
        self.scan_components = gauge("insa_scan_components", "Components that there are to scan.")
        self.scan_components_scanned = gauge(
            "insa_scan_components_scanned", "Components that the last scan could check."
        )
        self.scan_last_run = gauge(
            "insa_scan_last_run_timestamp_seconds",
            "When the last scan ended, in seconds since the epoch; 0 before the first.",
        )
        self.metrics_retention = gauge(
            "insa_metrics_retention_seconds",
            "How long the program keeps its own usage figures before it deletes them.",
        )
        for result in BACKUP_RESULTS:
            self.backup_runs.labels(result)
