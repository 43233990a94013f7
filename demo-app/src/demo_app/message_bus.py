"""The message bus: takes messages by topic, keeps them in a bounded backlog and hands them to subscribers.

A delivery takes time. It is a state on the clock, not a thread: `step` starts what there is room for, hands
over what is due, and says when it wants to be called again.
"""

import heapq
import math
import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from demo_app import catalogue as known
from demo_app.clock import Clock
from demo_app.faults import Faults

BACKLOG_CAPACITY: Final = 1000
"""Messages of one topic that can wait: at 5 a second it takes more than three minutes to lose one."""

SLOTS: Final = 32
"""Deliveries of one topic under way at once: 5 messages/s of 3.3 s each are 17."""

MEDIAN_SECONDS: Final = 0.08
SPREAD: Final = 0.5
"""Standard deviation of the logarithm of a delivery's time; the times are log-normal."""

FASTEST_SECONDS: Final = 0.02
SLOWEST_SECONDS: Final = 0.3


class BusEvents(Protocol):
    """Notified of what the bus does."""

    def message_published(self, topic: str) -> None:
        """The bus has taken a message."""
        ...

    def message_delivered(self, topic: str, seconds: float) -> None:
        """The subscribers have processed a message, `seconds` after its delivery began."""
        ...

    def message_dropped(self, topic: str) -> None:
        """The oldest waiting message was dropped because the backlog was full."""
        ...

    def bus_backlog(self, topic: str, messages: int) -> None:
        """Take note that `messages` wait for delivery now."""
        ...

    def bus_available(self, *, up: bool) -> None:
        """Record whether the bus delivers."""
        ...


class Publisher(Protocol):
    """Where a message can be left."""

    def publish(self, topic: str, text: str, seed: int) -> object:
        """Take a message; never blocks."""
        ...


class UnknownTopicError(Exception):
    """The bus has no such topic; the message lists those that it has."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message; `number` counts those of its topic from 1, `seed` decides how long its delivery takes."""

    topic: str
    number: int
    text: str
    seed: int


Subscriber = Callable[[Message], None]


@dataclass(frozen=True, slots=True)
class TopicCounts:
    """What became of the messages of a topic: published = delivered + backlog + under_way + dropped."""

    published: int
    delivered: int
    backlog: int
    under_way: int
    dropped: int


@dataclass(order=True, slots=True)
class _Delivery:
    due: float
    number: int
    message: Message = field(compare=False)
    began: float = field(compare=False)


class _Topic:
    def __init__(self) -> None:
        self.subscribers: list[Subscriber] = []
        self.backlog: deque[Message] = deque()
        self.under_way: list[_Delivery] = []
        self.published = self.delivered = self.dropped = 0


class MessageBus:
    """A bus with a fixed set of topics.

    One thread calls `step`; all else is safe to use from every thread. Messages of a topic start in order and
    end in the order in which they are done. A topic without a subscriber keeps its messages.
    `changed` is set when there is something new to do: the caller of `step` may wait on it.
    """

    def __init__(
        self,
        topics: Sequence[str],
        *,
        faults: Faults,
        clock: Clock,
        events: BusEvents,
        idle_seconds: float = 1.0,
        capacity: int = BACKLOG_CAPACITY,
        slots: int = SLOTS,
    ) -> None:
        self.changed = threading.Event()
        self._faults = faults
        self._clock = clock
        self._events = events
        self._idle_seconds = idle_seconds
        self._capacity = capacity
        self._slots = slots
        self._topics = {name: _Topic() for name in topics}
        self._up = True
        self._lock = threading.Lock()
        events.bus_available(up=True)

    @property
    def up(self) -> bool:
        """Whether the bus delivered at its last turn."""
        return self._up

    @property
    def capacity(self) -> int:
        """How many messages of a topic can wait."""
        return self._capacity

    def subscribe(self, topic: str, subscriber: Subscriber) -> None:
        """Have the subscriber called with every message of a topic; raises UnknownTopicError.

        It is called by the thread of the bus and must not block; it may publish. A message that it raises on
        stays under way, and the error goes on to the caller of `step`.
        """
        found = self._topic(topic)
        with self._lock:
            found.subscribers.append(subscriber)
        self.changed.set()

    def publish(self, topic: str, text: str, seed: int) -> Message:
        """Take a message into the backlog, in the place of the oldest there when it is full, and return it.

        Raises UnknownTopicError.
        """
        found = self._topic(topic)
        with self._lock:
            found.published += 1
            message = Message(topic, found.published, text, seed)
            found.backlog.append(message)
            self._events.message_published(topic)
            self._trim(topic, found)
        self.changed.set()
        return message

    def step(self) -> float:
        """Deliver what is due, start what there is room for, and return the seconds until the next turn."""
        up = self._faults.intensity(known.BUS_DOWN) is None
        if up != self._up:
            self._up = up
            self._events.bus_available(up=up)
        now = self._clock.monotonic()
        if not up:
            self._break_off()
            return self._idle_seconds
        for name, topic in self._topics.items():
            self._finish_due(name, topic, now)
        return self._begin_waiting(now)

    def counts(self) -> dict[str, TopicCounts]:
        """Return what became of the messages so far, by topic."""
        with self._lock:
            return {
                name: TopicCounts(
                    topic.published, topic.delivered, len(topic.backlog), len(topic.under_way), topic.dropped
                )
                for name, topic in self._topics.items()
            }

    def _topic(self, name: str) -> _Topic:
        try:
            return self._topics[name]
        except KeyError:
            raise UnknownTopicError(
                f"unknown topic: {name!r}; the topics are {', '.join(self._topics)}"
            ) from None

    def _finish_due(self, name: str, topic: _Topic, now: float) -> None:
        # Only this thread touches what is under way; the lock is not held while a subscriber runs, so
        # that it may publish. The message counts as under way until all of them are done with it.
        while topic.under_way and topic.under_way[0].due <= now:
            delivery = topic.under_way[0]
            for subscriber in topic.subscribers:
                subscriber(delivery.message)
            with self._lock:
                heapq.heappop(topic.under_way)
                topic.delivered += 1
                self._events.message_delivered(name, self._clock.monotonic() - delivery.began)

    def _begin_waiting(self, now: float) -> float:
        wait = self._idle_seconds
        slower = self._faults.intensity(known.BUS_SLOW) or 0.0
        with self._lock:
            for name, topic in self._topics.items():
                while topic.subscribers and topic.backlog and len(topic.under_way) < self._slots:
                    message = topic.backlog.popleft()
                    due = now + _processing_seconds(message) + slower
                    heapq.heappush(topic.under_way, _Delivery(due, message.number, message, now))
                self._events.bus_backlog(name, len(topic.backlog))
                if topic.under_way:
                    wait = min(wait, topic.under_way[0].due - now)
        return wait

    def _break_off(self) -> None:
        """Put what was under way back at the front of the backlog; a later turn starts it again."""
        with self._lock:
            for name, topic in self._topics.items():
                broken_off = sorted(topic.under_way, key=lambda delivery: delivery.number, reverse=True)
                topic.backlog.extendleft(delivery.message for delivery in broken_off)
                topic.under_way.clear()
                self._trim(name, topic)

    def _trim(self, name: str, topic: _Topic) -> None:
        while len(topic.backlog) > self._capacity:
            topic.backlog.popleft()
            topic.dropped += 1
            self._events.message_dropped(name)
        self._events.bus_backlog(name, len(topic.backlog))


def _processing_seconds(message: Message) -> float:
    """Return how long the delivery takes at rest: between 20 and 300 ms, nearly always below 200."""
    draws = random.Random(f"{message.topic} {message.seed}")  # noqa: S311  # times that repeat, not a secret
    seconds = draws.lognormvariate(math.log(MEDIAN_SECONDS), SPREAD)
    return min(max(seconds, FASTEST_SECONDS), SLOWEST_SECONDS)
