"""The faults themselves, as a metric of the demo-app alone."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge


class FaultMetrics:
    """Implements FaultEvents."""

    def __init__(self, registry: CollectorRegistry, fault_names: Iterable[str]) -> None:
        self._fault_active = Gauge(
            "insa_fault_active", "1 while the fault is active, else 0.", ["fault"], registry=registry
        )
        for fault in fault_names:
            self._fault_active.labels(fault)

    def fault_changed(self, fault: str, *, active: bool) -> None:
        """Show whether the fault is active."""
        self._fault_active.labels(fault).set(int(active))
