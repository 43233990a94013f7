"""The agents: each looks up what it must know, asks its dependency one thing and makes an answer of it.

A task is a row of steps, each a wait with something to do at its end: a call under way, or a pause before
the next attempt. The worker waits for a step without holding its thread, so nothing here blocks.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from demo_app.circuit_breaker import BreakerOpenError, CircuitBreaker, Permit
from demo_app.context import Contexts
from demo_app.database import Database, DatabaseError, Lease, PoolExhaustedError
from demo_app.message_bus import Publisher
from demo_app.model import AGENTS, CRM_API, CUSTOMERS, Request
from demo_app.retry import Retry, RetryEvents, RetryPolicy
from demo_app.upstream import DEPENDENCY_OF, MAXIMUM_ATTEMPTS, Call, Outcome, Upstream

FALLBACK_SECONDS: Final = 0.05
"""An answer made by rules, without the model, is ready after so long."""

POOL_WAIT_SECONDS: Final = 0.5
"""When no connection of the database is free, the agent asks again after so long."""


class AgentEvents(RetryEvents, Protocol):
    """Notified of what the agents do."""

    def agent_fell_back(self, agent: str) -> None:
        """The agent answered without its dependency."""
        ...

    def breaker_failed_request(self, breaker: str) -> None:
        """A request ends in error because the breaker rejected its call."""
        ...


class AgentError(Exception):
    """An agent could not do its task."""


class AgentTimeoutError(AgentError):
    """An agent's upstream stayed silent for too long."""


class PoisonedMessageError(AgentError):
    """The message of a task cannot be read, however often it is tried; it belongs to the dead letters."""


@dataclass(frozen=True, slots=True)
class Step:
    """A wait of `seconds` in the midst of a task, with what follows it.

    With a `call`, its outcome; without one the next attempt, `attempt`, counted from 1. `rejected` is why
    there is no call and will be none. `permit` is the breaker's permit for the call. `answered` says that the
    calls are over and the database comes next, on the connection of `lease` once there is one.
    """

    seconds: float
    attempt: int
    call: Call | None = None
    permit: Permit | None = None
    rejected: BreakerOpenError | None = None
    answered: bool = False
    lease: Lease | None = None


class Agent:
    """One agent of the CRM; safe to use from every thread.

    With a fallback it answers by rules while the breaker keeps it from its dependency. With a database it
    writes down what it was asked for, and publishes that it did.
    """

    def __init__(
        self,
        name: str,
        *,
        contexts: Contexts,
        upstream: Upstream,
        breaker: CircuitBreaker,
        retry: Retry,
        events: AgentEvents,
        has_fallback: bool,
        publisher: Publisher,
        database: Database | None = None,
    ) -> None:
        self.name = name
        self._contexts = contexts
        self._upstream = upstream
        self._breaker = breaker
        self._retry = retry
        self._events = events
        self._has_fallback = has_fallback
        self._publisher = publisher
        self._database = database

    def begin(self, request: Request) -> Step:
        """Begin the task, and return its first step for the worker to wait for."""
        seconds = self._contexts.fetch_seconds(request)
        return Step(seconds, 1) if seconds else self._attempt(request, 1)

    def finish(self, request: Request, step: Step) -> Step | None:
        """Do what follows a step whose wait is over; return the next step, or None when the task is done.

        Raises AgentTimeoutError, PoisonedMessageError and AgentError when it has failed.
        """
        if step.rejected is not None:
            self._fall_back(request, step)
            return None
        if step.answered:
            return self._record(request, step)
        if step.call is None:
            return self._attempt(request, step.attempt)
        self._tell_breaker(step)
        outcome = step.call.outcome
        if outcome in {Outcome.BUSY, Outcome.DOWN, Outcome.UNREADABLE}:
            return self._pause(request, step, outcome)
        self._retry.ended(step.attempt, succeeded=outcome is Outcome.ANSWERED)
        if outcome is Outcome.SILENT:
            raise AgentTimeoutError(
                f"{self.name}: no answer to request {request.number} in {step.call.seconds:g} s"
            )
        if outcome is Outcome.REFUSED:
            raise AgentError(f"{self.name}: the upstream refused request {request.number}")
        return self._record(request, step)

    def abandon(self, step: Step) -> None:
        """Return what an abandoned step holds."""
        if step.permit is not None:
            self._breaker.released(step.permit)
        if step.lease is not None and self._database is not None:
            self._database.release(step.lease)

    def _attempt(self, request: Request, attempt: int) -> Step:
        try:
            permit = self._breaker.admit()
        except BreakerOpenError as error:
            seconds = FALLBACK_SECONDS if self._has_fallback else 0.0
            return Step(seconds, attempt, rejected=error)
        call = self._upstream.call(request, attempt)
        return Step(call.seconds, attempt, call, permit)

    def _tell_breaker(self, step: Step) -> None:
        if step.permit is None or step.call is None:
            return
        if step.call.outcome is Outcome.DOWN:
            self._breaker.failed(step.permit)
        elif step.call.outcome is Outcome.SILENT:
            self._breaker.released(step.permit)
        else:  # a refusal too is an answer: the dependency is there
            self._breaker.succeeded(step.permit)

    def _pause(self, request: Request, step: Step, outcome: Outcome) -> Step:
        draw = random.Random(request.seed + step.attempt).random()  # noqa: S311  # jitter that repeats
        delay = self._retry.after_failure(step.attempt, draw)
        if delay is None:
            kind = PoisonedMessageError if outcome is Outcome.UNREADABLE else AgentError
            raise kind(f"{self.name}: request {request.number} failed at each of {step.attempt} attempts")
        return Step(delay, step.attempt + 1)

    def _record(self, request: Request, step: Step) -> Step | None:
        if self._database is None:
            return None
        try:
            if step.lease is not None:
                visits = self._database.record_visit(step.lease, request.seed)
                text = f"request {request.number} was visit {visits + 1} of its customer"
                self._publisher.publish(CUSTOMERS, text, request.seed)
                return None
            lease = self._database.lease()
        except PoolExhaustedError:
            return Step(POOL_WAIT_SECONDS, step.attempt, answered=True)
        except DatabaseError as error:
            raise AgentError(f"{self.name}: {error}") from error
        return Step(lease.seconds, step.attempt, answered=True, lease=lease)

    def _fall_back(self, request: Request, step: Step) -> None:
        if step.attempt > 1:  # a call rejected at once was never made
            self._retry.ended(step.attempt, succeeded=False)
        if not self._has_fallback:
            if (
                request.dead_since is None
            ):  # a replayed one goes back to the dead letters and does not count as an error
                self._events.breaker_failed_request(self._breaker.name)
            raise AgentError(f"{self.name}: {step.rejected}") from step.rejected
        self._events.agent_fell_back(self.name)


def all_agents(
    contexts: Contexts,
    upstream: Upstream,
    breakers: Mapping[str, CircuitBreaker],
    database: Database,
    *,
    publisher: Publisher,
    events: AgentEvents,
) -> dict[str, Agent]:
    """Return the agents of the CRM by name; `breakers` are by dependency.

    What the CRM's own interface would have said cannot be made up, so its agent has no fallback.
    """
    policy = RetryPolicy(maximum_attempts=MAXIMUM_ATTEMPTS)
    agents = {}
    for name in AGENTS:
        dependency = DEPENDENCY_OF[name]
        agents[name] = Agent(
            name,
            contexts=contexts,
            upstream=upstream,
            breaker=breakers[dependency],
            retry=Retry(dependency, events, policy),
            events=events,
            has_fallback=dependency != CRM_API,
            publisher=publisher,
            database=database if name == "crm" else None,
        )
    return agents
