"""The events of backups, scans and usage figures, counted."""

from prometheus_client import CollectorRegistry

from insa_instruments.compliance import FAILURE, SUCCESS, ComplianceInstruments


class ComplianceMetrics:
    """Implements BackupEvents, ScanEvents and UsageEvents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._compliance = ComplianceInstruments(registry)

    def backup_succeeded(self, at: float, size_bytes: int) -> None:
        """Count a good backup, and show its time and size."""
        self._compliance.backup_runs.labels(SUCCESS).inc()
        self.backup_kept(at, size_bytes)

    def backup_kept(self, at: float, size_bytes: int) -> None:
        """Show the time and size of the last good backup."""
        self._compliance.backup_last_success.set(at)
        self._compliance.backup_size.set(size_bytes)

    def backup_failed(self) -> None:
        """Count a backup that failed."""
        self._compliance.backup_runs.labels(FAILURE).inc()

    def scan_ended(self, components: int, scanned: int, at: float) -> None:
        """Show what the scan could check, of how much, and when."""
        self._compliance.scan_components.set(components)
        self._compliance.scan_components_scanned.set(scanned)
        self._compliance.scan_last_run.set(at)

    def retention(self, seconds: float) -> None:
        """Show how long usage figures are kept."""
        self._compliance.metrics_retention.set(seconds)
