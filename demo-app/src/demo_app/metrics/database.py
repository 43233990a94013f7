"""The events of the database, counted."""

import functools

from prometheus_client import CollectorRegistry

from demo_app.database import ERROR_KINDS, OPERATIONS
from insa_instruments.database import ERROR, SUCCESS, DatabaseInstruments


class DatabaseMetrics:
    """Implements DatabaseEvents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._database = DatabaseInstruments(registry, OPERATIONS, ERROR_KINDS)
        # What the mechanisms move many times a second is looked up once.
        self._database_queries = functools.cache(self._database.queries.labels)
        self._database_query_duration = functools.cache(self._database.query_duration.labels)

    def query_finished(self, operation: str, seconds: float, *, succeeded: bool) -> None:
        """Count a query, with the time it took."""
        self._database_queries(operation, SUCCESS if succeeded else ERROR).inc()
        self._database_query_duration(operation).observe(seconds)

    def database_error(self, kind: str) -> None:
        """Count a failed query by its kind."""
        self._database.errors.labels(kind).inc()

    def pool_used(self, in_use: int, size: int) -> None:
        """Show how many connections are in use."""
        self._database.pool_in_use.set(in_use)
        self._database.pool_size.set(size)

    def database_available(self, *, up: bool) -> None:
        """Show whether the database can be used."""
        self._database.up.set(int(up))
