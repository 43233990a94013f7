"""What some counts have done lately, second by second."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from demo_app.clock import Clock

WINDOW_SAMPLES: Final = 60
"""With a sample a second: the last minute."""


@dataclass(frozen=True, slots=True)
class RecentCounts:
    """By how much each count has grown over the last `seconds`, and in `history` from sample to sample."""

    seconds: float
    counts: Mapping[str, int]
    history: Mapping[str, list[int]]


class Recent:
    """Keeps the last samples of counts that only grow; safe to use from every thread.

    Somebody calls `observe` once a second. A window that is not full yet is as short as it is: whoever wants
    a rate divides by its `seconds`, which is 0 before the second sample.
    """

    def __init__(self, clock: Clock, read: Callable[[], Mapping[str, int]]) -> None:
        self._clock = clock
        self._read = read
        self._samples: deque[tuple[float, Mapping[str, int]]] = deque(maxlen=WINDOW_SAMPLES + 1)
        self._lock = threading.Lock()
        self.observe()

    def observe(self) -> None:
        """Take a sample."""
        sample = (self._clock.monotonic(), self._read())
        with self._lock:
            self._samples.append(sample)

    def reading(self) -> RecentCounts:
        """Return what happened between the oldest and the newest sample that are kept."""
        with self._lock:
            samples = list(self._samples)
        (began, first), (ended, last) = samples[0], samples[-1]
        steps = list(pairwise(samples))
        return RecentCounts(
            seconds=ended - began,
            counts={name: last[name] - first[name] for name in last},
            history={
                name: [after[name] - before[name] for (_, before), (_, after) in steps] for name in last
            },
        )
