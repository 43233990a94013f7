"""The row about caches."""

from __future__ import annotations

from ..definitions import Sla
from ..layout import Section
from ..limits import scale
from ..panels import GREEN, RED, Query, Text, states
from ..programs import percentile
from ..tiles import lines, row
from . import expressions as ql


def caches_section(slas: list[Sla]) -> Section:
    """Whether they spare their dependencies anything."""
    hits = lines(
        71,
        Text(
            "Hit rate",
            "Share of each cache's lookups that found what they wanted.",
            "hits / (hits + misses), by cache.",
            "below the red line see LowCacheHitRate's runbook: emptied, too small, or asked for new things.",
            "No lookups",
        ),
        "percentunit",
        {"{{cache}}": ql.hit_rate()},
        scale(slas, "LowCacheHitRate", sla=ql.HITS_SLA),
    )
    evictions = lines(
        72,
        Text(
            "Eviction rate",
            "How many lookups push out an entry that was kept for a reason.",
            "evictions / (hits + misses), by cache.",
            "above the red line the cache is too small for what is asked (HighCacheEvictionRate's runbook).",
            "No lookups",
        ),
        "percentunit",
        {"{{cache}}": ql.eviction_rate()},
        scale(slas, "HighCacheEvictionRate", sla=ql.EVICTIONS_SLA),
    )
    fill = lines(
        73,
        Text(
            "Fill",
            "How much of each cache's room is taken.",
            "`insa_cache_entries` / `insa_cache_capacity_entries`, by cache.",
            "a drop to zero is a cache that was emptied; a full one is no fault by itself.",
        ),
        "percentunit",
        {"{{cache}}": ql.cache_fill()},
    )
    lookup = lines(
        74,
        Text(
            "Lookup time P95",
            "One lookup in 20 takes longer than this.",
            f"95th percentile of `{ql.LOOKUP_DURATION}`, by cache.",
            "a cache slower than its dependency is worse than none.",
            "No lookups",
        ),
        "s",
        {"{{cache}}": percentile(0.95, ql.LOOKUP_DURATION, ql.OF_CACHE, "cache")},
    )
    up = states(
        75,
        Text(
            "Caches",
            "When each cache could be used and when not; a gap is time nobody measured.",
            "the lowest `insa_cache_up` of each step, by cache.",
            "down: see CacheDown's runbook.",
            "No caches",
        ),
        [Query(f"min by (cache) (min_over_time({ql.CACHE_UP}[$__rate_interval]))", "{{cache}}")],
        {"0": ("Down", RED), "1": ("Up", GREEN)},
    )
    return Section(
        70,
        "Caches",
        [row(hits, evictions), row(up, fill, lookup)],
    )
