"""Mails that are owed. A row is written with what causes it and is sent until it is delivered, once."""

from __future__ import annotations

from sla_worker.database.engine import Engine
from sla_worker.model import Notification

_FIRST_RETRY_SECONDS = 15
_LONGEST_RETRY_SECONDS = 600


class Outbox:
    """The table sla_notifications."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self,
        kind: str,
        key: str,
        now: int,
        *,
        breach_id: int | None = None,
        period_end: int | None = None,
        silence_id: int | None = None,
    ) -> bool:
        """Owe a mail, inside the caller's transaction. False: it was owed or sent before."""
        if self._engine.rows("SELECT id FROM sla_notifications WHERE notification_key = ?", (key,)):
            return False
        self._engine.execute(
            "INSERT INTO sla_notifications (id, type, notification_key, breach_id, period_end,"
            " silence_id, created_at, next_attempt_at, attempts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (
                self._engine.next_id("sla_notifications"),
                kind,
                key,
                breach_id,
                period_end,
                silence_id,
                now,
                now,
            ),
        )
        return True

    def owe_report(self, kind: str, key: str, period_end: int, now: int) -> bool:
        """Owe a periodic report once. False: it was owed or sent before."""
        with self._engine.transaction():
            return self.add(kind, key, now, period_end=period_end)

    def due(self, now: int) -> list[Notification]:
        """The mails to be tried now, oldest first. The end of a silence waits until the silence is told."""
        return [
            Notification(*row)
            for row in self._engine.rows(
                "SELECT id, type, notification_key, breach_id, period_end, silence_id, created_at, attempts"
                " FROM sla_notifications n WHERE sent_at IS NULL AND next_attempt_at <= ? AND NOT EXISTS"
                " (SELECT 1 FROM sla_notifications first WHERE first.sent_at IS NULL"
                " AND first.silence_id = n.silence_id AND first.id < n.id) ORDER BY id",
                (now,),
            )
        ]

    def owed(self) -> dict[str, int]:
        """How many mails are owed and not delivered yet, by type; a type with none is left out."""
        return {
            row["type"]: row["mails"]
            for row in self._engine.rows(
                "SELECT type, COUNT(*) AS mails FROM sla_notifications WHERE sent_at IS NULL GROUP BY type"
            )
        }

    def sent(self, notification: Notification, recipients: str, now: int) -> None:
        """The mail server has taken it; it is never sent again."""
        with self._engine.transaction():
            self._engine.execute(
                "UPDATE sla_notifications SET sent_at = ?, success = 1, error = NULL, recipients = ?,"
                " attempts = attempts + 1 WHERE id = ?",
                (now, recipients, notification.id),
            )

    def failed(self, notification: Notification, error: str, now: int) -> int:
        """It was not taken. Returns the seconds until the next try: 15, 30, 60 … at most 600."""
        wait: int = min(_FIRST_RETRY_SECONDS * 2 ** min(notification.attempts, 10), _LONGEST_RETRY_SECONDS)
        with self._engine.transaction():
            self._engine.execute(
                "UPDATE sla_notifications SET success = 0, error = ?, attempts = attempts + 1,"
                " next_attempt_at = ? WHERE id = ?",
                (error, now + wait, notification.id),
            )
        return wait
