"""The events of caches, counted."""

import functools

from prometheus_client import CollectorRegistry

from demo_app.model import CACHES
from insa_instruments.caches import CacheInstruments


class CacheMetrics:
    """Implements CacheEvents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._caches = CacheInstruments(registry, CACHES)
        # What the mechanisms move many times a second is looked up once.
        self._cache_hits = functools.cache(self._caches.hits.labels)
        self._cache_misses = functools.cache(self._caches.misses.labels)
        self._cache_lookup_duration = functools.cache(self._caches.lookup_duration.labels)
        self._cache_entries = functools.cache(self._caches.entries.labels)
        self._cache_capacity = functools.cache(self._caches.capacity.labels)

    def cache_lookup(self, cache: str, seconds: float, *, hit: bool) -> None:
        """Count a lookup, with the time it took."""
        (self._cache_hits if hit else self._cache_misses)(cache).inc()
        self._cache_lookup_duration(cache).observe(seconds)

    def cache_evicted(self, cache: str) -> None:
        """Count an eviction."""
        self._caches.evictions.labels(cache).inc()

    def cache_filled(self, cache: str, entries: int, capacity: int) -> None:
        """Show how full the cache is."""
        self._cache_entries(cache).set(entries)
        self._cache_capacity(cache).set(capacity)

    def cache_available(self, cache: str, *, up: bool) -> None:
        """Show whether the cache can be used."""
        self._caches.up.labels(cache).set(int(up))
