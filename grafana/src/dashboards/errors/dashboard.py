"""The dashboard about failures: what fails, what holds it back, and whether anybody would notice."""

from __future__ import annotations

from .. import names, sdk, variables
from ..definitions import Sla
from ..frame import Identity, dashboard
from ..layout import Band, Section
from ..limits import latency, scale
from ..panels import RED, Text
from ..programs import firing, percentile, while_there
from ..selectors import zero_while
from ..tiles import count_of_bad, number
from . import expressions as ql
from .breakers import breakers_section, each_breaker, retries_section
from .caches import caches_section
from .compliance import compliance_section
from .database import database_section
from .letters import letters_section
from .monitoring import monitoring_section

IDENTITY = Identity(
    uid=names.ERRORS_DASHBOARD_UID,
    title="Error Handling & Resilience",
    description="What fails, what holds it back (breakers, retries, dead letters, caches), and who watches.",
    tag="errors",
)
COMPONENTS = "circuit-breaker|retry|dlq|database|cache|compliance|monitoring"


def errors_dashboard(slas: list[Sla]) -> sdk.dashboard_model.Dashboard:
    """The whole dashboard, limits from the alert rules and the SLAs."""
    sections = [
        Section(10, "Overview: are failures held back?", overview(slas)),
        breakers_section(slas),
        retries_section(slas),
        letters_section(slas),
        database_section(slas),
        caches_section(slas),
        compliance_section(slas),
        monitoring_section(),
        Section(90, "Breaker $breaker", each_breaker(), collapsed=True, repeat="breaker"),
    ]
    jobs = variables.job(f'{{__name__=~"insa_({ql.FAMILIES})"}}')
    return dashboard(IDENTITY, [jobs, variables.breaker(), variables.cache()], sections)


def overview(slas: list[Sla]) -> list[Band]:
    """The first screen: twelve figures, from what keeps failures in to what they leave behind."""
    alerts = count_of_bad(
        11,
        Text(
            "Alerts firing",
            "Alerts on the subjects of this dashboard that fire now.",
            "count of `ALERTS` with these components, the Watchdog apart.",
            "above 0, open the alert's runbook (link above); the graphs below show since when.",
        ),
        firing(COMPONENTS, ql.ANY),
        RED,
    )
    open_ = count_of_bad(
        12,
        Text(
            "Breakers open",
            "Circuit breakers that are open or half-open: calls to their dependency are not made.",
            f"count of `{names.BREAKER_STATE}` above 0.",
            "see below which; its dependency fails, and CircuitBreakerOpen's runbook says what to do first.",
            "No breakers",
        ),
        ql.not_closed(),
        RED,
    )
    retries = number(
        13,
        Text(
            "Retry success",
            "Share of the calls that were tried again and succeeded in the end.",
            "retried calls with outcome success / all retried calls.",
            "when it falls, retrying is load without use: see which operation below.",
            "No retries",
        ),
        "percentunit",
        while_there(f"{ql.OUTCOMES}{{{ql.OF_JOB}}}", ql.retry_success()),
        scale(slas, "LowRetrySuccessRate", sla=ql.RETRIES_SLA),
    )
    letters = number(
        14,
        Text(
            "Dead letters",
            "Messages that could not be handled and wait in the dead letter queue.",
            "max of `insa_dlq_size`: each process has a queue of its own.",
            "see below why they died; replay them once the cause is gone.",
        ),
        "none",
        f"max({ql.LETTERS})",
        scale(slas, "DeadLetterQueueGrowing", "DeadLetterQueueCritical"),
    )
    oldest = number(
        15,
        Text(
            "Oldest letter",
            "How long the oldest dead letter has waited.",
            "max of `insa_dlq_oldest_message_age_seconds`; 0 without any.",
            "when it climbs steadily, that letter is never replayed: look at it by itself.",
        ),
        "s",
        f"max({ql.LETTER_AGE})",
    )
    replays = number(
        16,
        Text(
            "Failed replays",
            "Share of the replays of dead letters that failed.",
            "replays with result failure / all replays.",
            "the cause of the letters is still there: stop replaying, and fix it first.",
            "No replays",
        ),
        "percentunit",
        while_there(ql.LETTERS, ql.replay_failures()),
        scale(slas, "HighDLQReplayFailureRate", sla=ql.REPLAYS_SLA),
    )
    first = [alerts, open_, retries, letters, oldest, replays]
    return [
        Band(4, [(4, each) for each in first]),
        Band(4, [(4, each) for each in dependencies(slas)]),
    ]


def dependencies(slas: list[Sla]) -> list[sdk.stat.Panel]:
    """Six figures about database and caches."""
    down = count_of_bad(
        61,
        Text(
            "Database down",
            "Processes that cannot open their database.",
            "count of `insa_database_up` == 0.",
            "above 0, see DatabaseDown's runbook: every request that needs it fails.",
            "No database",
        ),
        zero_while(ql.DATABASE_UP, f"count({ql.DATABASE_UP} == 0)"),
        RED,
    )
    errors = number(
        62,
        Text(
            "Query errors",
            "Share of the database queries that failed.",
            "queries with status error / all queries.",
            "see the kinds of errors below; HighDatabaseErrorRate's runbook says what to do first.",
            "No queries",
        ),
        "percentunit",
        while_there(ql.DATABASE_UP, ql.query_errors()),
        scale(slas, "HighDatabaseErrorRate", sla=ql.QUERIES_SLA),
    )
    p95 = number(
        63,
        Text(
            "Query P95",
            "One query in 20 takes longer than this.",
            f"95th percentile of `{ql.QUERY_DURATION}`.",
            "compare with the pool: a full one makes queries wait for a connection.",
            "No queries",
        ),
        "s",
        while_there(ql.DATABASE_UP, percentile(0.95, ql.QUERY_DURATION, ql.OF_JOB)),
        scale(slas, "SlowDatabaseQueries", sla=latency(ql.QUERY_DURATION, "0.95")),
    ).decimals(3)
    pool = number(
        64,
        Text(
            "Pool in use",
            "Share of the connections in use, in the process with the fewest left.",
            "max of `insa_database_pool_in_use` / `insa_database_pool_size`.",
            "near 100 % queries wait: look for slow ones, or for connections that are never given back.",
        ),
        "percentunit",
        f"max({ql.POOL})",
        scale(slas, "DatabasePoolExhausted"),
    )
    caches = count_of_bad(
        65,
        Text(
            "Caches down",
            "Caches that cannot be used.",
            "count of `insa_cache_up` == 0.",
            "above 0, see CacheDown's runbook: every lookup goes to the dependency behind it.",
            "No caches",
        ),
        zero_while(ql.CACHE_UP, f"count({ql.CACHE_UP} == 0)"),
        RED,
    )
    hits = number(
        66,
        Text(
            "Cache hit rate",
            "Share of the lookups that found what they wanted, in the cache with the fewest.",
            "min over the caches of hits / lookups.",
            "see below which cache, and whether it is too small (evictions) or was emptied.",
            "No lookups",
        ),
        "percentunit",
        while_there(ql.CACHE_UP, f"min({ql.hit_rate()})"),
        scale(slas, "LowCacheHitRate", sla=ql.HITS_SLA),
    )
    return [down, errors, p95, pool, caches, hits]
