"""Caches: lookups, entries, evictions."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class CacheInstruments:
    """The instruments of caches, by name."""

    def __init__(self, registry: CollectorRegistry, caches: Iterable[str]) -> None:
        def counter(name: str, text: str) -> Counter:
            return Counter(name, text, ["cache"], registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, ["cache"], registry=registry)

        self.hits = counter("insa_cache_hits_total", "Lookups that found what they wanted.")
        self.misses = counter("insa_cache_misses_total", "Lookups that did not.")
        self.evictions = counter("insa_cache_evictions_total", "Entries evicted because the cache was full.")
        self.entries = gauge("insa_cache_entries", "Entries in the cache.")
        self.capacity = gauge("insa_cache_capacity_entries", "Entries that the cache can hold.")
        self.up = gauge("insa_cache_up", "1 while the cache can be used, else 0.")
        self.lookup_duration = Histogram(
            "insa_cache_lookup_duration_seconds",
            "Time that a lookup took, hit or miss.",
            ["cache"],
            buckets=(0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1),
            registry=registry,
        )
        instruments: tuple[Gauge | Counter | Histogram, ...] = (
            self.hits,
            self.misses,
            self.evictions,
            self.entries,
            self.capacity,
            self.up,
            self.lookup_duration,
        )
        for cache in caches:
            for instrument in instruments:
                instrument.labels(cache)
