"""The PromQL about failures, for the chosen jobs, breakers and caches."""

from __future__ import annotations

from .. import names
from ..limits import Measure, events
from ..programs import rate, share
from ..selectors import ratio, zero_while

OF_JOB = 'job=~"$job"'
OF_BREAKER = 'job=~"$job", breaker=~"$breaker"'
OF_CACHE = 'job=~"$job", cache=~"$cache"'

FAMILIES = "circuit_breaker_state|retry_outcomes_total|dlq_size|database_queries_total|cache_misses_total"
ANY = f'{{__name__=~"insa_({FAMILIES})", {OF_JOB}}}'
"""What a program exports that has any of the subjects of this dashboard."""

STATE = f"{names.BREAKER_STATE}{{{OF_BREAKER}}}"
TRANSITIONS = "insa_circuit_breaker_transitions_total"
REJECTED = f"insa_circuit_breaker_rejected_calls_total{{{OF_BREAKER}}}"
FAILED_REQUESTS = f"insa_circuit_breaker_failed_requests_total{{{OF_BREAKER}}}"
FAILURES = f"insa_circuit_breaker_failures_total{{{OF_BREAKER}}}"
STATE_SECONDS = "insa_circuit_breaker_state_seconds_total"

OUTCOMES = "insa_retry_outcomes_total"
ATTEMPTS = f"insa_retry_attempts_total{{{OF_JOB}}}"
ATTEMPTS_PER_CALL = "insa_retry_attempts_per_call"
DELAY = "insa_retry_delay_seconds"

LETTERS = f"insa_dlq_size{{{OF_JOB}}}"
LETTER_AGE = f"insa_dlq_oldest_message_age_seconds{{{OF_JOB}}}"
ENQUEUED = f"insa_dlq_enqueued_total{{{OF_JOB}}}"
REPLAYED = "insa_dlq_replayed_total"
LETTERS_DROPPED = f"insa_dlq_dropped_total{{{OF_JOB}}}"

DATABASE_UP = f"insa_database_up{{{OF_JOB}}}"
QUERIES = "insa_database_queries_total"
QUERY_DURATION = "insa_database_query_duration_seconds"
DATABASE_ERRORS = f"insa_database_errors_total{{{OF_JOB}}}"
POOL = f"insa_database_pool_in_use{{{OF_JOB}}} / (insa_database_pool_size{{{OF_JOB}}} > 0)"

HITS = f"{names.CACHE_HITS}{{{OF_CACHE}}}"
MISSES = f"insa_cache_misses_total{{{OF_CACHE}}}"
EVICTIONS = f"insa_cache_evictions_total{{{OF_CACHE}}}"
CACHE_UP = f"insa_cache_up{{{OF_CACHE}}}"
LOOKUP_DURATION = "insa_cache_lookup_duration_seconds"

STABILITY_SLA = Measure("time", (names.BREAKER_STATE, "== 0"))
REPLAYS_SLA = Measure("events", (REPLAYED, f'{REPLAYED}{{result="success"}}'), complement=True)
RETRIES_SLA = events(OUTCOMES, f'{OUTCOMES}{{outcome="success"}}')
QUERIES_SLA = events(QUERIES, f'{QUERIES}{{status="error"}}')
HITS_SLA = events(names.CACHE_HITS, "insa_cache_misses_total")
EVICTIONS_SLA = events(f"{LOOKUP_DURATION}_count", "insa_cache_evictions_total")


def not_closed() -> str:
    """Breakers that are open or half-open; nothing, rather than 0, without any breaker."""
    return zero_while(STATE, f"count({STATE} > 0)")


def transitions(window: str) -> str:
    """Changes from or to closed within the window, as the alert counts them: probes do not count."""
    left = f'increase({TRANSITIONS}{{{OF_BREAKER}, from_state="closed"}}[{window}])'
    reached = f'increase({TRANSITIONS}{{{OF_BREAKER}, to_state="closed"}}[{window}])'
    return f"sum by (breaker) ({left} or {reached})"


def time_closed() -> str:
    """Share of the time that each breaker was closed."""
    return share(
        f'{STATE_SECONDS}{{{OF_BREAKER}, state="closed"}}', f"{STATE_SECONDS}{{{OF_BREAKER}}}", "breaker"
    )


def retry_success(by: str = "") -> str:
    """Share of the calls that were tried again and succeeded in the end."""
    return share(f'{OUTCOMES}{{{OF_JOB}, outcome="success"}}', f"{OUTCOMES}{{{OF_JOB}}}", by)


def replay_failures(by: str = "") -> str:
    """Share of the replays of dead letters that failed."""
    return share(f'{REPLAYED}{{{OF_JOB}, result="failure"}}', f"{REPLAYED}{{{OF_JOB}}}", by)


def query_errors(by: str = "") -> str:
    """Share of the database queries that failed."""
    return share(f'{QUERIES}{{{OF_JOB}, status="error"}}', f"{QUERIES}{{{OF_JOB}}}", by)


def lookups() -> str:
    """Lookups a second of each cache; one that never found anything may have no series of hits."""
    hits, misses = rate(HITS, "cache"), rate(MISSES, "cache")
    return f"({hits} + {misses} or {misses} or {hits})"


def hit_rate() -> str:
    """Share of each cache's lookups that found what they wanted."""
    return ratio(f"{rate(HITS, 'cache')} or 0 * {rate(MISSES, 'cache')}", lookups())


def eviction_rate() -> str:
    """Evictions of each cache / its lookups."""
    return ratio(rate(EVICTIONS, "cache"), lookups())


def cache_fill() -> str:
    """How full each cache is, 0 to 1."""
    return ratio(
        f"sum by (cache) (insa_cache_entries{{{OF_CACHE}}})",
        f"sum by (cache) (insa_cache_capacity_entries{{{OF_CACHE}}})",
    )
