"""What a program of your own calls to have the metrics that the bundle watches.

The functions of this module write to a Recorder on prometheus_client's default registry. It is created when
it is first needed; a Recorder of your own takes any registry.
"""

import functools
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

from insa_instruments import database, requests
from insa_instruments.bounded import MAX_VALUES, Bounded
from insa_instruments.caches import CacheInstruments
from insa_instruments.calls import AgentSeries, OperationCalls, OperationSeries, RequestCalls, Status
from insa_instruments.outcomes import ERROR_KINDS, Exceptions, status_of_result
from insa_instruments.tracking import Calls, tracked
from insa_instruments.workers import WorkerInstruments

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Worker:
    label: str
    health: Gauge
    restarts: Counter


@dataclass(frozen=True, slots=True)
class _Cache:
    hits: Counter
    misses: Counter


class Recorder:
    """Records what the bundle's alerts, dashboards and SLAs look at; any thread may call it.

    Series are made at zero when their label value is declared or first seen, and only for what is measured:
    an application that never speaks of a queue has no queue of length zero. For what no method covers, the
    instruments themselves are the attributes `requests`, `workers`, `caches` and `queries`.
    """

    def __init__(
        self,
        registry: CollectorRegistry = REGISTRY,
        *,
        max_label_values: int = MAX_VALUES,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Keep at most `max_label_values` values of each label apart; `clock` returns ascending seconds.

        Raises ValueError for a bound below 1, and when the registry has one of the metrics already.
        """
        self._clock = clock
        self._agents = Bounded("agent", self._agent, max_label_values)
        self._workers = Bounded("worker_name", self._worker, max_label_values)
        self._caches = Bounded("cache", self._cache, max_label_values)
        self._operations = Bounded("operation", self._operation, max_label_values)
        self.requests = requests.RequestInstruments(registry, ())
        self.workers = WorkerInstruments(registry, ())
        self.caches = CacheInstruments(registry, ())
        self.queries = database.QueryInstruments(registry, (), ())

    def declare(
        self,
        *,
        agents: Iterable[str] = (),
        workers: Iterable[str] = (),
        caches: Iterable[str] = (),
        operations: Iterable[str] = (),
    ) -> None:
        """Create the series of these label values at zero, so that none starts with its first event.

        A declared worker counts as unhealthy until it is reported healthy. Raises TypeError for a string in
        place of several.
        """
        for values, series in (
            (agents, self._agents),
            (workers, self._workers),
            (caches, self._caches),
            (operations, self._operations),
        ):
            if isinstance(values, str):
                raise TypeError(f"{values!r} is one string: give a list of them")
            for value in values:
                series.of(value)

    def record_request(
        self, agent: str, status: Status, duration_seconds: float, *, size_bytes: int | None = None
    ) -> None:
        """Count a request that ended, with the time since its arrival and, if it is known, its size.

        Raises ValueError, and counts nothing, for a status of another name and for a duration or size that is
        negative or not finite: it would spoil the sum for good.
        """
        requests.checked(status)
        _check("duration_seconds", duration_seconds)
        _check("size_bytes", size_bytes or 0)
        of_agent = self._agents.of(agent)
        if size_bytes is not None:
            self.requests.size.labels(of_agent.label).observe(size_bytes)
        of_agent.duration.observe(duration_seconds)
        of_agent.requests[status].inc()

    def record_cache_hit(self, cache: str) -> None:
        """Count a lookup that found what it wanted."""
        self._caches.of(cache).hits.inc()

    def record_cache_miss(self, cache: str) -> None:
        """Count a lookup that did not."""
        self._caches.of(cache).misses.inc()

    def update_worker_health(
        self,
        worker_name: str,
        healthy: bool,  # noqa: FBT001  # the name says what it is
        *,
        queue_depth: int | None = None,
    ) -> None:
        """Show whether a worker is healthy and, if known, how many tasks wait for it.

        Raises ValueError, and shows nothing, for a negative number of tasks.
        """
        _check("queue_depth", queue_depth or 0)
        worker = self._workers.of(worker_name)
        if queue_depth is not None:
            self.workers.queue_depth.labels(worker.label).set(queue_depth)
        worker.health.set(int(healthy))

    def record_worker_restart(self, worker_name: str) -> None:
        """Count that a worker was restarted."""
        self._workers.of(worker_name).restarts.inc()

    def track_request_metrics(
        self,
        agent: str,
        *,
        timeouts: Exceptions = (),
        expected: Exceptions = (),
        status: Callable[[Any], Status] | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorate a function each of whose calls is a request to the agent.

        Counts the call while it is in flight, then its time and its end. An exception is an error;
        TimeoutError, those of `timeouts` and a cancellation are a timeout; those of `expected`, the HTTP
        exceptions of FastAPI and Flask below 500, and a generator that its consumer leaves early are a
        success. `status` takes what was returned and gives the status; without it, the HTTP status of a
        response decides, and any other result is a success. Exceptions propagate unchanged.
        """
        of_agent = self._agents.of(agent)
        calls = RequestCalls(
            of_agent,
            self.requests.in_flight.labels(of_agent.label),
            timeouts=timeouts,
            expected=expected,
            status=status or status_of_result,
        )
        return self._decorator(calls)

    def track_database_operation(
        self, operation: str, *, timeouts: Exceptions = (), expected: Exceptions = ()
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorate a function each of whose calls is one operation on the database.

        Counts its time and its end. No exception, those of `expected`, the HTTP exceptions of FastAPI and
        Flask below 500, and a generator that its consumer leaves early are a success; any other exception is
        an error, of the kind `timeout` for TimeoutError and those of `timeouts`, `cancelled` for a
        cancellation, `error` for the rest. Exceptions propagate unchanged.
        """
        return self._decorator(
            OperationCalls(self._operations.of(operation), timeouts=timeouts, expected=expected)
        )

    def _decorator(self, calls: Calls) -> Callable[[Callable[P, R]], Callable[P, R]]:
        return functools.partial(tracked, calls=calls, clock=self._clock)

    def _agent(self, agent: str) -> AgentSeries:
        return AgentSeries(
            agent,
            {status: self.requests.requests.labels(agent, status) for status in requests.STATUSES},
            self.requests.duration.labels(agent),
        )

    def _worker(self, worker: str) -> _Worker:
        return _Worker(worker, self.workers.health.labels(worker), self.workers.restarts.labels(worker))

    def _cache(self, cache: str) -> _Cache:
        return _Cache(self.caches.hits.labels(cache), self.caches.misses.labels(cache))

    def _operation(self, operation: str) -> OperationSeries:
        return OperationSeries(
            {status: self.queries.queries.labels(operation, status) for status in database.QUERY_STATUSES},
            {kind: self.queries.errors.labels(kind) for kind in ERROR_KINDS},
            self.queries.query_duration.labels(operation),
        )


def _check(name: str, value: float) -> None:
    # One comparison is false for NaN too.
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} is {value}: give a finite number, 0 or more")


_default_lock = Lock()


@functools.cache
def _make_default() -> Recorder:
    return Recorder()


def default_recorder() -> Recorder:
    """Return the Recorder that the functions of this module write to; the same one each time."""
    # Without the lock, two threads that come first together would both register the metrics.
    with _default_lock:
        return _make_default()


def declare(
    *,
    agents: Iterable[str] = (),
    workers: Iterable[str] = (),
    caches: Iterable[str] = (),
    operations: Iterable[str] = (),
) -> None:
    """Make series at zero, as Recorder.declare does."""
    default_recorder().declare(agents=agents, workers=workers, caches=caches, operations=operations)


def record_request(
    agent: str, status: Status, duration_seconds: float, *, size_bytes: int | None = None
) -> None:
    """Count a request that ended, as Recorder.record_request does."""
    default_recorder().record_request(agent, status, duration_seconds, size_bytes=size_bytes)


def record_cache_hit(cache: str) -> None:
    """Count a lookup that found what it wanted."""
    default_recorder().record_cache_hit(cache)


def record_cache_miss(cache: str) -> None:
    """Count a lookup that did not."""
    default_recorder().record_cache_miss(cache)


def update_worker_health(
    worker_name: str,
    healthy: bool,  # noqa: FBT001  # the name says what it is
    *,
    queue_depth: int | None = None,
) -> None:
    """Show how a worker is, as Recorder.update_worker_health does."""
    default_recorder().update_worker_health(worker_name, healthy, queue_depth=queue_depth)


def record_worker_restart(worker_name: str) -> None:
    """Count that a worker was restarted."""
    default_recorder().record_worker_restart(worker_name)


def track_request_metrics(
    agent: str,
    *,
    timeouts: Exceptions = (),
    expected: Exceptions = (),
    status: Callable[[Any], Status] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function that answers requests, as Recorder.track_request_metrics does."""
    return default_recorder().track_request_metrics(
        agent, timeouts=timeouts, expected=expected, status=status
    )


def track_database_operation(
    operation: str, *, timeouts: Exceptions = (), expected: Exceptions = ()
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function that works on the database, as Recorder.track_database_operation does."""
    return default_recorder().track_database_operation(operation, timeouts=timeouts, expected=expected)
