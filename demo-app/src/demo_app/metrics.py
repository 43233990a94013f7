"""The metrics of the demo-app: hooks that the mechanisms call, turned into instruments of prometheus_client.

Every label set is made at zero, so that no series begins with its first event.
"""

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from demo_app.circuit_breaker import TRANSITIONS, State
from demo_app.database import ERROR_KINDS, OPERATIONS
from demo_app.dead_letter import REASONS
from demo_app.model import AGENTS, CACHES, DEPENDENCIES, WORKERS, Status

DURATION_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60)
"""Seconds; the targets and thresholds of alerts and SLAs (5, 10, 15, 30) stand exactly on bounds."""

BREAKER_STATE_VALUES = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}
RETRY_OUTCOMES = {True: "success", False: "exhausted"}
QUERY_STATUSES = {True: "success", False: "error"}
REPLAY_RESULTS = {True: "success", False: "failure"}


class Metrics:
    """Implements the events of all mechanisms on one registry."""

    def __init__(self, registry: CollectorRegistry, fault_names: Iterable[str]) -> None:
        self._registry = registry
        self._add_request_instruments()
        self._add_worker_instruments()
        self._add_breaker_instruments()
        self._add_retry_instruments()
        self._add_dead_letter_instruments()
        self._add_cache_instruments()
        self._add_database_instruments()
        self._fault_active = Gauge(
            "insa_fault_active", "1 while the fault is active, else 0.", ["fault"], registry=registry
        )
        for agent in AGENTS:
            self._duration.labels(agent)
            self._in_flight.labels(agent)
            self._fallbacks.labels(agent)
            for status in Status:
                self._requests.labels(agent, status)
        for worker in WORKERS:
            for instrument in self._of_workers:
                instrument.labels(worker)
        for fault in fault_names:
            self._fault_active.labels(fault)

    def _add_request_instruments(self) -> None:
        self._requests = Counter(
            "insa_agent_requests_total",
            "Requests that ended, by agent and by how they ended.",
            ["agent", "status"],
            registry=self._registry,
        )
        self._duration = Histogram(
            "insa_agent_request_duration_seconds",
            "Time from the arrival of a request to its end, however it ended.",
            ["agent"],
            buckets=DURATION_BUCKETS,
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "insa_agent_requests_in_flight",
            "Requests that came in and have neither ended nor gone to the dead letters.",
            ["agent"],
            registry=self._registry,
        )
        self._fallbacks = Counter(
            "insa_agent_fallbacks_total",
            "Answers that the agent made by rules, without its dependency.",
            ["agent"],
            registry=self._registry,
        )

    def _add_worker_instruments(self) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, ["worker_name"], registry=self._registry)

        def counter(name: str, text: str) -> Counter:
            return Counter(name, text, ["worker_name"], registry=self._registry)

        self._health = gauge(
            "insa_worker_health_status", "1 while the worker's thread runs and its loop turns, else 0."
        )
        self._queue_depth = gauge("insa_worker_queue_depth", "Tasks that wait in the worker's queue.")
        self._queue_capacity = gauge("insa_worker_queue_capacity", "Tasks that the worker's queue can hold.")
        self._utilization = gauge(
            "insa_worker_utilization_ratio", "Share of the worker's slots that are in use, 0 to 1."
        )
        self._heartbeat = gauge(
            "insa_worker_last_heartbeat_timestamp_seconds",
            "When the worker's loop turned last, in seconds since the epoch.",
        )
        self._processed = counter(
            "insa_worker_tasks_processed_total", "Tasks that the worker ended, however they ended."
        )
        self._failed = counter(
            "insa_worker_tasks_failed_total",
            "Tasks that the worker ended with an error, a timeout or a dead letter.",
        )
        self._restarts = counter(
            "insa_worker_restarts_total", "Times that the supervisor started the worker again."
        )
        self._task_duration = Histogram(
            "insa_worker_task_duration_seconds",
            "Time that a task held a slot of the worker.",
            ["worker_name"],
            buckets=DURATION_BUCKETS,
            registry=self._registry,
        )
        self._of_workers: tuple[Gauge | Counter | Histogram, ...] = (
            self._health,
            self._queue_depth,
            self._queue_capacity,
            self._utilization,
            self._heartbeat,
            self._processed,
            self._failed,
            self._restarts,
            self._task_duration,
        )

    def _add_breaker_instruments(self) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, ["breaker", *labels], registry=self._registry)

        self._breaker_state = Gauge(
            "insa_circuit_breaker_state",
            "What the breaker does with calls: 0 closed, 1 half-open, 2 open.",
            ["breaker"],
            registry=self._registry,
        )
        self._breaker_transitions = counter(
            "insa_circuit_breaker_transitions_total", "Changes of state.", "from_state", "to_state"
        )
        self._breaker_rejected = counter(
            "insa_circuit_breaker_rejected_calls_total", "Calls that the breaker did not let through."
        )
        self._breaker_failures = counter(
            "insa_circuit_breaker_failures_total", "Failed calls that count towards opening the breaker."
        )
        self._breaker_seconds = counter(
            "insa_circuit_breaker_state_seconds_total", "Time that the breaker spent in the state.", "state"
        )
        for breaker in DEPENDENCIES:
            for instrument in (self._breaker_state, self._breaker_rejected, self._breaker_failures):
                instrument.labels(breaker)
            for before, after in TRANSITIONS:
                self._breaker_transitions.labels(breaker, before, after)
            for state in State:
                self._breaker_seconds.labels(breaker, state)

    def _add_retry_instruments(self) -> None:
        self._retry_attempts = Counter(
            "insa_retry_attempts_total",
            "Attempts after the first one.",
            ["operation"],
            registry=self._registry,
        )
        self._retry_outcomes = Counter(
            "insa_retry_outcomes_total",
            "Calls that were tried again, by how they ended.",
            ["operation", "outcome"],
            registry=self._registry,
        )
        self._retry_delay = Histogram(
            "insa_retry_delay_seconds",
            "Time between a failed attempt and the next one.",
            buckets=(0.1, 0.2, 0.4, 0.8, 2),
            registry=self._registry,
        )
        self._attempts_per_call = Histogram(
            "insa_retry_attempts_per_call",
            "Attempts that a call took, the first one included.",
            buckets=(1, 2, 3, 4),
            registry=self._registry,
        )
        for operation in DEPENDENCIES:
            self._retry_attempts.labels(operation)
            for outcome in RETRY_OUTCOMES.values():
                self._retry_outcomes.labels(operation, outcome)

    def _add_dead_letter_instruments(self) -> None:
        self._dlq_size = Gauge("insa_dlq_size", "Messages among the dead letters.", registry=self._registry)
        self._dlq_age = Gauge(
            "insa_dlq_oldest_message_age_seconds",
            "Time since the oldest of the dead letters died; 0 without any.",
            registry=self._registry,
        )
        self._dlq_enqueued = Counter(
            "insa_dlq_enqueued_total", "Messages that died, by reason.", ["reason"], registry=self._registry
        )
        self._dlq_replayed = Counter(
            "insa_dlq_replayed_total",
            "Replays of dead letters, by how they ended.",
            ["result"],
            registry=self._registry,
        )
        self._dlq_dropped = Counter(
            "insa_dlq_dropped_total", "Dead letters given up for want of room.", registry=self._registry
        )
        for reason in REASONS:
            self._dlq_enqueued.labels(reason)
        for result in REPLAY_RESULTS.values():
            self._dlq_replayed.labels(result)

    def _add_cache_instruments(self) -> None:
        def counter(name: str, text: str) -> Counter:
            return Counter(name, text, ["cache"], registry=self._registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, ["cache"], registry=self._registry)

        self._cache_hits = counter("insa_cache_hits_total", "Lookups that found what they wanted.")
        self._cache_misses = counter("insa_cache_misses_total", "Lookups that did not.")
        self._cache_evictions = counter(
            "insa_cache_evictions_total", "Entries that had to go for want of room."
        )
        self._cache_entries = gauge("insa_cache_entries", "Entries in the cache.")
        self._cache_capacity = gauge("insa_cache_capacity_entries", "Entries that the cache can hold.")
        self._cache_up = gauge("insa_cache_up", "1 while the cache can be used, else 0.")
        self._cache_duration = Histogram(
            "insa_cache_lookup_duration_seconds",
            "Time that a lookup took, hit or miss.",
            ["cache"],
            buckets=(0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1),
            registry=self._registry,
        )
        instruments: tuple[Gauge | Counter | Histogram, ...] = (
            self._cache_hits,
            self._cache_misses,
            self._cache_evictions,
            self._cache_entries,
            self._cache_capacity,
            self._cache_up,
            self._cache_duration,
        )
        for instrument in instruments:
            for cache in CACHES:
                instrument.labels(cache)

    def _add_database_instruments(self) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, registry=self._registry)

        self._queries = Counter(
            "insa_database_queries_total",
            "Queries, by operation and by how they ended.",
            ["operation", "status"],
            registry=self._registry,
        )
        self._query_duration = Histogram(
            "insa_database_query_duration_seconds",
            "Time of a query, from the loan of its connection for the first one on it.",
            ["operation"],
            buckets=(0.001, 0.01, 0.1, 0.5, 1, 3, 10, 30),
            registry=self._registry,
        )
        self._database_errors = Counter(
            "insa_database_errors_total", "Failed queries, by kind.", ["kind"], registry=self._registry
        )
        self._pool_size = gauge("insa_database_pool_size", "Connections that there can be.")
        self._pool_in_use = gauge("insa_database_pool_in_use", "Connections that are lent.")
        self._database_up = gauge("insa_database_up", "1 while the database can be opened, else 0.")
        for operation in OPERATIONS:
            self._query_duration.labels(operation)
            for status in QUERY_STATUSES.values():
                self._queries.labels(operation, status)
        for kind in ERROR_KINDS:
            self._database_errors.labels(kind)

    def request_started(self, agent: str) -> None:
        """Count a request in."""
        self._in_flight.labels(agent).inc()

    def request_parked(self, agent: str) -> None:
        """Count a request out for as long as its message is dead."""
        self._in_flight.labels(agent).dec()

    def request_finished(self, agent: str, status: Status, seconds: float) -> None:
        """Count a request out, with the time it took."""
        self._in_flight.labels(agent).dec()
        self._duration.labels(agent).observe(seconds)
        self._requests.labels(agent, status).inc()

    def worker_health(self, worker: str, *, healthy: bool) -> None:
        """Show whether the worker is well."""
        self._health.labels(worker).set(int(healthy))

    def worker_heartbeat(self, worker: str, at: float) -> None:
        """Show when the worker's loop turned, in epoch seconds."""
        self._heartbeat.labels(worker).set(at)

    def worker_utilization(self, worker: str, ratio: float) -> None:
        """Show the share of slots in use."""
        self._utilization.labels(worker).set(ratio)

    def worker_restarted(self, worker: str) -> None:
        """Count a restart."""
        self._restarts.labels(worker).inc()

    def task_finished(self, worker: str, seconds: float, *, failed: bool) -> None:
        """Count a task that the worker ended, with the time it held a slot."""
        self._processed.labels(worker).inc()
        self._task_duration.labels(worker).observe(seconds)
        if failed:
            self._failed.labels(worker).inc()

    def queue_depth(self, worker: str, tasks: int) -> None:
        """Show how many tasks wait."""
        self._queue_depth.labels(worker).set(tasks)

    def queue_capacity(self, worker: str, tasks: int) -> None:
        """Show how many tasks can wait."""
        self._queue_capacity.labels(worker).set(tasks)

    def agent_fell_back(self, agent: str) -> None:
        """Count an answer without the dependency."""
        self._fallbacks.labels(agent).inc()

    def breaker_changed(self, breaker: str, before: State, after: State) -> None:
        """Count a change of state, and show the new one."""
        self._breaker_transitions.labels(breaker, before, after).inc()
        self._breaker_state.labels(breaker).set(BREAKER_STATE_VALUES[after])

    def breaker_state_time(self, breaker: str, state: State, seconds: float) -> None:
        """Add to the time in a state."""
        self._breaker_seconds.labels(breaker, state).inc(seconds)

    def breaker_rejected(self, breaker: str) -> None:
        """Count a rejected call."""
        self._breaker_rejected.labels(breaker).inc()

    def breaker_failure(self, breaker: str) -> None:
        """Count a failed call."""
        self._breaker_failures.labels(breaker).inc()

    def retry_scheduled(self, operation: str, delay_seconds: float) -> None:
        """Count another attempt, with the time before it."""
        self._retry_attempts.labels(operation).inc()
        self._retry_delay.observe(delay_seconds)

    def retry_ended(self, operation: str, *, succeeded: bool) -> None:
        """Count how a call ended that was tried again."""
        self._retry_outcomes.labels(operation, RETRY_OUTCOMES[succeeded]).inc()

    def call_ended(self, operation: str, attempts: int) -> None:  # noqa: ARG002  # the event says whose
        """Count the attempts of a call."""
        self._attempts_per_call.observe(attempts)

    def letter_added(self, reason: str) -> None:
        """Count a message that died."""
        self._dlq_enqueued.labels(reason).inc()

    def letter_dropped(self) -> None:
        """Count a letter that was given up."""
        self._dlq_dropped.inc()

    def letter_replayed(self, *, succeeded: bool) -> None:
        """Count a replay."""
        self._dlq_replayed.labels(REPLAY_RESULTS[succeeded]).inc()

    def letters_waiting(self, letters: int, oldest_seconds: float) -> None:
        """Show how many letters there are, and how old the oldest is."""
        self._dlq_size.set(letters)
        self._dlq_age.set(oldest_seconds)

    def cache_lookup(self, cache: str, seconds: float, *, hit: bool) -> None:
        """Count a lookup, with the time it took."""
        (self._cache_hits if hit else self._cache_misses).labels(cache).inc()
        self._cache_duration.labels(cache).observe(seconds)

    def cache_evicted(self, cache: str) -> None:
        """Count an eviction."""
        self._cache_evictions.labels(cache).inc()

    def cache_filled(self, cache: str, entries: int, capacity: int) -> None:
        """Show how full the cache is."""
        self._cache_entries.labels(cache).set(entries)
        self._cache_capacity.labels(cache).set(capacity)

    def cache_available(self, cache: str, *, up: bool) -> None:
        """Show whether the cache can be used."""
        self._cache_up.labels(cache).set(int(up))

    def query_finished(self, operation: str, seconds: float, *, succeeded: bool) -> None:
        """Count a query, with the time it took."""
        self._queries.labels(operation, QUERY_STATUSES[succeeded]).inc()
        self._query_duration.labels(operation).observe(seconds)

    def database_error(self, kind: str) -> None:
        """Count a failed query by its kind."""
        self._database_errors.labels(kind).inc()

    def pool_used(self, in_use: int, size: int) -> None:
        """Show how many connections are lent."""
        self._pool_in_use.set(in_use)
        self._pool_size.set(size)

    def database_available(self, *, up: bool) -> None:
        """Show whether the database can be used."""
        self._database_up.set(int(up))

    def fault_changed(self, fault: str, *, active: bool) -> None:
        """Show whether the fault is active."""
        self._fault_active.labels(fault).set(int(active))


def add_runtime_collectors(registry: CollectorRegistry) -> None:
    """Add the client library's metrics of the process, the platform and the garbage collector."""
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
