"""Who writes to a ledger that several workers share, and whether that one still lives."""

from __future__ import annotations

from dataclasses import dataclass

from sla_worker.database.engine import Engine

# When a session was last heard of is shown to its own user alone. One that the server works for is not
# silent; one whose answer nobody fetches is.
_HOLDER = """
SELECT a.pid AS pid, a.backend_start::text AS start, a.application_name AS name,
       CASE WHEN a.state IS NULL OR a.state = 'active' AND a.wait_event_type IS DISTINCT FROM 'Client' THEN 0
            ELSE EXTRACT(EPOCH FROM clock_timestamp() - GREATEST(a.state_change, a.query_start)) END::float8
       AS silent_seconds
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND ((l.classid::bigint << 32) | l.objid::bigint)
      = hashtextextended('sla_worker ' || current_schema(), 0)
"""
_END = """
SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
WHERE pid = ? AND backend_start = ?::timestamptz AND GREATEST(state_change, query_start)
      < clock_timestamp() - make_interval(secs => ?)
"""
_SNAPSHOT = "SELECT txid_current_snapshot()::text AS seen"


@dataclass(frozen=True, slots=True)
class Holder:
    """The session that holds the writer's lock, and for how long it has sent nothing."""

    name: str
    pid: int
    start: str
    silent_seconds: float


class Lead:
    """The writer's side, and what a session that only reads asks about it. The latter in PostgreSQL alone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: str | None = None
        self._again = False

    @property
    def writer(self) -> str | None:
        """What others are told of this writer, where workers share a ledger; None elsewhere."""
        return self._engine.writer

    def confirm(self) -> None:
        """Hear from a ledger that is shared that this is still its one writer. Raises DatabaseError."""
        self._engine.confirm()

    def holder(self) -> Holder | None:
        """Who writes; None: nobody does. Raises DatabaseError."""
        rows = self._engine.rows(_HOLDER)
        return Holder(**rows[0]) if rows else None

    def end(self, holder: Holder, silent_seconds: float) -> bool:
        """End the writer's session on the server if it has still been silent for so long: it writes no more.

        The lock is free a moment later. Raises DatabaseError, as where the server's user may not do that.
        """
        rows = self._engine.rows(_END, (holder.pid, holder.start, silent_seconds))
        return bool(rows and rows[0]["ended"])

    def follow(self) -> None:
        """Forget what was read before if anything was written since the last call. Raises DatabaseError.

        And once more at the next call: what was being read in another thread at that moment may be of before.
        """
        seen = self._engine.row(_SNAPSHOT)["seen"]
        if seen != self._seen or self._again:
            self._again = seen != self._seen
            self._seen = seen
            self._engine.forget()
