"""What an agent must know before it calls its dependency: a customer's record, or an article.

It comes from a cache, or, more slowly, from where it is kept. A few records are asked for often, most of
them seldom. The faults of the caches lie here.
"""

import random
from collections.abc import Mapping
from itertools import count
from typing import Final

from demo_app import catalogue as known
from demo_app.cache import Cache, CacheEvents
from demo_app.clock import Clock
from demo_app.faults import Faults, struck
from demo_app.model import CACHES, Request

CACHE_OF: Final[Mapping[str, str]] = {
    "sizing": "customer",
    "crm": "customer",
    "research": "knowledge",
    "support": "knowledge",
}
"""Where each agent looks."""

RECORDS: Final = 104
CAPACITY: Final = 100
"""Room for nearly all of the records, so that evictions are rare: some 2 % of the lookups."""

TTL_SECONDS: Final = 900.0
"""At two lookups a second, refreshing 100 records costs one lookup in 18."""

FETCH_SECONDS: Final = 0.2
"""How long it takes to fetch a record that is not in the cache."""

SKEW: Final = 3
"""Record number = RECORDS x draw^SKEW: half of the lookups ask for an eighth of the records."""


class Contexts:
    """The caches of the agents, full from the start as those of a system that has run for long."""

    def __init__(self, faults: Faults, clock: Clock, events: CacheEvents) -> None:
        self._faults = faults
        self._strangers = count(RECORDS)
        self.caches: Mapping[str, Cache[int, str]] = {
            name: Cache(name, capacity=CAPACITY, ttl_seconds=TTL_SECONDS, clock=clock, events=events)
            for name in CACHES
        }
        for name, cache in self.caches.items():
            for number in reversed(range(CAPACITY)):  # the most wanted last: used most lately
                # of all ages, or they would all have to be fetched again at the same time
                cache.put(number, f"{name}-{number}", age_seconds=TTL_SECONDS * number / CAPACITY)

    def fetch_seconds(self, request: Request) -> float:
        """Look up what the request needs; return the seconds until it is there, 0 when it is in the cache."""
        self.observe()
        cache = self.caches[CACHE_OF[request.agent]]
        draws = random.Random(~request.seed)  # noqa: S311  # traffic that repeats, not a secret
        number = int(RECORDS * draws.random() ** SKEW)
        if struck(self._faults.intensity(known.CACHE_MISS_STORM), draws.random()):
            cache.invalidate(number)
        found = cache.get(number)
        if found is None:
            cache.put(number, f"{cache.name}-{number}")
        for _ in range(int(self._faults.intensity(known.EVICTION_STORM) or 0)):
            stranger = next(self._strangers)
            cache.put(stranger, f"{cache.name}-{stranger}")
        return FETCH_SECONDS if found is None else 0.0

    def observe(self) -> None:
        """Bring the caches down that a fault keeps down, and the others up."""
        down = self._faults.intensity(known.CACHE_DOWN) or 0
        for index, cache in enumerate(self.caches.values()):
            cache.set_up(up=index >= down)
