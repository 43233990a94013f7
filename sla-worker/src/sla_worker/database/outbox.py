"""Mails that are owed. A row is written with what causes it and is tried until every recipient has it, once.

Or until it is given up: the mail server refuses it for good, or has not taken it for days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sla_worker.conventions import BREACH_AGAIN_MAIL, BREACH_MAIL, CATCH_UP_MAIL
from sla_worker.database.engine import Engine
from sla_worker.database.open_mails import AT_ONCE, LONGEST_RETRY_SECONDS, OpenMails, bounded
from sla_worker.database.sent import SentStore
from sla_worker.model import Delivery, Notification

_FIRST_RETRY_SECONDS = 15
_OLD_SECONDS = 5 * 86_400  # as long as mail servers keep a mail that they cannot hand on (RFC 5321, 4.5.4.1)
_OLD_TRIES = (
    100  # 16 hours of them: a clock that jumps ahead, or a worker that was away, is not to cost a mail
)
_TOGETHER_SECONDS = 120  # after the last breach of the past, the mail about all of them leaves
_AT_ONCE_SECONDS = 60  # within this after its period a report is owed, unless the worker was away
_BEGINNINGS = (BREACH_MAIL, BREACH_AGAIN_MAIL)
_BEGUN = "type IN (?, ?) AND breach_id = ?"
_DOUBT = " by a clock ahead, "  # in the key of a report that was sent before its period came

_DONE = """
UPDATE sla_notifications SET done_at = ?,
    sent_at = (SELECT MAX(d.closed_at) FROM sla_deliveries d
               WHERE d.notification_id = sla_notifications.id AND d.result = 'delivered'),
    success = (SELECT CASE WHEN COUNT(*) = 0 THEN 1 ELSE 0 END FROM sla_deliveries d
               WHERE d.notification_id = sla_notifications.id AND d.result = 'given up'),
    error = (SELECT MAX(d.recipient || ': ' || d.error) FROM sla_deliveries d
             WHERE d.notification_id = sla_notifications.id AND d.result = 'given up'),
    recipients = ?
WHERE id = ? AND NOT EXISTS (SELECT 1 FROM sla_deliveries d
                             WHERE d.notification_id = sla_notifications.id AND d.result IS NULL)
"""


@dataclass(frozen=True, slots=True)
class Owed:
    """What is to be owed: a kind of mail, its unique key, and what it is about."""

    kind: str
    key: str
    breach_id: int | None = None
    period_end: int | None = None
    outage_id: int | None = None
    team: str | None = None


class Outbox:
    """The tables sla_notifications and sla_deliveries."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._open = OpenMails(engine)
        self._sent = SentStore(engine)
        self._unrecorded: dict[tuple[int, str], tuple[Delivery, int]] = {}

    # --- owing

    def add(self, owed: Iterable[Owed], now: int) -> None:
        """Owe mails, inside the caller's transaction. A key that was owed or sent before is left alone."""
        owed = list(owed)
        if not owed:
            return
        first = self._engine.next_id("sla_notifications")
        self._engine.executemany(
            "INSERT INTO sla_notifications (id, type, notification_key, breach_id, period_end, outage_id,"
            " created_at, next_attempt_at, team, attempts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
            " ON CONFLICT (notification_key) DO NOTHING",
            [
                (
                    number,
                    each.kind,
                    each.key,
                    each.breach_id,
                    each.period_end,
                    each.outage_id,
                    now,
                    now,
                    each.team,
                )
                for number, each in enumerate(owed, start=first)
            ],
        )
        self._open.forget()

    def owe_catch_up(self, now: int) -> int:
        """Owe the one mail about breaches of the past, inside the caller's transaction; returns its id.

        More of them may follow while slots are caught up with, so it waits a little after each call; those
        that follow later are told in another one.
        """
        waiting = [
            each.notification.id
            for each in self._open.all().values()
            if each.notification.type == CATCH_UP_MAIL
            and each.notification.team is None
            and not each.recipients
        ]
        if not waiting:
            number = self._engine.next_id("sla_notifications")
            self.add([Owed(CATCH_UP_MAIL, f"{CATCH_UP_MAIL}:{number}")], now)
            waiting = [number]
        self._engine.execute(
            "UPDATE sla_notifications SET next_attempt_at = ? WHERE id = ?",
            (now + _TOGETHER_SECONDS, waiting[0]),
        )
        self._open.forget()
        return waiting[0]

    def owe_catch_up_of(self, whole: Notification, teams: Iterable[str], now: int) -> None:
        """Owe teams their part of the mail about breaches of the past, each once."""
        new = [name for name in teams if not self.is_known(f"{whole.key}/{name}")]
        if new:
            with self._engine.transaction():
                self.add([Owed(CATCH_UP_MAIL, f"{whole.key}/{name}", team=name) for name in new], now)

    def drop_catch_ups(self, now: int) -> None:
        """Close mails about breaches of the past of which none is left, inside the caller's transaction."""
        self._engine.execute(
            "UPDATE sla_notifications SET done_at = ? WHERE type = ? AND team IS NULL AND done_at IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM sla_breaches b WHERE b.catch_up_id = sla_notifications.id"
            " AND (b.ended_at IS NULL OR b.ended_at > b.started_at))",
            (now, CATCH_UP_MAIL),
        )
        self._open.forget()

    def owe_report(self, kind: str, key: str, period_end: int, now: int, *, team: str | None = None) -> bool:
        """Owe a periodic report once, or that of a team. False: it was owed or sent before."""
        if self.is_known(key):
            return False
        doubtful = self._engine.rows(
            "SELECT id FROM sla_notifications WHERE notification_key LIKE ? AND created_at < ?",
            (f"{key}{_DOUBT}%", now - _AT_ONCE_SECONDS),
        )
        with self._engine.transaction():
            if doubtful:  # it was owed before now, so it is the clock of the doubt that was wrong
                self._engine.execute(
                    "UPDATE sla_notifications SET notification_key = ? WHERE id = ?",
                    (key, doubtful[-1]["id"]),
                )
                return False
            self.add([Owed(kind, key, period_end=period_end, team=team)], now)
        return True

    def last_report_end(self, kind: str, until: int) -> int | None:
        """Where the newest whole report of a kind ends, of those up to `until`; None: none was owed."""
        row = self._engine.row(
            "SELECT MAX(period_end) AS newest FROM sla_notifications WHERE type = ? AND period_end <= ?"
            " AND team IS NULL",
            (kind, until),
        )
        return None if row["newest"] is None else int(row["newest"])

    def doubt_reports(self, now: int) -> None:
        """The clock says that periods whose report was sent have not come; inside the caller's transaction.

        Either they were sent by a clock that ran ahead, and are owed once more at their time; or the clock is
        behind now. `owe_report` sees then which it was.
        """
        self._engine.execute(
            "UPDATE sla_notifications SET notification_key = notification_key || ? || id"
            " WHERE period_end > ? AND done_at IS NOT NULL AND notification_key NOT LIKE ?",
            (_DOUBT, now, f"%{_DOUBT}%"),
        )

    def drop(self, breach_ids: Iterable[int], now: int) -> None:
        """These breaches turned out to be none, inside the caller's transaction.

        Nobody gets the mail that one has begun any more; it is owed again if they turn out to be breaches
        after all, unless somebody has it.
        """
        ids = [(*_BEGINNINGS, each) for each in breach_ids]
        if not ids:
            return
        mail = f"SELECT id FROM sla_notifications WHERE {_BEGUN} AND done_at IS NULL"  # noqa: S608 - constants
        self._engine.executemany(
            f"DELETE FROM sla_deliveries WHERE notification_id IN ({mail})"  # noqa: S608 - constants
            " AND (result IS NULL OR result = 'withdrawn')",
            ids,
        )
        self._engine.executemany(
            f"DELETE FROM sla_notifications WHERE {_BEGUN} AND done_at IS NULL AND NOT EXISTS"  # noqa: S608
            " (SELECT 1 FROM sla_deliveries d WHERE d.notification_id = sla_notifications.id)",
            ids,
        )
        self._engine.executemany(
            "UPDATE sla_notifications SET done_at = ?, sent_at ="  # noqa: S608 - constants
            " (SELECT MAX(d.closed_at) FROM sla_deliveries d"
            " WHERE d.notification_id = sla_notifications.id AND d.result = 'delivered')"
            f" WHERE {_BEGUN} AND done_at IS NULL",
            [(now, *each) for each in ids],
        )
        self._open.forget()

    # --- what is open, from memory

    def next_due(self) -> int | None:
        """When the earliest mail is to be looked at (perhaps in the past); None when there is none."""
        with self._engine.exclusive():
            now = int(self._clock())
            moments = [self._open.moment(each, now) for each in self._open.all().values()]
        return min((moment for moment in moments if moment is not None), default=None)

    def due(self, now: int) -> list[Notification]:
        """The mails to be looked at now, oldest first."""
        with self._engine.exclusive():
            found = [(self._open.moment(each, now), each.notification) for each in self._open.all().values()]
        return [notification for moment, notification in found if moment is not None and moment <= now]

    def owed(self, *, complete: bool = False) -> dict[str, int]:
        """How many mails are not done yet, by kind; a kind with none is left out.

        `complete`: without one that waits for breaches which a catch-up may still find.
        """
        with self._engine.exclusive():
            now = int(self._clock())
            kinds = [
                each.notification.type
                for each in self._open.all().values()
                if each.has_come(now) and not (complete and each.is_collecting(now))
            ]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}

    def given_up(self) -> dict[str, int]:
        """How many deliveries were given up for good, by kind; a kind with none is left out."""
        with self._engine.exclusive():
            self._open.all()
            return dict(self._open.gave_up)

    # --- delivering

    def holders(self, key: str) -> frozenset[str] | None:
        """Who has a mail, or may still get it; None: whoever the settings name when it is looked at."""
        rows = self._engine.rows(
            "SELECT n.done_at, d.recipient, d.result FROM sla_notifications n"
            " LEFT JOIN sla_deliveries d ON d.notification_id = n.id WHERE n.notification_key = ?",
            (key,),
        )
        if rows and rows[0]["done_at"] is None and rows[0]["recipient"] is None:
            return None
        named = [row for row in rows if row["recipient"] is not None]
        return frozenset(row["recipient"] for row in named if row["result"] in {None, "delivered"})

    def is_known(self, key: str) -> bool:
        """Whether a mail is owed or was sent."""
        return bool(self._engine.rows("SELECT id FROM sla_notifications WHERE notification_key = ?", (key,)))

    def void(self, notification: Notification, now: int) -> None:
        """A mail that follows on one which nobody has got: nobody gets it either."""
        with self._changing():
            self._engine.execute(
                "UPDATE sla_deliveries SET result = 'withdrawn', closed_at = ?"
                " WHERE notification_id = ? AND result IS NULL",
                (now, notification.id),
            )
            self._engine.execute(
                "UPDATE sla_notifications SET done_at = ?, recipients = '' WHERE id = ?",
                (now, notification.id),
            )

    def deliveries(self, notification: Notification, recipients: Iterable[str], now: int) -> list[Delivery]:
        """The deliveries of a mail that may be tried now, in the order of their recipients.

        `recipients` is whom the settings name now: those who have no delivery yet get one, and an open one to
        somebody else is withdrawn. The end of an outage waits, for each recipient, until the mail about its
        beginning has left or was given up. Raises DatabaseError, ValueError without recipients.
        """
        wanted = list(dict.fromkeys(recipients))
        if not wanted:
            raise ValueError(f"the mail {notification.key} has no recipients")
        with self._engine.exclusive():
            self._record_late()
            entry = self._open.all().get(notification.id)
            if entry is None:
                return []
            surplus = [each for each in entry.deliveries if each.recipient not in wanted]
            if surplus or not entry.recipients.issuperset(wanted):
                self._name_recipients(notification, wanted, surplus, now)
                entry = self._open.all().get(notification.id)
                if entry is None:
                    return []
            return sorted(
                (
                    each
                    for each in entry.deliveries
                    if bounded(each.next_attempt_at, now) <= now
                    and not self._open.held(entry, each.recipient)
                ),
                key=lambda each: wanted.index(each.recipient),
            )

    def begin(self, deliveries: Iterable[Delivery], now: int, content: bytes) -> list[Delivery]:
        """`attempt` for all of them, and keep what they are sent: both, or neither. Raises DatabaseError."""
        with self._changing():
            begun = [self.attempt(each, now) for each in deliveries]
            self._sent.keep(begun[0].notification_id, content, now)
        return begun

    def attempt(self, delivery: Delivery, now: int) -> Delivery:
        """Record that a try begins, and when the next one may follow, before the mail leaves.

        Raises DatabaseError: the mail must not be sent, for nobody would know of it.
        """
        begun = replace(
            delivery,
            attempts=delivery.attempts + 1,
            next_attempt_at=now + _wait_seconds(delivery.attempts),
        )
        with self._changing():
            self._engine.execute(
                "UPDATE sla_deliveries SET attempts = ?, next_attempt_at = ?"
                " WHERE notification_id = ? AND recipient = ?",
                (begun.attempts, begun.next_attempt_at, delivery.notification_id, delivery.recipient),
            )
        return begun

    def delivered(self, delivery: Delivery, now: int) -> None:
        """The mail server has taken it; it is never sent again.

        Raises DatabaseError when that cannot be stored; it is remembered and stored with the next call of
        `deliveries`, which hands out nothing before.
        """
        with self._engine.exclusive():
            self._unrecorded[delivery.notification_id, delivery.recipient] = delivery, now
            self._record_late()

    def failed(self, delivery: Delivery, error: str, now: int) -> int:
        """It was not taken this time. Returns the seconds until the next try: 15, 30, 60 … at most 600."""
        wait = _wait_seconds(max(delivery.attempts - 1, 0))
        with self._changing():
            self._engine.execute(
                "UPDATE sla_deliveries SET error = ?, next_attempt_at = ?"
                " WHERE notification_id = ? AND recipient = ?",
                (error, now + wait, delivery.notification_id, delivery.recipient),
            )
            self._engine.execute(
                "UPDATE sla_notifications SET success = 0, error = ? WHERE id = ?",
                (f"{delivery.recipient}: {error}", delivery.notification_id),
            )
        return wait

    def gave_up(self, delivery: Delivery, error: str, now: int) -> None:
        """The mail server will never take it for this recipient."""
        self._close(delivery, "given up", error, now)

    def is_old(self, notification: Notification, tries: int, now: int) -> bool:
        """Whether a mail, or one delivery of it, that was tried so often has been tried long enough."""
        return tries >= _OLD_TRIES and now - notification.created_at >= _OLD_SECONDS

    def try_again(self, now: int) -> None:
        """What failed so far is due now, however long it was to wait for its next try."""
        with self._changing():
            for sql in AT_ONCE:
                self._engine.execute(sql, (now, now))

    def abandon(self, notification: Notification, error: str, now: int) -> list[str]:
        """The whole mail is given up: it cannot be made. Returns the recipients who do not get it."""
        with self._engine.exclusive():
            entry = self._open.all().get(notification.id)
            deliveries = list(entry.deliveries) if entry else []
        for each in deliveries:
            self.gave_up(each, error, now)
        if not deliveries:  # its recipients are not known either
            with self._changing():
                self._engine.execute(
                    "UPDATE sla_notifications SET success = 0, error = ?, done_at = ? WHERE id = ?",
                    (error, now, notification.id),
                )
        return [each.recipient for each in deliveries]

    def postpone(self, notification: Notification, error: str, now: int) -> int:
        """The whole mail waits: it could not be made, or no server was reached. Returns the seconds."""
        wait = _wait_seconds(notification.attempts)
        with self._changing():
            self._engine.execute(
                "UPDATE sla_notifications SET success = 0, error = ?, attempts = attempts + 1,"
                " next_attempt_at = ? WHERE id = ?",
                (error, now + wait, notification.id),
            )
        return wait

    # --- the tables

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._engine.transaction():
            yield
            self._open.forget()

    def _name_recipients(
        self, notification: Notification, wanted: list[str], surplus: list[Delivery], now: int
    ) -> None:
        with self._changing():
            self._engine.executemany(
                "INSERT INTO sla_deliveries (notification_id, recipient, next_attempt_at, attempts)"
                " VALUES (?, ?, ?, 0) ON CONFLICT (notification_id, recipient) DO UPDATE SET"
                " result = NULL, closed_at = NULL WHERE sla_deliveries.result = 'withdrawn'",
                [(notification.id, recipient, now) for recipient in wanted],
            )
            self._engine.executemany(
                "UPDATE sla_deliveries SET result = 'withdrawn', closed_at = ?"
                " WHERE notification_id = ? AND recipient = ?",
                [(now, notification.id, each.recipient) for each in surplus],
            )
            self._engine.execute(_DONE, (now, ", ".join(wanted), notification.id))

    def _close(self, delivery: Delivery, result: str, error: str | None, now: int) -> None:
        with self._changing():
            self._engine.execute(
                "UPDATE sla_deliveries SET result = ?, error = ?, closed_at = ?"
                " WHERE notification_id = ? AND recipient = ?",
                (result, error, now, delivery.notification_id, delivery.recipient),
            )
            if result == "delivered":
                self._sent.received(delivery.notification_id)
            recipients = self._engine.rows(
                "SELECT recipient FROM sla_deliveries WHERE notification_id = ? AND result <> 'withdrawn'"
                " ORDER BY recipient",
                (delivery.notification_id,),
            )
            named = ", ".join(row["recipient"] for row in recipients)
            self._engine.execute(_DONE, (now, named, delivery.notification_id))

    def _record_late(self) -> None:
        """Store what was sent while the database refused to note it."""
        for place, (delivery, sent_at) in list(self._unrecorded.items()):
            self._close(delivery, "delivered", None, sent_at)
            del self._unrecorded[place]


def _wait_seconds(attempts: int) -> int:
    return min(_FIRST_RETRY_SECONDS << min(attempts, 10), LONGEST_RETRY_SECONDS)
