"""The events of workers and their queues, counted."""

import functools

from prometheus_client import CollectorRegistry

from demo_app.model import WORKERS
from insa_instruments.workers import WorkerInstruments


class WorkerMetrics:
    """Implements WorkerEvents and QueueEvents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._workers = WorkerInstruments(registry, WORKERS)
        # What the mechanisms move many times a second is looked up once.
        self._worker_health = functools.cache(self._workers.health.labels)
        self._worker_heartbeat = functools.cache(self._workers.heartbeat.labels)
        self._worker_utilization = functools.cache(self._workers.utilization.labels)
        self._worker_processed = functools.cache(self._workers.processed.labels)
        self._worker_task_duration = functools.cache(self._workers.task_duration.labels)
        self._worker_queue_depth = functools.cache(self._workers.queue_depth.labels)

    def worker_health(self, worker: str, *, healthy: bool) -> None:
        """Show whether the worker is healthy."""
        self._worker_health(worker).set(int(healthy))

    def worker_heartbeat(self, worker: str, at: float) -> None:
        """Show when the worker's loop turned, in epoch seconds."""
        self._worker_heartbeat(worker).set(at)

    def worker_utilization(self, worker: str, ratio: float) -> None:
        """Show the share of slots in use."""
        self._worker_utilization(worker).set(ratio)

    def worker_restarted(self, worker: str) -> None:
        """Count a restart."""
        self._workers.restarts.labels(worker).inc()

    def task_finished(self, worker: str, seconds: float, *, failed: bool) -> None:
        """Count a task that the worker ended, with the time it held a slot."""
        self._worker_processed(worker).inc()
        self._worker_task_duration(worker).observe(seconds)
        if failed:
            self._workers.failed.labels(worker).inc()

    def queue_depth(self, worker: str, tasks: int) -> None:
        """Show how many tasks wait."""
        self._worker_queue_depth(worker).set(tasks)

    def queue_capacity(self, worker: str, tasks: int) -> None:
        """Show how many tasks can wait."""
        self._workers.queue_capacity.labels(worker).set(tasks)
