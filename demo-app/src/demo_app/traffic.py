"""Steady seeded traffic: the same seed sends the same requests at the same distances."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from demo_app import catalogue as known
from demo_app.clock import Clock
from demo_app.faults import Faults, struck

AGENT_SHARES: Final = {"sizing": 0.20, "crm": 0.40, "research": 0.15, "support": 0.25}

CATCH_UP_SECONDS: Final = 5.0
"""After a stall longer than this the traffic goes on from now, without a burst that no user sent."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request to come: `gap_seconds` after the one before it, and a draw for its loss on the way."""

    gap_seconds: float
    agent: str
    seed: int
    loss_draw: float


def arrivals(seed: int, rate: float) -> Iterator[Arrival]:
    """Yield without end the arrivals of a Poisson process of `rate` requests per second."""
    draws = random.Random(seed)  # noqa: S311  # traffic that repeats, not a secret
    agents, shares = list(AGENT_SHARES), list(AGENT_SHARES.values())
    while True:
        yield Arrival(
            gap_seconds=draws.expovariate(rate),
            agent=draws.choices(agents, shares)[0],
            seed=draws.getrandbits(32),
            loss_draw=draws.random(),
        )


class Traffic:
    """Sends the arrivals when they are due. `sent` and `lost` count them."""

    def __init__(
        self,
        source: Iterator[Arrival],
        *,
        submit: Callable[[str, int], object],
        faults: Faults,
        clock: Clock,
    ) -> None:
        self.sent = self.lost = 0
        self._source = source
        self._submit = submit
        self._faults = faults
        self._clock = clock
        self._next = next(source)
        self._due = clock.monotonic() + self._next.gap_seconds

    def step(self) -> float:
        """Send what is due, and return the seconds until the next arrival."""
        now = self._clock.monotonic()
        if now - self._due > CATCH_UP_SECONDS:
            self._due = now
        while self._due <= now:
            self._send(self._next)
            self._next = next(self._source)
            self._due += self._next.gap_seconds
        return self._due - now

    def _send(self, arrival: Arrival) -> None:
        if struck(self._faults.intensity(known.TRAFFIC_DROP), arrival.loss_draw):
            self.lost += 1
            return
        self.sent += 1
        self._submit(arrival.agent, arrival.seed)
