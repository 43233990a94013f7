"""The metrics of a program that the bundle's alerts, dashboards and SLAs can watch.

The functions below are for a program of your own; docs/instruments.md of the bundle shows them. Under them
is one module a family of metrics, each with one class whose attributes are instruments of
prometheus_client: names, labels and buckets are defined there alone. Every label set that is given to such a
class is created at zero, so that no series starts with its first event.
"""

from insa_instruments.recording import (
    Recorder,
    declare,
    default_recorder,
    record_cache_hit,
    record_cache_miss,
    record_request,
    record_worker_restart,
    track_database_operation,
    track_request_metrics,
    update_worker_health,
)

__all__ = [
    "Recorder",
    "declare",
    "default_recorder",
    "record_cache_hit",
    "record_cache_miss",
    "record_request",
    "record_worker_restart",
    "track_database_operation",
    "track_request_metrics",
    "update_worker_health",
]
