"""Workers: their health, queue, load and restarts."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from insa_instruments.buckets import DURATION_BUCKETS


class WorkerInstruments:
    """The instruments of workers, by name."""

    def __init__(self, registry: CollectorRegistry, workers: Iterable[str]) -> None:
        def gauge(name: str, text: str) -> Gauge:
            # In a program of several processes, the one that owns a worker reports on it.
            return Gauge(name, text, ["worker_name"], registry=registry, multiprocess_mode="livemostrecent")

        def counter(name: str, text: str) -> Counter:
            return Counter(name, text, ["worker_name"], registry=registry)

        self.health = gauge(
            "insa_worker_health_status", "1 while the worker's thread runs and its loop turns, else 0."
        )
        self.queue_depth = gauge("insa_worker_queue_depth", "Tasks that wait in the worker's queue.")
        self.queue_capacity = gauge("insa_worker_queue_capacity", "Tasks that the worker's queue can hold.")
        self.utilization = gauge(
            "insa_worker_utilization_ratio", "Share of the worker's slots that are in use, 0 to 1."
        )
        self.heartbeat = gauge(
            "insa_worker_last_heartbeat_timestamp_seconds",
            "When the worker's loop turned last, in seconds since the epoch.",
        )
        self.processed = counter(
            "insa_worker_tasks_processed_total", "Tasks that the worker ended, however they ended."
        )
        self.failed = counter(
            "insa_worker_tasks_failed_total",
            "Tasks that the worker ended with an error, a timeout or a dead letter.",
        )
        self.restarts = counter(
            "insa_worker_restarts_total", "Times that the supervisor started the worker again."
        )
        self.task_duration = Histogram(
            "insa_worker_task_duration_seconds",
            "Time that a task held a slot of the worker.",
            ["worker_name"],
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        instruments: tuple[Gauge | Counter | Histogram, ...] = (
            self.health,
            self.queue_depth,
            self.queue_capacity,
            self.utilization,
            self.heartbeat,
            self.processed,
            self.failed,
            self.restarts,
            self.task_duration,
        )
        for worker in workers:
            for instrument in instruments:
                instrument.labels(worker)
