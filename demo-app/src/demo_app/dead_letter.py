"""The dead-letter queue: keeps messages that cannot be handled, and gives them back for another try."""

import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from demo_app import catalogue as known
from demo_app.clock import Clock
from demo_app.faults import Faults, struck

POISONED: Final = "poisoned"
REASONS: Final = (POISONED,)
"""Why a message may be here."""

Item = TypeVar("Item")


class DeadLetterEvents(Protocol):
    """Notified of what becomes of dead letters."""

    def letter_added(self, reason: str) -> None:
        """A message has died; one that comes back from a replay is not reported again."""
        ...

    def letter_dropped(self) -> None:
        """The oldest letter was dropped because the queue was full."""
        ...

    def letter_replayed(self, *, succeeded: bool) -> None:
        """Record how the replay of a letter ended."""
        ...

    def letters_waiting(self, letters: int, oldest_seconds: float) -> None:
        """Record how many letters there are, and how long ago the oldest of them died; 0 without any."""
        ...


@dataclass(frozen=True, slots=True)
class Letter(Generic[Item]):
    """A message that died at `since` and was put here last at `put_at`, both monotonic seconds."""

    item: Item
    since: float
    put_at: float


class DeadLetterQueue(Generic[Item]):
    """A bounded queue, first in, first out; safe to use from every thread."""

    def __init__(self, capacity: int, *, clock: Clock, events: DeadLetterEvents) -> None:
        self.capacity = capacity
        self._clock = clock
        self._events = events
        self._letters: deque[Letter[Item]] = deque()
        self._lock = threading.Lock()
        self._tell()

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, item: Item, *, reason: str | None, since: float | None = None) -> Letter[Item] | None:
        """Add a message, and return the letter that was dropped to make room for it, or None.

        With a message that comes back from a replay, `reason` is None and `since` says when it died first.
        The caller has to account for a dropped letter: it is gone for good.
        """
        now = self._clock.monotonic()
        with self._lock:
            dropped = self._letters.popleft() if len(self._letters) >= self.capacity else None
            self._letters.append(Letter(item, now if since is None else since, now))
            if dropped is not None:
                self._events.letter_dropped()
            if reason is not None:
                self._events.letter_added(reason)
            self._tell()
            return dropped

    def take(self) -> Letter[Item] | None:
        """Remove and return the first letter, or None when there is none."""
        with self._lock:
            letter = self._letters.popleft() if self._letters else None
            self._tell()
            return letter

    def postpone(self) -> None:
        """Put the first letter behind all others."""
        with self._lock:
            self._letters.rotate(-1)

    def observe(self) -> None:
        """Tell the listeners how old the oldest letter has become."""
        with self._lock:
            self._tell()

    def oldest_age_seconds(self) -> float | None:
        """Return how long ago the oldest letter died first, None without any."""
        with self._lock:
            return self._oldest_age()

    def _oldest_age(self) -> float | None:
        oldest = min((letter.since for letter in self._letters), default=None)
        return None if oldest is None else self._clock.monotonic() - oldest

    def _tell(self) -> None:
        self._events.letters_waiting(len(self._letters), self._oldest_age() or 0.0)


class Replayer(Generic[Item]):
    """Gives dead letters back, some at a time.

    A letter that was handed over is out of the queue; its receiver reports how the replay ended.
    """

    def __init__(
        self,
        queue: DeadLetterQueue[Item],
        *,
        revive: Callable[[Letter[Item]], None],
        faults: Faults,
        events: DeadLetterEvents,
        batch: int,
    ) -> None:
        self._queue = queue
        self._revive = revive
        self._faults = faults
        self._events = events
        self._batch = batch
        self._draws = random.Random(0)  # noqa: S311  # replays that repeat, not a secret

    def replay(self) -> int:
        """Try to hand over the first letters, each once, and return how many could be."""
        handed_over = 0
        for _ in range(min(self._batch, len(self._queue))):
            if struck(self._faults.intensity(known.REPLAY_FAILURE), self._draws.random()):
                self._queue.postpone()
                self._events.letter_replayed(succeeded=False)
            elif (letter := self._queue.take()) is not None:
                self._revive(letter)
                handed_over += 1
        return handed_over
