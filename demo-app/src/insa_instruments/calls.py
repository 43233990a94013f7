"""What the tracked calls of a function add to the metrics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prometheus_client import Counter, Gauge, Histogram

from insa_instruments import database, requests
from insa_instruments.outcomes import Exceptions, kind_of, status_of

Status = Literal["success", "error", "timeout"]


@dataclass(frozen=True, slots=True)
class AgentSeries:
    """The series of one agent; the counters by status."""

    label: str
    requests: Mapping[str, Counter]
    duration: Histogram


@dataclass(frozen=True, slots=True)
class OperationSeries:
    """The series of one operation on the database; the counters by status and by kind of error."""

    queries: Mapping[str, Counter]
    errors: Mapping[str, Counter]
    duration: Histogram


class RequestCalls:
    """Counts each call as a request to an agent."""

    __slots__ = ("_agent", "_expected", "_in_flight", "_status", "_timeouts")

    def __init__(
        self,
        agent: AgentSeries,
        in_flight: Gauge,
        *,
        timeouts: Exceptions,
        expected: Exceptions,
        status: Callable[[Any], str],
    ) -> None:
        self._agent = agent
        self._in_flight = in_flight
        self._timeouts = timeouts
        self._expected = expected
        self._status = status

    def began(self) -> None:
        """Count a request in."""
        self._in_flight.inc()

    def returned(self, seconds: float, result: object) -> None:
        """Count a request out, with the status that its result has.

        What the program's own `status` raises ends the call, as an error; raises ValueError when it answers
        something that is not a status.
        """
        status = requests.ERROR
        try:
            status = requests.checked(self._status(result))
        finally:
            self._ended(seconds, self._agent.requests[status])

    def raised(self, seconds: float, error: BaseException) -> None:
        """Count a request out, with the status that its exception has."""
        self._ended(seconds, self._agent.requests[status_of(error, self._timeouts, self._expected)])

    def _ended(self, seconds: float, counter: Counter) -> None:
        self._in_flight.dec()
        self._agent.duration.observe(seconds)
        counter.inc()


class OperationCalls:
    """Counts each call as an operation on the database."""

    __slots__ = ("_expected", "_operation", "_timeouts")

    def __init__(self, operation: OperationSeries, *, timeouts: Exceptions, expected: Exceptions) -> None:
        self._operation = operation
        self._timeouts = timeouts
        self._expected = expected

    def began(self) -> None:
        """Count nothing yet."""

    def returned(self, seconds: float, result: object) -> None:  # noqa: ARG002  # whatever was read is a success
        """Count an operation that did what it was to do."""
        self._operation.duration.observe(seconds)
        self._operation.queries[database.SUCCESS].inc()

    def raised(self, seconds: float, error: BaseException) -> None:
        """Count an operation that an exception ended, and its error unless it counts as a success."""
        kind = kind_of(error, self._timeouts, self._expected)
        self._operation.duration.observe(seconds)
        self._operation.queries[database.SUCCESS if kind is None else database.ERROR].inc()
        if kind is not None:
            self._operation.errors[kind].inc()
