"""A cache in memory: bounded, least recently used out first, entries of a limited age."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

from demo_app.clock import Clock

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class CacheEvents(Protocol):
    """Notified of how a cache is used."""

    def cache_lookup(self, cache: str, seconds: float, *, hit: bool) -> None:
        """Record a lookup that took `seconds`."""
        ...

    def cache_evicted(self, cache: str) -> None:
        """An entry was evicted because the cache was full."""
        ...

    def cache_filled(self, cache: str, entries: int, capacity: int) -> None:
        """Record how many entries there are, of how many that could be."""
        ...

    def cache_available(self, cache: str, *, up: bool) -> None:
        """Record whether the cache can be used."""
        ...


class Cache(Generic[Key, Value]):
    """A cache; safe to use from every thread.

    While it is down every lookup is a miss and nothing is kept; it comes back empty. `hits` and `misses`
    count the lookups.
    """

    def __init__(
        self, name: str, *, capacity: int, ttl_seconds: float, clock: Clock, events: CacheEvents
    ) -> None:
        self.name = name
        self.capacity = capacity
        self.ttl_seconds = ttl_seconds
        self.hits = self.misses = 0
        self._clock = clock
        self._events = events
        self._entries: OrderedDict[Key, tuple[Value, float]] = OrderedDict()
        self._up = True
        self._lock = threading.Lock()
        events.cache_available(name, up=True)
        self._tell()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def up(self) -> bool:
        """Whether the cache can be used."""
        return self._up

    def get(self, key: Key) -> Value | None:
        """Return the value of a key, or None when there is none or it has expired."""
        began = self._clock.monotonic()
        with self._lock:
            found = self._entries.get(key)
            if found is not None and found[1] <= began:
                del self._entries[key]
                found = None
                self._tell()
            if found is not None:
                self._entries.move_to_end(key)
            self.hits += found is not None
            self.misses += found is None
            self._events.cache_lookup(self.name, self._clock.monotonic() - began, hit=found is not None)
            return None if found is None else found[0]

    def put(self, key: Key, value: Value, *, age_seconds: float = 0.0) -> None:
        """Keep a value that is `age_seconds` old, in the place of what was used longest ago."""
        with self._lock:
            if not self._up:
                return
            self._entries[key] = (value, self._clock.monotonic() + self.ttl_seconds - age_seconds)
            self._entries.move_to_end(key)
            while len(self._entries) > self.capacity:
                self._entries.popitem(last=False)
                self._events.cache_evicted(self.name)
            self._tell()

    def invalidate(self, key: Key) -> None:
        """Forget a key, known or not."""
        with self._lock:
            self._entries.pop(key, None)
            self._tell()

    def set_up(self, *, up: bool) -> None:
        """Bring the cache down, with the loss of all it holds, or up again."""
        with self._lock:
            if up == self._up:
                return
            self._up = up
            self._entries.clear()
            self._events.cache_available(self.name, up=up)
            self._tell()

    def _tell(self) -> None:
        self._events.cache_filled(self.name, len(self._entries), self.capacity)
