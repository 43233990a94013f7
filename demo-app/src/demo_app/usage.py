"""The app's own usage figures: how many requests ended, a row a minute, kept for as long as is set."""

import logging
import sqlite3
from collections.abc import Callable
from typing import Final, Protocol

from demo_app.clock import Clock
from demo_app.database import Database, DatabaseError
from demo_app.volume import Volume

log = logging.getLogger(__name__)

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS usage (
    ended_at INTEGER PRIMARY KEY,
    requests INTEGER NOT NULL CHECK (requests >= 0)
)
"""
INSERT: Final = """
INSERT INTO usage VALUES (?, ?)
ON CONFLICT (ended_at) DO UPDATE SET requests = requests + excluded.requests
"""
PRUNE: Final = "DELETE FROM usage WHERE ended_at <= ?"

ROOM_BYTES: Final = 4096
"""A row fills a page of the database now and then; without room for one it waits for the next turn."""


class UsageEvents(Protocol):
    """Notified of how long usage figures are kept."""

    def retention(self, seconds: float) -> None:
        """Record how long they are kept."""
        ...


class UsageHistory:
    """Writes down how many requests ended, and forgets what is older than the retention.

    `ended` returns the requests that ended since the start. What could not be written goes into the next row.
    """

    def __init__(
        self,
        database: Database,
        volume: Volume,
        *,
        ended: Callable[[], int],
        retention_seconds: float,
        clock: Clock,
        events: UsageEvents,
    ) -> None:
        self._database = database
        self._volume = volume
        self._ended = ended
        self.retention_seconds = retention_seconds
        self._clock = clock
        self._written = 0
        with database.connection() as connection:
            connection.execute(SCHEMA)
        events.retention(retention_seconds)

    def record(self) -> bool:
        """Write the row of the time since the one before and prune; return whether that could be done."""
        ended = self._ended()
        now = int(self._clock.time())
        try:
            self._volume.require(ROOM_BYTES)
            with self._database.connection() as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(INSERT, (now, ended - self._written))
                connection.execute(PRUNE, (now - self.retention_seconds,))
                connection.execute("COMMIT")
        except (OSError, sqlite3.Error, DatabaseError) as error:
            log.debug("usage not written reason=%s", error)
            return False
        self._written = ended
        return True
