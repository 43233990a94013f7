"""The circuit breaker: stops calling a dependency that fails, and tries it again after a while.

Closed: calls pass. Open: calls are rejected at once. Half-open: one call at a time passes, as a probe; its
outcome closes the breaker or opens it again. Nobody triggers half-open: it starts when the time is up.
"""

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from demo_app.clock import Clock


class State(StrEnum):
    """What a breaker does with calls."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


TRANSITIONS: Final = (
    (State.CLOSED, State.OPEN),
    (State.OPEN, State.HALF_OPEN),
    (State.HALF_OPEN, State.OPEN),
    (State.HALF_OPEN, State.CLOSED),
)
"""Every change of state that there is."""


class BreakerEvents(Protocol):
    """Notified of what a breaker does."""

    def breaker_changed(self, breaker: str, before: State, after: State) -> None:
        """The breaker went from one state to another."""
        ...

    def breaker_state_time(self, breaker: str, state: State, seconds: float) -> None:
        """The breaker has been in `state` for `seconds` more."""
        ...

    def breaker_rejected(self, breaker: str) -> None:
        """A call was rejected."""
        ...

    def breaker_failure(self, breaker: str) -> None:
        """A call failed in a way that counts towards opening."""
        ...


class BreakerOpenError(Exception):
    """The call is rejected; the message names the breaker."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for one call; hand it back by `succeeded`, `failed` or `released`.

    `era` counts the changes of state before it: what becomes of a call from an earlier era says nothing of
    the dependency now.
    """

    era: int


@dataclass(frozen=True, slots=True)
class BreakerReading:
    """The state of a breaker at one moment.

    `failures` counts those without a success between them, of `failure_limit` that open it; `state_seconds`
    is how long it has been in its state, `probe_in_seconds` how long it still rejects, None unless open.
    """

    state: State
    failures: int
    failure_limit: int
    state_seconds: float
    probe_in_seconds: float | None


class CircuitBreaker:
    """A breaker before one dependency; safe to use from every thread.

    It opens at `failure_limit` failures without a success between them, for `open_seconds`.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        events: BreakerEvents,
        failure_limit: int = 5,
        open_seconds: float = 30.0,
    ) -> None:
        self.name = name
        self._clock = clock
        self._events = events
        self._failure_limit = failure_limit
        self._open_seconds = open_seconds
        self._state = State.CLOSED
        self._half_open_at = 0.0  # read while open only
        self._failures = self._era = 0
        self._probing = False
        self._told_at = self._since = clock.monotonic()
        self._lock = threading.Lock()

    def observe(self) -> State:
        """Return the current state, and notify the listeners of changes that came with time alone."""
        with self._lock:
            return self._look()

    def reading(self) -> BreakerReading:
        """Return the current reading; notifies the listeners as `observe` does."""
        with self._lock:
            state = self._look()
            return BreakerReading(
                state=state,
                failures=self._failures,
                failure_limit=self._failure_limit,
                state_seconds=self._told_at - self._since,
                probe_in_seconds=self._half_open_at - self._told_at if state is State.OPEN else None,
            )

    def admit(self) -> Permit:
        """Return leave for one call; raises BreakerOpenError when it is rejected."""
        with self._lock:
            state = self._look()
            if state is State.OPEN or self._probing:
                self._events.breaker_rejected(self.name)
                raise BreakerOpenError(f"the circuit breaker of {self.name} is {state}")
            self._probing = state is State.HALF_OPEN
            return Permit(self._era)

    def succeeded(self, permit: Permit) -> None:
        """The dependency answered."""
        with self._lock:
            state = self._look()
            if permit.era != self._era:
                return
            self._failures = 0
            if state is State.HALF_OPEN:
                self._change(State.CLOSED, self._told_at)

    def failed(self, permit: Permit) -> None:
        """The dependency could not be had."""
        with self._lock:
            state = self._look()
            self._events.breaker_failure(self.name)
            if permit.era != self._era:
                return
            self._failures += 1
            if state is State.HALF_OPEN or self._failures >= self._failure_limit:
                self._change(State.OPEN, self._told_at)

    def released(self, permit: Permit) -> None:
        """The call ended without a word on the dependency; the next one may be the probe."""
        with self._lock:
            self._look()
            if permit.era == self._era:
                self._probing = False

    def _look(self) -> State:
        now = self._clock.monotonic()
        if self._state is State.OPEN and now >= self._half_open_at:
            self._change(State.HALF_OPEN, self._half_open_at)
        self._tell_time(now)
        return self._state

    def _change(self, after: State, at: float) -> None:
        self._tell_time(at)
        before, self._state = self._state, after
        self._since = at
        self._era += 1
        self._failures = 0
        self._probing = False
        if after is State.OPEN:
            self._half_open_at = at + self._open_seconds
        self._events.breaker_changed(self.name, before, after)

    def _tell_time(self, until: float) -> None:
        # Another thread may have read a later time and got here first: no time is reported twice.
        if until > self._told_at:
            self._events.breaker_state_time(self.name, self._state, until - self._told_at)
            self._told_at = until
