"""Which mails follow on the first one about a breach, in one thread with it.

    again     another breach of the same SLA and component within an hour of the end that was told
    worse     it is twice as far from its target as was told, a quarter of an hour after the last mail
    lasts     it still lasts: after the interval of the settings, then twice as long each time, up to a day
    end       it is over, or turned out to be none

A thread tells two beginnings at most. From the second one on, its end is told once no breach has followed for
an hour; those that begin meanwhile are told with it. So an SLA that flaps costs four mails, beside those that
it lasts or got worse, until it has been quiet for an hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from sla_worker.conventions import (
    BREACH_AGAIN_MAIL,
    BREACH_END_MAIL,
    BREACH_LASTS_MAIL,
    BREACH_MAIL,
    BREACH_WORSE_MAIL,
)
from sla_worker.database.engine import Engine, Row
from sla_worker.database.outbox import Outbox, Owed
from sla_worker.database.rows import Pair
from sla_worker.database.trust import Trust
from sla_worker.database.versions import VersionStore
from sla_worker.model import Comparison, State, follow_up_key

QUIET_SECONDS = 3600
WORSE_SECONDS = 900
_WORSE_TIMES = 2
_LONGEST_SECONDS = 86_400

# Those that are to have an end, and those whose breach goes on after the end that was told.
_OPEN = """
SELECT t.* FROM sla_breach_threads t
JOIN sla_definitions d ON d.id = t.sla_id LEFT JOIN sla_breaches b ON b.id = t.newest_id
WHERE d.enabled = 1 AND (t.told_end IS NULL OR (b.ended_at IS NULL AND b.id IS NOT NULL AND b.started_at < ?))
ORDER BY t.breach_id
"""
_NEWEST = """
SELECT * FROM sla_breach_threads WHERE sla_id = ? AND component_id = ? AND answers LIKE 'breach:%'
ORDER BY breach_id DESC LIMIT 1
"""
_BREACHES = """
SELECT b.id, b.started_at, b.ended_at, b.worst_value, b.target_value FROM sla_breaches b
JOIN sla_breaches f ON f.id = ? AND f.sla_id = b.sla_id AND f.component_id = b.component_id
WHERE (b.id = f.id OR (b.started_at > f.started_at AND f.catch_up_id IS NULL)) AND b.started_at < ?
AND (b.ended_at IS NULL OR b.ended_at > b.started_at)
AND NOT EXISTS (SELECT 1 FROM sla_breach_threads t JOIN sla_breaches o ON o.id = t.breach_id
                WHERE t.sla_id = f.sla_id AND t.component_id = f.component_id AND t.answers LIKE 'breach:%'
                AND o.started_at > f.started_at AND o.started_at <= b.started_at)
ORDER BY b.started_at
"""
_STATE = """
SELECT COALESCE(a.state, m.state) AS state FROM sla_measurements m
LEFT JOIN sla_adjusted_slots a
    ON a.sla_id = m.sla_id AND a.component_id = m.component_id AND a.slot = m.slot
JOIN sla_breaches b ON b.sla_id = m.sla_id AND b.component_id = m.component_id
WHERE b.id = ? AND m.slot = b.ended_at + ?
"""


@dataclass(frozen=True, slots=True)
class Begun:
    """A breach that begins: its mail is owed."""

    id: int
    pair: Pair
    started_at: int
    worst: float | None


class BreachThreads:
    """The table sla_breach_threads. `turn` makes no statement while nothing is due.

    `quiet_seconds`: how long an SLA must have no breach before the next one makes a thread of its own.
    """

    def __init__(
        self,
        engine: Engine,
        outbox: Outbox,
        *,
        trust: Trust,
        versions: VersionStore,
        slot_seconds: int,
        quiet_seconds: int = QUIET_SECONDS,
    ) -> None:
        self._engine = engine
        self._outbox = outbox
        self._trust = trust
        self._versions = versions
        self._slot_seconds = slot_seconds
        self.quiet_seconds = quiet_seconds
        self._changed = True
        self._next = inf
        engine.on_reset(self.look_again)

    def look_again(self) -> None:
        """A breach begins, changes or ends."""
        self._changed = True

    # --- beginnings, inside the caller's transaction

    def begin(self, begun: Iterable[Begun], now: int) -> None:
        """Owe the mails about breaches that begin: the first of a thread, an answer in one, or none."""
        self._outbox.add([owed for each in begun for owed in self._begin(each, now)], now)

    def _begin(self, each: Begun, now: int) -> list[Owed]:
        key = f"{BREACH_MAIL}:{each.id}"
        rows = self._engine.rows(_NEWEST, each.pair)
        last = rows[0] if rows else None
        if last is not None and last["breach_id"] == each.id:
            if self._outbox.is_known(key):
                return []  # it was taken for none for a while; `turn` sees whether that was told
            self._engine.execute("DELETE FROM sla_breach_threads WHERE breach_id = ?", (each.id,))
            last = None
        if last is not None and last["newest_id"] == each.id:
            return []
        if last is not None and last["told_end"] is None:
            return []
        if last is not None and each.started_at - last["told_end"] < self.quiet_seconds:
            self._engine.execute(
                "UPDATE sla_breach_threads SET newest_id = ?, breaches = breaches + 1, told_at = ?,"
                " told_worst = ?, told_end = NULL, mails = mails + 1 WHERE breach_id = ?",
                (each.id, now, each.worst, last["breach_id"]),
            )
            return [_owed(BREACH_AGAIN_MAIL, last, last["mails"] + 1, each.id)]
        self._add(each, key, now, told_end=None)
        return [Owed(BREACH_MAIL, key, breach_id=each.id)]

    def go_on(self, breach: Begun, catch_up_id: int, now: int) -> None:
        """A breach of the past, which is told together with others, lasts after all."""
        mail = self._engine.row(
            "SELECT notification_key, attempts, EXISTS (SELECT 1 FROM sla_deliveries d"
            " WHERE d.notification_id = n.id) AS begun FROM sla_notifications n WHERE id = ?",
            (catch_up_id,),
        )
        told = bool(mail["begun"] or mail["attempts"])  # perhaps that it is over
        self._add(breach, mail["notification_key"], now, told_end=breach.started_at if told else None)

    def _add(self, breach: Begun, answers: str, now: int, *, told_end: int | None) -> None:
        self._engine.execute(
            "INSERT INTO sla_breach_threads (breach_id, sla_id, component_id, answers, newest_id, breaches,"
            " told_at, told_worst, told_end, mails, renewals) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, 0, 0)"
            " ON CONFLICT (breach_id) DO NOTHING",
            (breach.id, *breach.pair, answers, breach.id, now, breach.worst, told_end),
        )

    # --- what follows

    def turn(self, now: int, repeat_seconds: int) -> None:
        """Owe what follows on the first mails; with 0 seconds none that only says that it lasts."""
        if not self._changed and now < self._next:
            return
        with self._engine.transaction():
            moments = [
                self._follow(row, now, repeat_seconds)
                for row in self._engine.rows(_OPEN, (self._trust.bound(),))
            ]
        self._changed, self._next = False, min(moments, default=inf)

    def _follow(self, row: Row, now: int, repeat_seconds: int) -> float:
        """Owe what is due in a thread; returns when to look at it again, if nothing changes before."""
        breaches = self._engine.rows(_BREACHES, (row["breach_id"], self._trust.bound()))
        if not breaches or breaches[-1]["ended_at"] is not None:
            return self._end(row, breaches, now)
        told_at: int = row["told_at"]
        last = breaches[-1]
        if row["told_end"] is not None:  # it goes on, although its end was told
            return self._tell(BREACH_LASTS_MAIL, row, last, now)
        wait = min(repeat_seconds << min(row["renewals"], 10), max(repeat_seconds, _LONGEST_SECONDS))
        renewed = told_at + wait if repeat_seconds else inf
        worse = told_at + WORSE_SECONDS if self._is_worse(row, last) else inf
        if now >= worse:
            return self._tell(BREACH_WORSE_MAIL, row, last, now)
        if now >= renewed:
            return self._tell(BREACH_LASTS_MAIL, row, last, now, renewals=1)
        return min(worse, renewed)

    def _end(self, row: Row, breaches: Sequence[Row], now: int) -> float:
        if row["told_end"] is not None:
            return inf
        ended_at = breaches[-1]["ended_at"] if breaches else None
        flapped = len(breaches) > 1 or row["breaches"] > 1
        if flapped and ended_at is not None and now < ended_at + self.quiet_seconds:
            return float(ended_at + self.quiet_seconds)
        holders = self._outbox.holders(row["answers"])
        nobody = holders is not None and not holders
        self._engine.execute(
            "UPDATE sla_breach_threads SET told_end = ?, told_at = ?, mails = mails + 1 WHERE breach_id = ?",
            (now if ended_at is None else ended_at, now, row["breach_id"]),
        )
        if not nobody:
            newest = breaches[-1]["id"] if breaches else row["newest_id"]
            self._outbox.add([_owed(BREACH_END_MAIL, row, row["mails"] + 1, newest)], now)
        return inf

    def _tell(self, kind: str, row: Row, last: Row, now: int, *, renewals: int = 0) -> float:
        self._engine.execute(
            "UPDATE sla_breach_threads SET told_end = NULL, told_at = ?, told_worst = ?, mails = mails + 1,"
            " renewals = renewals + ? WHERE breach_id = ?",
            (now, last["worst_value"], renewals, row["breach_id"]),
        )
        self._outbox.add([_owed(kind, row, row["mails"] + 1, last["id"])], now)
        return 0.0  # when the next one is due follows from what is stored now

    def _is_worse(self, row: Row, last: Row) -> bool:
        """Whether the worst value is twice as far from the target as the one that was told."""
        worst, told, target = last["worst_value"], row["told_worst"], last["target_value"]
        if worst is None:
            return False
        version = self._versions.at(row["sla_id"], last["started_at"] + self._slot_seconds)
        side = -1 if version.comparison is Comparison.AT_LEAST else 1
        if told is None:
            return bool(side * (worst - target) > 0)
        return bool(side * (worst - told) > 0 and abs(worst - target) >= _WORSE_TIMES * abs(told - target))

    # --- reading

    def breaches(self, first: int, last: int) -> list[int]:
        """The breaches of the thread that began with the first one, up to the last one, oldest first.

        Empty when none is left.
        """
        found = [row["id"] for row in self._engine.rows(_BREACHES, (first, self._trust.bound()))]
        return found[: found.index(last) + 1] if last in found else found

    def is_excluded_after(self, breach: int) -> bool:
        """Whether a breach ended because the time after it does not count."""
        rows = self._engine.rows(_STATE, (breach, self._slot_seconds))
        return bool(rows and rows[0]["state"] == State.EXCLUDED)


def _owed(kind: str, row: Row, number: int, breach: int) -> Owed:
    key = follow_up_key(kind, f"{row['breach_id']}.{number}", row["answers"])
    return Owed(kind, key, breach_id=breach)
