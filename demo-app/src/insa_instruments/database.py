"""The database: queries by operation, and the pool of connections."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SUCCESS: Final = "success"
ERROR: Final = "error"
QUERY_STATUSES: Final = (SUCCESS, ERROR)
"""How a query can end."""


class QueryInstruments:
    """The instruments of queries alone: for a program that knows nothing of its pool."""

    def __init__(
        self, registry: CollectorRegistry, operations: Iterable[str], error_kinds: Iterable[str]
    ) -> None:
        self.queries = Counter(
            "insa_database_queries_total",
            "Queries, by operation and by how they ended.",
            ["operation", "status"],
            registry=registry,
        )
        self.query_duration = Histogram(
            "insa_database_query_duration_seconds",
            "Time of a query, from the loan of its connection for the first one on it.",
            ["operation"],
            buckets=(0.001, 0.01, 0.1, 0.5, 1, 3, 10, 30),
            registry=registry,
        )
        self.errors = Counter(
            "insa_database_errors_total", "Failed queries, by kind.", ["kind"], registry=registry
        )
        for operation in operations:
            self.query_duration.labels(operation)
            for status in QUERY_STATUSES:
                self.queries.labels(operation, status)
        for kind in error_kinds:
            self.errors.labels(kind)


class DatabaseInstruments(QueryInstruments):
    """Those of queries, and of the database and its pool: down and empty until set otherwise."""

    def __init__(
        self, registry: CollectorRegistry, operations: Iterable[str], error_kinds: Iterable[str]
    ) -> None:
        super().__init__(registry, operations, error_kinds)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, registry=registry)

        self.pool_size = gauge("insa_database_pool_size", "Connections that there can be.")
        self.pool_in_use = gauge("insa_database_pool_in_use", "Connections in use.")
        self.up = gauge("insa_database_up", "1 while the database can be opened, else 0.")
