"""The events of caches, counted."""

from prometheus_client import CollectorRegistry

from demo_app.model import CACHES
from insa_instruments.caches import CacheInstruments


class CacheMetrics:
    """Implements CacheEvents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._caches = CacheInstruments(registry, CACHES)

    def cache_lookup(self, cache: str, seconds: float, *, hit: bool) -> None:
        """Count a lookup, with the time it took."""
        (self._caches.hits if hit else self._caches.misses).labels(cache).inc()
        self._caches.lookup_duration.labels(cache).observe(seconds)

    def cache_evicted(self, cache: str) -> None:
        """Count an eviction."""
        self._caches.evictions.labels(cache).inc()

    def cache_filled(self, cache: str, entries: int, capacity: int) -> None:
        """Show how full the cache is."""
        self._caches.entries.labels(cache).set(entries)
        self._caches.capacity.labels(cache).set(capacity)

    def cache_available(self, cache: str, *, up: bool) -> None:
        """Show whether the cache can be used."""
        self._caches.up.labels(cache).set(int(up))
