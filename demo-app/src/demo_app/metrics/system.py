"""The events of memory, CPU, files and the volume, counted."""

from prometheus_client import CollectorRegistry

from insa_instruments.system import SystemInstruments


class SystemMetrics:
    """Implements ResourceEvents and VolumeEvents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._system = SystemInstruments(registry)

    def memory_used(self, used_bytes: int, limit_bytes: int) -> None:
        """Show the resident memory and its limit."""
        self._system.memory_used.set(used_bytes)
        self._system.memory_limit.set(limit_bytes)

    def cpu_used(self, seconds: float, limit_cores: float) -> None:
        """Count CPU time, and show its limit."""
        self._system.cpu.inc(seconds)
        self._system.cpu_limit.set(limit_cores)

    def files_open(self, files: int) -> None:
        """Show how many files are open."""
        self._system.open_files.set(files)

    def volume_used(self, used_bytes: int, capacity_bytes: int) -> None:
        """Show how full the volume is."""
        self._system.disk_used.set(used_bytes)
        self._system.disk_capacity.set(capacity_bytes)
        self._system.disk_used_ratio.set(used_bytes / capacity_bytes)
