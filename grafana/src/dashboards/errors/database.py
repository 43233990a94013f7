"""The row about the database and its pool."""

from __future__ import annotations

from ..definitions import Sla
from ..layout import Section
from ..limits import latency, scale
from ..panels import GREEN, RED, Query, Text, states
from ..programs import percentile, rate
from ..tiles import lines, row
from . import expressions as ql


def database_section(slas: list[Sla]) -> Section:
    """Whether it answers, how fast, and whether connections are left."""
    errors = lines(
        51,
        Text(
            "Failed queries",
            "Share of the queries that failed.",
            "queries with status error / all queries, by job.",
            "above the red line see HighDatabaseErrorRate's runbook; the kinds of errors are beside.",
            "No queries",
        ),
        "percentunit",
        {"{{job}}": ql.query_errors("job")},
        scale(slas, "HighDatabaseErrorRate", sla=ql.QUERIES_SLA),
    )
    kinds = lines(
        52,
        Text(
            "Errors by kind",
            "Failed queries a second, by kind of error.",
            "`rate(insa_database_errors_total)`, by kind.",
            "timeouts and refused connections point at the server, the rest at the query.",
        ),
        "ops",
        {"{{kind}}": rate(ql.DATABASE_ERRORS, "kind")},
    )
    p95 = lines(
        53,
        Text(
            "Query time P95",
            "One query in 20 takes longer than this, the wait for a connection included.",
            f"95th percentile of `{ql.QUERY_DURATION}`, by operation and over all of them.",
            "above the line see SlowDatabaseQueries' runbook: which operation, and is the pool full?",
            "No queries",
        ),
        "s",
        {
            "{{operation}}": percentile(0.95, ql.QUERY_DURATION, ql.OF_JOB, "operation"),
            "all": percentile(0.95, ql.QUERY_DURATION, ql.OF_JOB),
        },
        scale(slas, "SlowDatabaseQueries", sla=latency(ql.QUERY_DURATION, "0.95")),
    )
    p99 = lines(
        54,
        Text(
            "Query time P99",
            "One query in 100 takes longer than this.",
            f"99th percentile of `{ql.QUERY_DURATION}`, by job.",
            "above the line, look for locks and for queries without an index.",
            "No queries",
        ),
        "s",
        {"{{job}}": percentile(0.99, ql.QUERY_DURATION, ql.OF_JOB, "job")},
        scale(slas, sla=latency(ql.QUERY_DURATION, "0.99")),
    )
    pool = lines(
        55,
        Text(
            "Connections in use",
            "Share of the pool's connections that are lent out.",
            "`insa_database_pool_in_use` / `insa_database_pool_size`, by process.",
            "above the line queries wait for a connection (DatabasePoolExhausted's runbook).",
        ),
        "percentunit",
        {"{{instance}}": ql.POOL},
        scale(slas, "DatabasePoolExhausted"),
    )
    queries = lines(
        56,
        Text(
            "Queries by operation",
            "Queries a second.",
            f"`rate({ql.QUERIES})`, by operation.",
            "a jump without more requests is a query in a loop.",
        ),
        "ops",
        {"{{operation}}": rate(f"{ql.QUERIES}{{{ql.OF_JOB}}}", "operation")},
    )
    up = states(
        57,
        Text(
            "Database",
            "When the database could be opened and when not; a gap is time nobody measured.",
            "the lowest `insa_database_up` of each step, by job.",
            "down: see DatabaseDown's runbook.",
            "No database",
        ),
        [Query(f"min by (job) (min_over_time({ql.DATABASE_UP}[$__rate_interval]))", "{{job}}")],
        {"0": ("Down", RED), "1": ("Up", GREEN)},
    )
    return Section(
        50,
        "Database",
        [
            row(errors, kinds),
            row(p95, p99),
            row(up, pool, queries),
        ],
    )
