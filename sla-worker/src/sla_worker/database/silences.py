"""When the Watchdog came last, and the silences: times in which it did not come."""

from __future__ import annotations

from sla_worker.database.engine import Engine
from sla_worker.database.outbox import Outbox
from sla_worker.model import Silence

SILENCE = "silence"
SILENCE_END = "silence_end"
"""The types of the two mails of a silence."""

_COLUMNS = "SELECT id, started_at, last_received_at, noticed_at, ended_at FROM watchdog_silences"


class SilenceStore:
    """The tables watchdog and watchdog_silences. At most one silence lasts at a time."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._engine = engine
        self._outbox = outbox

    def last_received(self) -> int | None:
        """When the Watchdog came last, in epoch seconds; None if it never did."""
        rows = self._engine.rows("SELECT received_at FROM watchdog")
        return int(rows[0][0]) if rows else None

    def active(self) -> Silence | None:
        """The silence that lasts; None while the Watchdog comes."""
        rows = self._engine.rows(f"{_COLUMNS} WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1")
        return Silence(*rows[0]) if rows else None

    def get(self, silence_id: int) -> Silence | None:
        """One silence; None if there is none with that id."""
        rows = self._engine.rows(f"{_COLUMNS} WHERE id = ?", (silence_id,))
        return Silence(*rows[0]) if rows else None

    def begin(self, started_at: int, now: int) -> None:
        """Store a silence and owe the mail about it, in one transaction. Nothing while one lasts."""
        with self._engine.transaction():
            if self.active() is not None:
                return
            number = self._engine.next_id("watchdog_silences")
            self._engine.execute(
                "INSERT INTO watchdog_silences (id, started_at, last_received_at, noticed_at)"
                " VALUES (?, ?, ?, ?)",
                (number, started_at, self.last_received(), now),
            )
            self._outbox.add(SILENCE, f"{SILENCE}:{number}", now, silence_id=number)

    def received(self, now: int) -> None:
        """Keep the time of a Watchdog; end the silence that lasts and owe the mail about its end."""
        with self._engine.transaction():
            self._engine.execute(
                "INSERT INTO watchdog (id, received_at) VALUES (1, ?)"
                " ON CONFLICT (id) DO UPDATE SET received_at = excluded.received_at",
                (now,),
            )
            active = self.active()
            if active is not None:
                self._engine.execute(
                    "UPDATE watchdog_silences SET ended_at = ? WHERE id = ?", (now, active.id)
                )
                self._outbox.add(SILENCE_END, f"{SILENCE_END}:{active.id}", now, silence_id=active.id)
