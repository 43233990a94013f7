"""The metrics of the demo-app: hooks that the mechanisms call, written to the instruments of a family each.

One module a family. Every label set is created at zero, so that no series starts with its first event.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from demo_app.metrics.caches import CacheMetrics
from demo_app.metrics.circuit_breakers import CircuitBreakerMetrics
from demo_app.metrics.compliance import ComplianceMetrics
from demo_app.metrics.database import DatabaseMetrics
from demo_app.metrics.dead_letters import DeadLetterMetrics
from demo_app.metrics.faults import FaultMetrics
from demo_app.metrics.message_bus import MessageBusMetrics
from demo_app.metrics.requests import RequestMetrics
from demo_app.metrics.retries import RetryMetrics
from demo_app.metrics.sessions import SessionMetrics
from demo_app.metrics.system import SystemMetrics
from demo_app.metrics.workers import WorkerMetrics


class Metrics(
    RequestMetrics,
    WorkerMetrics,
    CacheMetrics,
    CircuitBreakerMetrics,
    DeadLetterMetrics,
    RetryMetrics,
    DatabaseMetrics,
    SystemMetrics,
    ComplianceMetrics,
    MessageBusMetrics,
    SessionMetrics,
    FaultMetrics,
):
    """Implements the events of all mechanisms on one registry."""

    def __init__(self, registry: CollectorRegistry, fault_names: Iterable[str]) -> None:
        RequestMetrics.__init__(self, registry)
        WorkerMetrics.__init__(self, registry)
        CacheMetrics.__init__(self, registry)
        CircuitBreakerMetrics.__init__(self, registry)
        DeadLetterMetrics.__init__(self, registry)
        RetryMetrics.__init__(self, registry)
        DatabaseMetrics.__init__(self, registry)
        SystemMetrics.__init__(self, registry)
        ComplianceMetrics.__init__(self, registry)
        MessageBusMetrics.__init__(self, registry)
        SessionMetrics.__init__(self, registry)
        FaultMetrics.__init__(self, registry, fault_names)


def add_runtime_collectors(registry: CollectorRegistry) -> None:
    """Add the client library's metrics of the process, the platform and the garbage collector."""
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
