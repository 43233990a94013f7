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

# Those that are to have an end, and those whose breach goes on after the end that was told. `heard`: somebody
# has the mail that all others answer, or may still get it.
_OPEN = """
SELECT t.*, n.id IS NOT NULL AND (n.done_at IS NULL OR EXISTS (SELECT 1 FROM sla_deliveries d
    WHERE d.notification_id = n.id AND d.result = 'delivered')) AS heard
FROM sla_breach_threads t JOIN sla_definitions d ON d.id = t.sla_id
LEFT JOIN sla_breaches b ON b.id = t.newest_id LEFT JOIN sla_notifications n ON n.notification_key = t.answers
WHERE d.enabled = 1 AND (t.told_end IS NULL OR (b.id IS NOT NULL AND b.ended_at IS NULL AND b.started_at < ?))
ORDER BY t.breach_id
"""
_NEWEST = """
SELECT t.*, b.ended_at, n.id IS NOT NULL AS heard FROM sla_breach_threads t
LEFT JOIN sla_breaches b ON b.id = t.newest_id LEFT JOIN sla_notifications n ON n.notification_key = t.answers
WHERE t.answers LIKE 'breach:%' AND (t.told_end IS NULL OR t.told_end > ? OR t.newest_id >= ?)
ORDER BY t.breach_id
"""
_BREACHES = """
SELECT t.breach_id AS first, b.id, b.started_at, b.ended_at, b.worst_value, b.target_value
FROM sla_breach_threads t JOIN sla_breaches f ON f.id = t.breach_id
JOIN sla_breaches b ON b.sla_id = f.sla_id AND b.component_id = f.component_id
WHERE {which} AND (b.id = f.id OR (b.started_at > f.started_at AND b.catch_up_id IS NULL
    AND t.answers LIKE 'breach:%'))
AND b.started_at < ? AND (b.ended_at IS NULL OR b.ended_at > b.started_at)
AND NOT EXISTS (SELECT 1 FROM sla_breach_threads o JOIN sla_breaches x ON x.id = o.breach_id
                WHERE o.sla_id = f.sla_id AND o.component_id = f.component_id AND o.answers LIKE 'breach:%'
                AND x.started_at > f.started_at AND x.started_at <= b.started_at)
ORDER BY t.breach_id, b.started_at
"""
_OF_ONE = _BREACHES.format(which="t.breach_id = ?")
_OF_OPEN = _BREACHES.format(
    which="t.breach_id IN (SELECT t.breach_id FROM sla_breach_threads t"
    " LEFT JOIN sla_breaches b ON b.id = t.newest_id"
    " WHERE t.told_end IS NULL OR (b.id IS NOT NULL AND b.ended_at IS NULL AND b.started_at < ?))"
)
_STATE = """
SELECT COALESCE(a.state, m.state) AS state FROM sla_measurements m
LEFT JOIN sla_adjusted_slots a
    ON a.sla_id = m.sla_id AND a.component_id = m.component_id AND a.slot = m.slot
JOIN sla_breaches b ON b.sla_id = m.sla_id AND b.component_id = m.component_id
WHERE b.id = ? AND m.slot = b.ended_at + ?
"""
_STORED = ("newest_id", "breaches", "told_at", "told_worst", "told_end", "mails", "renewals", "breach_id")


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

    def begin(self, begun: Sequence[Begun], now: int) -> None:
        """Owe the mails about breaches that begin: the first of a thread, an answer in one, or none."""
        if not begun:
            return
        oldest = min(each.started_at for each in begun) - self.quiet_seconds
        rows = self._engine.rows(_NEWEST, (oldest, min(each.id for each in begun)))
        known = {(row["sla_id"], row["component_id"]): row for row in rows}
        made: list[Begun] = []
        changed: list[Row] = []
        owed: list[Owed] = []
        for each in begun:
            last = known.get(each.pair)
            if last is not None and each.id in {last["breach_id"], last["newest_id"]} and last["heard"]:
                continue  # it was taken for none for a while; `turn` sees whether that was told
            if last is None or last["breach_id"] == each.id or self._is_over(last, each, owed, now):
                made.append(each)
                owed.append(Owed(BREACH_MAIL, f"{BREACH_MAIL}:{each.id}", breach_id=each.id))
            elif last["told_end"] is not None:
                owed.append(_follow(last, BREACH_AGAIN_MAIL, each.id, now, worst=each.worst))
                last["breaches"] += 1
            if last is not None:
                last["newest_id"] = each.id
                changed.append(last)
        self._write(changed)
        self._engine.executemany(
            "DELETE FROM sla_breach_threads WHERE breach_id = ?", [(each.id,) for each in made]
        )
        self._add([(each, f"{BREACH_MAIL}:{each.id}", None) for each in made], now)
        self._outbox.add(owed, now)

    def _is_over(self, last: Row, begun: Begun, owed: list[Owed], now: int) -> bool:
        """Whether a breach makes a thread of its own, since the last one is over; owe its end if need be."""
        if last["told_end"] is None:
            ended_at = last["ended_at"]
            quiet = ended_at is not None and begun.started_at - ended_at >= self.quiet_seconds
            if ended_at is None or (last["breaches"] > 1 and not quiet):
                return False  # it is told with the end
            owed.append(_follow(last, BREACH_END_MAIL, last["newest_id"], now, end=ended_at))
        return bool(begun.started_at - last["told_end"] >= self.quiet_seconds)

    def go_on(self, breach: Begun, catch_up_id: int, now: int) -> None:
        """A breach of the past, which is told together with others, lasts after all."""
        mail = self._engine.row(
            "SELECT notification_key, attempts, EXISTS (SELECT 1 FROM sla_deliveries d"
            " WHERE d.notification_id = n.id) AS begun FROM sla_notifications n WHERE id = ?",
            (catch_up_id,),
        )
        told = bool(mail["begun"] or mail["attempts"])  # perhaps that it is over
        self._add([(breach, mail["notification_key"], breach.started_at if told else None)], now)

    def _add(self, made: Iterable[tuple[Begun, str, int | None]], now: int) -> None:
        self._engine.executemany(
            "INSERT INTO sla_breach_threads (breach_id, sla_id, component_id, answers, newest_id, breaches,"
            " told_at, told_worst, told_end, mails, renewals) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, 0, 0)"
            " ON CONFLICT (breach_id) DO NOTHING",
            [
                (each.id, *each.pair, answers, each.id, now, each.worst, told_end)
                for each, answers, told_end in made
            ],
        )

    # --- what follows

    def turn(self, now: int, repeat_seconds: int) -> None:
        """Owe what follows on the first mails; with 0 seconds none that only says that it lasts."""
        if not self._changed and now < self._next:
            return
        bound = self._trust.bound()
        with self._engine.transaction():
            rows = self._engine.rows(_OPEN, (bound,))
            found: dict[int, list[Row]] = {row["breach_id"]: [] for row in rows}
            for each in self._engine.rows(_OF_OPEN, (bound, bound)) if rows else ():
                found.setdefault(each["first"], []).append(each)
            owed: list[Owed] = []
            moments = [self._next_of(row, found[row["breach_id"]], owed, now, repeat_seconds) for row in rows]
            self._write(rows)
            self._outbox.add(owed, now)
        self._changed, self._next = False, now if owed else min(moments, default=inf)

    def _next_of(
        self, row: Row, breaches: Sequence[Row], owed: list[Owed], now: int, repeat_seconds: int
    ) -> float:
        """Owe what is due in a thread, or say when to look at it again, if nothing changes before."""
        if not breaches or breaches[-1]["ended_at"] is not None:
            return self._end(row, breaches, owed, now)
        last, told_at = breaches[-1], int(row["told_at"])
        wait = min(repeat_seconds << min(row["renewals"], 10), max(repeat_seconds, _LONGEST_SECONDS))
        renewed = told_at + wait if repeat_seconds else inf
        worse = told_at + WORSE_SECONDS if self._is_worse(row, last) else inf
        goes_on = row["told_end"] is not None  # although its end was told
        if not goes_on and now < min(worse, renewed):
            return min(worse, renewed)
        kind = BREACH_WORSE_MAIL if not goes_on and now >= worse else BREACH_LASTS_MAIL
        row["renewals"] += int(not goes_on and kind == BREACH_LASTS_MAIL)
        owed.append(_follow(row, kind, last["id"], now, worst=last["worst_value"]))
        return now

    def _end(self, row: Row, breaches: Sequence[Row], owed: list[Owed], now: int) -> float:
        if row["told_end"] is not None:
            return inf
        ended_at = breaches[-1]["ended_at"] if breaches else now
        flapped = bool(breaches) and (len(breaches) > 1 or row["breaches"] > 1)
        if flapped and now < ended_at + self.quiet_seconds:
            return float(ended_at + self.quiet_seconds)
        newest = breaches[-1]["id"] if breaches else row["newest_id"]
        mail = _follow(row, BREACH_END_MAIL, newest, now, end=ended_at)
        if row["heard"]:
            owed.append(mail)
        return inf

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

    def _write(self, rows: Iterable[Row]) -> None:
        self._engine.executemany(
            "UPDATE sla_breach_threads SET newest_id = ?, breaches = ?, told_at = ?, told_worst = ?,"
            " told_end = ?, mails = ?, renewals = ? WHERE breach_id = ?",
            [tuple(row[each] for each in _STORED) for row in rows],
        )

    # --- reading

    def breaches(self, first: int, last: int) -> list[int]:
        """The breaches of the thread that began with the first one, up to the last one, oldest first.

        Empty when none is left.
        """
        found = [row["id"] for row in self._engine.rows(_OF_ONE, (first, self._trust.bound()))]
        return found[: found.index(last) + 1] if last in found else found

    def is_excluded_after(self, breach: int) -> bool:
        """Whether a breach ended because the time after it does not count."""
        rows = self._engine.rows(_STATE, (breach, self._slot_seconds))
        return bool(rows and rows[0]["state"] == State.EXCLUDED)


def _follow(
    row: Row, kind: str, breach: int, now: int, *, worst: float | None = None, end: int | None = None
) -> Owed:
    """The next mail of a thread, which tells a worst value or an end; the row says so from now on."""
    row |= {"told_at": now, "told_end": end, "mails": row["mails"] + 1}
    if end is None:
        row["told_worst"] = worst
    key = follow_up_key(kind, f"{row['breach_id']}.{row['mails']}", row["answers"])
    return Owed(kind, key, breach_id=breach)
