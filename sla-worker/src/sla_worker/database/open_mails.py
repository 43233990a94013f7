"""The mails that are open, mirrored in memory: nobody asks the database while nothing changes."""

from __future__ import annotations

from dataclasses import dataclass, field

from sla_worker.conventions import CATCH_UP_MAIL
from sla_worker.database.engine import Engine, Row
from sla_worker.model import Delivery, Notification

LONGEST_RETRY_SECONDS = 600
AT_ONCE = (
    "UPDATE sla_notifications SET next_attempt_at = ? WHERE done_at IS NULL AND attempts > 0"
    " AND next_attempt_at > ?",
    "UPDATE sla_deliveries SET next_attempt_at = ? WHERE result IS NULL AND attempts > 0"
    " AND next_attempt_at > ?",
)
"""What was tried and waits for another try is due."""

_OPEN = """
SELECT n.id, n.type, n.notification_key, n.breach_id, n.period_end, n.outage_id, n.created_at, n.attempts,
       n.team, n.next_attempt_at, d.recipient, d.attempts AS tries, d.next_attempt_at AS next_try_at,
       d.result,
       EXISTS (SELECT 1 FROM sla_breaches b JOIN ledger l ON b.started_at >= l.trusted_until
               WHERE b.id = n.breach_id) AS ahead
FROM sla_notifications n
LEFT JOIN sla_deliveries d ON d.notification_id = n.id AND (d.result IS NULL OR d.result <> 'withdrawn')
WHERE n.done_at IS NULL
ORDER BY n.id, d.recipient
"""

_GIVEN_UP = """
SELECT n.type, COUNT(*) AS deliveries
FROM sla_deliveries d JOIN sla_notifications n ON n.id = d.notification_id
WHERE d.result = 'given up' GROUP BY n.type
"""


@dataclass(slots=True)
class Open:
    """A mail that is not done, its open deliveries, and who has one. No recipients: not looked at yet.

    `ahead`: its breach was stored by a clock that ran ahead, and has not been measured again.
    """

    notification: Notification
    next_attempt_at: int
    ahead: bool
    deliveries: list[Delivery] = field(default_factory=list)
    recipients: set[str] = field(default_factory=set)

    def has_come(self, now: int) -> bool:
        """Whether what the mail is about has happened by now, as far as the clock is right."""
        return not self.ahead and (self.notification.period_end or 0) <= now

    def is_collecting(self, now: int) -> bool:
        """Whether it waits for more breaches of the past, to tell all of them together."""
        untried = not self.recipients and not self.notification.attempts
        return self.notification.type == CATCH_UP_MAIL and untried and now < self.next_attempt_at


class OpenMails:
    """Reads the tables of the outbox. `forget` after each change, and hold the engine while asking."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._mirror: dict[int, Open] | None = None
        self._threads: dict[str, list[Open]] = {}  # the same, those together that answer one another
        self.gave_up: dict[str, int] = {}
        """How many deliveries were given up for good, by kind, as of the last `all`."""
        engine.on_reset(self.forget)

    def all(self) -> dict[int, Open]:
        """The open mails by their id; read again after a change."""
        if self._mirror is None:
            self.gave_up = {row["type"]: row["deliveries"] for row in self._engine.rows(_GIVEN_UP)}
            self._mirror = _mirrored(self._engine.rows(_OPEN))
            self._threads = {}
            for each in self._mirror.values():
                self._threads.setdefault(each.notification.thread, []).append(each)
        return self._mirror

    def forget(self) -> None:
        """Read them again at the next question."""
        self._mirror = None

    def moment(self, entry: Open, now: int) -> int | None:
        """When the mail is to be looked at; None while it waits for another one, or for its time to come."""
        if not entry.has_come(now):
            return None
        whole = bounded(entry.next_attempt_at, now)
        if not entry.deliveries:
            first = self._before(entry)
            return None if any(not each.deliveries for each in first) else whole
        moments = [
            max(whole, bounded(each.next_attempt_at, now))
            for each in entry.deliveries
            if not self.held(entry, each.recipient)
        ]
        return min(moments, default=None)

    def held(self, entry: Open, recipient: str) -> bool:
        """Whether a mail that comes before this one is still open for the recipient."""
        return any(
            not each.deliveries or any(one.recipient == recipient for one in each.deliveries)
            for each in self._before(entry)
        )

    def _before(self, entry: Open) -> list[Open]:
        """The open mails of the same thread that come before this one."""
        same = self._threads[entry.notification.thread]
        return [each for each in same if each.notification.id < entry.notification.id]


def _mirrored(rows: list[Row]) -> dict[int, Open]:
    found: dict[int, Open] = {}
    for row in rows:
        notification = Notification(
            id=row["id"],
            type=row["type"],
            key=row["notification_key"],
            breach_id=row["breach_id"],
            period_end=row["period_end"],
            outage_id=row["outage_id"],
            created_at=row["created_at"],
            attempts=row["attempts"],
            team=row["team"],
        )
        entry = found.setdefault(row["id"], Open(notification, row["next_attempt_at"], bool(row["ahead"])))
        if row["recipient"] is None:
            continue
        entry.recipients.add(row["recipient"])
        if row["result"] is None:
            entry.deliveries.append(
                Delivery(row["id"], row["type"], row["recipient"], row["tries"], row["next_try_at"])
            )
    return found


def bounded(moment: int, now: int) -> int:
    """No wait is longer than the longest: what lies further ahead was stored by a clock that ran ahead."""
    return now if moment > now + LONGEST_RETRY_SECONDS else moment
