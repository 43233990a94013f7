"""The chores that the system does by the clock, in one thread for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from demo_app.clock import Clock


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to be done at a fixed interval, in seconds."""

    interval_seconds: float
    do: Callable[[], object]


class Housekeeping:
    """Does each chore when it is due. After a stall, a chore that was missed several times is done once."""

    def __init__(self, clock: Clock, chores: Sequence[Chore]) -> None:
        self._clock = clock
        self._chores = chores
        now = clock.monotonic()
        self._due = [now + chore.interval_seconds for chore in chores]

    def step(self) -> float:
        """Do what is due, and return the seconds until the next chore."""
        now = self._clock.monotonic()
        for index, chore in enumerate(self._chores):
            if self._due[index] <= now:
                chore.do()
                self._due[index] = now + chore.interval_seconds
        return min(self._due) - now
