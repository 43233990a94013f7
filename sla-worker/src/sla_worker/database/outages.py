"""When the Watchdog came last, and its outages: times in which it did not come."""

from __future__ import annotations

from sla_worker.conventions import OUTAGE_END_MAIL, OUTAGE_MAIL
from sla_worker.database.engine import Engine
from sla_worker.database.outbox import Outbox, Owed
from sla_worker.model import WatchdogOutage

_COLUMNS = "SELECT id, started_at, last_received_at, noticed_at, ended_at FROM watchdog_outages"
_SPANS = (
    "SELECT started_at, ended_at FROM watchdog_outages"
    " WHERE started_at < ? AND (ended_at IS NULL OR ended_at > ?)"
)


class OutageStore:
    """The tables watchdog and watchdog_outages. At most one outage lasts at a time.

    What holds now is kept in memory: it is asked for every second and changes once a minute.
    """

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._engine = engine
        self._outbox = outbox
        self._known: tuple[int | None, WatchdogOutage | None] | None = None
        engine.on_reset(self._forget)

    def last_received(self) -> int | None:
        """When the Watchdog came last, in epoch seconds; None if it never did."""
        return self._now()[0]

    def active(self) -> WatchdogOutage | None:
        """The outage that lasts; None while the Watchdog comes."""
        return self._now()[1]

    def get(self, outage_id: int) -> WatchdogOutage | None:
        """One outage; None if there is none with that id."""
        rows = self._engine.rows(f"{_COLUMNS} WHERE id = ?", (outage_id,))
        return WatchdogOutage(**rows[0]) if rows else None

    def seconds_between(self, start: int, end: int) -> int:
        """How long an outage lasted in [start, end)."""
        rows = self._engine.rows(_SPANS, (end, start))
        return sum(
            min(end if row["ended_at"] is None else row["ended_at"], end) - max(row["started_at"], start)
            for row in rows
        )

    def begin(self, started_at: int, now: int) -> None:
        """Store an outage and owe the mail about it, in one transaction. Nothing while one lasts."""
        with self._engine.exclusive():
            last, active = self._now()
            if active is not None:
                return
            with self._engine.transaction():
                number = self._engine.next_id("watchdog_outages")
                self._engine.execute(
                    "INSERT INTO watchdog_outages (id, started_at, last_received_at, noticed_at)"
                    " VALUES (?, ?, ?, ?)",
                    (number, started_at, last, now),
                )
                self._outbox.add([Owed(OUTAGE_MAIL, f"{OUTAGE_MAIL}:{number}", outage_id=number)], now)
            self._known = last, WatchdogOutage(number, started_at, last, now, None)

    def received(self, now: int) -> None:
        """Keep the time of a Watchdog; end the outage that lasts and owe the mail about its end."""
        with self._engine.exclusive():
            active = self._now()[1]
            with self._engine.transaction():
                self._engine.execute(
                    "INSERT INTO watchdog (id, received_at) VALUES (1, ?)"
                    " ON CONFLICT (id) DO UPDATE SET received_at = excluded.received_at",
                    (now,),
                )
                if active is not None:
                    self._engine.execute(
                        "UPDATE watchdog_outages SET ended_at = ? WHERE id = ?", (now, active.id)
                    )
                    end = Owed(OUTAGE_END_MAIL, f"{OUTAGE_END_MAIL}:{active.id}", outage_id=active.id)
                    self._outbox.add([end], now)
            self._known = now, None

    def _now(self) -> tuple[int | None, WatchdogOutage | None]:
        with self._engine.exclusive():
            if self._known is None:
                received = self._engine.rows("SELECT received_at FROM watchdog")
                lasting = self._engine.rows(f"{_COLUMNS} WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1")
                self._known = (
                    int(received[0]["received_at"]) if received else None,
                    WatchdogOutage(**lasting[0]) if lasting else None,
                )
            return self._known

    def _forget(self) -> None:
        self._known = None
