"""The activity feed: what the system did last, as reported by the message bus."""

import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

from demo_app.clock import Clock
from demo_app.message_bus import Message

EVENTS: Final = 50
"""How many events the feed keeps."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that happened; `at` is when the feed heard of it, in epoch seconds."""

    at: float
    topic: str
    text: str


class ActivityFeed:
    """Keeps the last events and counts all of them; safe to use from every thread."""

    def __init__(self, clock: Clock, capacity: int = EVENTS) -> None:
        self._clock = clock
        self._last: deque[Activity] = deque(maxlen=capacity)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, message: Message) -> None:
        """Take an event from the bus."""
        with self._lock:
            self._counts[message.topic] += 1
            self._last.append(Activity(self._clock.time(), message.topic, message.text))

    def last(self) -> tuple[Activity, ...]:
        """Return the events that are kept, newest first."""
        with self._lock:
            return tuple(reversed(self._last))

    def counts(self) -> dict[str, int]:
        """Return how many events each topic has had, if any, including those no longer kept."""
        with self._lock:
            return dict(self._counts)
