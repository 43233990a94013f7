"""Sessions of users: each request comes from a seat, and keeps the session on it open.

A request on an empty seat starts a session. It ends when it has lasted as long as its user had planned, or
when its seat has been silent for a minute.
"""

import random
import threading
from dataclasses import dataclass
from typing import Final, Protocol

from demo_app import catalogue as known
from demo_app.clock import Clock
from demo_app.faults import Faults

SEATS: Final = 24
"""Users at once, at most: at 5 requests/s a seat has one every 4.8 s, and is hardly ever silent for long."""

SHORTEST_SECONDS: Final = 360.0
SPREAD_SECONDS: Final = 360.0
"""A session is planned for SHORTEST_SECONDS + SPREAD_SECONDS x draw: 540 s on average."""

IDLE_SECONDS: Final = 60.0


class SessionEvents(Protocol):
    """Notified of sessions."""

    def session_began(self) -> None:
        """A session was opened."""
        ...

    def session_ended(self, seconds: float) -> None:
        """A session ended, `seconds` after it began."""
        ...


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """How many sessions there are and were: begun = ended + active."""

    begun: int
    ended: int
    active: int


@dataclass(slots=True)
class _Session:
    began: float
    planned: float
    used: float

    def ends_at(self, limit: float | None) -> float:
        length = self.planned if limit is None else min(self.planned, limit)
        return min(self.began + length, self.used + IDLE_SECONDS)


class Sessions:
    """The sessions of all seats; safe to use from every thread."""

    def __init__(self, *, faults: Faults, clock: Clock, events: SessionEvents, seats: int = SEATS) -> None:
        self._faults = faults
        self._clock = clock
        self._events = events
        self._seats = seats
        self._open: dict[int, _Session] = {}
        self._begun = self._ended = 0
        self._looked_at = clock.monotonic()
        self._lock = threading.Lock()

    @property
    def seats(self) -> int:
        """How many sessions there can be at once."""
        return self._seats

    def used(self, seed: int) -> None:
        """Record a request, on the seat that its seed chooses; it starts a session if needed."""
        limit = self._limit()
        with self._lock:
            now = self._look(limit)
            seat = seed % self._seats
            session = self._open.get(seat)
            if session is not None:
                session.used = now
                return
            draw = random.Random(f"session {seed}").random()  # noqa: S311  # lengths that repeat, not a secret
            self._open[seat] = _Session(now, SHORTEST_SECONDS + SPREAD_SECONDS * draw, now)
            self._begun += 1
            self._events.session_began()

    def observe(self) -> None:
        """End the sessions whose time is over, so that listeners hear of it without a request."""
        limit = self._limit()
        with self._lock:
            self._look(limit)

    def counts(self) -> SessionCounts:
        """Return how many sessions there are and were."""
        limit = self._limit()
        with self._lock:
            self._look(limit)
            return SessionCounts(self._begun, self._ended, len(self._open))

    def _limit(self) -> float | None:
        # Asked before the lock is taken: the answer may log that the fault has ended.
        return self._faults.intensity(known.SHORT_SESSIONS)

    def _look(self, limit: float | None) -> float:
        now = self._clock.monotonic()
        for seat, session in list(self._open.items()):
            end = session.ends_at(limit)
            if end <= now:
                del self._open[seat]
                self._ended += 1
                # One that a fault cuts short lasted until now: it was open at the last look.
                self._events.session_ended(max(end, self._looked_at) - session.began)
        self._looked_at = now
        return now
