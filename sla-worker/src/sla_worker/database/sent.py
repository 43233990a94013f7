"""What was really sent: the body of each mail as it left, and until when it is kept."""

from __future__ import annotations

from typing import Final

from sla_worker.conventions import MONTH_REVISED_MAIL, MONTHLY_MAIL
from sla_worker.database.engine import Engine
from sla_worker.database.periods import DAY_SECONDS
from sla_worker.model import SentVersion

FOR_GOOD: Final = (MONTHLY_MAIL, MONTH_REVISED_MAIL)
"""Kinds whose bodies are never deleted."""


class SentStore:
    """The table sla_sent_reports. Its contents are packed: see sent.py."""

    def __init__(self, engine: Engine, kept_days: int = 0) -> None:
        """`kept_days`: for how many days mails are kept that are not kept for good; 0: all for good."""
        self._engine = engine
        self._kept_days = kept_days
        self._trimmed: int | None = None  # the day on which that was done last

    def keep(self, number: int, content: bytes, now: int) -> None:
        """Keep what is about to be sent, inside the caller's transaction.

        It takes the place of a version that nobody has got. One that somebody has got stays beside it, unless
        both are the same.
        """
        self._engine.execute(
            "DELETE FROM sla_sent_reports WHERE notification_id = ? AND recipients = 0", (number,)
        )
        rows = self._engine.rows(
            "SELECT version, content FROM sla_sent_reports WHERE notification_id = ?"
            " ORDER BY version DESC LIMIT 1",
            (number,),
        )
        if rows and rows[0]["content"] == content:
            return
        version = rows[0]["version"] + 1 if rows else 1
        self._engine.execute(
            "INSERT INTO sla_sent_reports (notification_id, version, made_at, recipients, content)"
            " VALUES (?, ?, ?, 0, ?)",
            (number, version, now, content),
        )

    def received(self, number: int) -> None:
        """One more recipient has got what was kept last, inside the caller's transaction."""
        self._engine.execute(
            "UPDATE sla_sent_reports SET recipients = recipients + 1 WHERE notification_id = ? AND version ="
            " (SELECT MAX(s.version) FROM sla_sent_reports s WHERE s.notification_id = ?)",
            (number, number),
        )

    def versions(self, number: int) -> list[SentVersion]:
        """The versions of a mail that are kept, oldest first."""
        rows = self._engine.rows(
            "SELECT version, made_at, recipients FROM sla_sent_reports WHERE notification_id = ?"
            " ORDER BY version",
            (number,),
        )
        return [SentVersion(row["version"], row["made_at"], row["recipients"]) for row in rows]

    def content(self, number: int, version: int) -> bytes | None:
        """What a version holds; None: it is not kept."""
        rows = self._engine.rows(
            "SELECT content FROM sla_sent_reports WHERE notification_id = ? AND version = ?",
            (number, version),
        )
        return bytes(rows[0]["content"]) if rows else None

    def trim(self, now: float) -> None:
        """Delete what is older than it is kept; makes no statement before the next day."""
        day = int(now) // DAY_SECONDS
        if not self._kept_days or day == self._trimmed:
            return
        with self._engine.transaction():
            self._engine.execute(
                "DELETE FROM sla_sent_reports WHERE made_at < ? AND NOT EXISTS"
                " (SELECT 1 FROM sla_notifications n WHERE n.id = sla_sent_reports.notification_id"
                " AND n.type IN (?, ?))",
                (int(now) - self._kept_days * DAY_SECONDS, *FOR_GOOD),
            )
        self._trimmed = day
