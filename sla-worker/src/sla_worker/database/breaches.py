"""Breaches: opened, worsened and resolved by rows of the ledger, in the transaction of those rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from sla_worker.breaches import Point, Rule, Track, derive
from sla_worker.database.breach_page import Entry, Page, match
from sla_worker.database.definitions import StoredDefinition
from sla_worker.database.engine import Engine, Row, Values
from sla_worker.database.outbox import Outbox
from sla_worker.database.rows import Pair
from sla_worker.database.threads import Begun, BreachThreads
from sla_worker.database.trust import Trust
from sla_worker.database.versions import VersionStore
from sla_worker.model import Breach, Measurement, State

MAILED_AT_ONCE = ("critical", "high")
_NEVER = 2**62  # seconds

_BREACHES = """
SELECT b.id, b.sla_id, d.name, d.key, c.name AS component, d.description, b.severity,
       b.target_value AS target, b.worst_value AS worst, b.started_at, b.ended_at
FROM sla_breaches b JOIN sla_definitions d ON d.id = b.sla_id JOIN sla_components c ON c.id = b.component_id
"""
_COLUMNS = "id, sla_id, component_id, started_at, ended_at, worst_value, catch_up_id"
_OPEN = f"SELECT {_COLUMNS} FROM sla_breaches WHERE ended_at IS NULL OR started_at >= ? ORDER BY id"  # noqa: S608
_OF_PAIR = f"""
SELECT {_COLUMNS} FROM sla_breaches
WHERE sla_id = ? AND component_id = ? AND started_at >= ? AND started_at < ? ORDER BY started_at
"""  # noqa: S608 - names of columns
_BEFORE = f"""
SELECT {_COLUMNS} FROM sla_breaches WHERE sla_id = ? AND component_id = ? AND started_at < ?
AND (ended_at IS NULL OR ended_at > started_at) ORDER BY started_at DESC LIMIT 1
"""  # noqa: S608 - names of columns
_FROM = """
SELECT id FROM sla_breaches WHERE sla_id = ? AND component_id = ?
AND (ended_at IS NULL OR (ended_at >= ? AND ended_at > started_at)) LIMIT 1
"""
# As rows count: excluded ones and corrected ones too.
_COUNTING = """
SELECT m.slot, COALESCE(a.state, m.state) AS state, m.target_value,
       CASE WHEN a.state IS NULL THEN m.actual_value ELSE a.actual_value END AS actual_value
FROM sla_measurements m LEFT JOIN sla_adjusted_slots a
    ON a.sla_id = m.sla_id AND a.component_id = m.component_id AND a.slot = m.slot
WHERE m.sla_id = ? AND m.component_id = ? AND m.slot > ?
"""
_POINTS = _COUNTING + "AND m.slot <= ? AND NOT (m.slot > ? AND m.slot <= ?) ORDER BY m.slot"
_NEXT_MET = (
    _COUNTING
    + "AND COALESCE(a.state, m.state) = ? AND NOT (m.slot > ? AND m.slot <= ?) ORDER BY m.slot LIMIT 1"
)
_LAST_JUDGED = (
    _COUNTING + "AND m.slot < ? AND COALESCE(a.state, m.state) IN (0, 1, 7) ORDER BY m.slot DESC LIMIT ?"
)

_SAYING = frozenset({State.MET, State.BREACHED, State.EXCLUDED})
_Followed = tuple[Pair, Measurement, StoredDefinition]


class BreachStore:
    """The table sla_breaches. A breach of no length is one that turned out to be none; it counts nowhere."""

    def __init__(
        self, engine: Engine, outbox: Outbox, trust: Trust, versions: VersionStore, slot_seconds: int
    ) -> None:
        self._engine = engine
        self._outbox = outbox
        self.threads = BreachThreads(
            engine, outbox, trust=trust, versions=versions, slot_seconds=slot_seconds
        )
        self._trust = trust
        self._versions = versions
        self._slot_seconds = slot_seconds
        self._begun: list[Callable[[], None]] = []

    def on_begun(self, hook: Callable[[], None]) -> None:
        """Call `hook`, inside the transaction, when a breach begins, or began at another moment."""
        self._begun.append(hook)

    # --- the next rows

    def follow(self, rows: Iterable[_Followed], now: int) -> list[Pair]:
        """What the next rows of series, in the order of their slots, do; inside the caller's transaction.

        Returns the series of these SLAs that are in breach then; none when no row can be judged.
        """
        judged = [each for each in rows if each[1].state in _SAYING]
        if not judged:
            return []
        first = min(row.slot for _, row, _ in judged) - self._slot_seconds
        page = Page(self._engine.rows(_OPEN, (first,)), bound=self._trust.bound())
        for pair, row, definition in judged:
            bad = row.state is State.BREACHED
            if not bad and not page.concerns(pair, row.slot - self._slot_seconds):
                continue
            rule = self._rule(pair, row.slot)
            if page.needs_run(pair, row, *self._longest(pair)):
                self._load_run(page, pair, row)
            opened = page.follow(pair, row, rule, definition.severity)
            if opened is not None:
                first = opened.started_at == row.slot - self._slot_seconds
                opened.target = row.target if first else self._target(pair, opened.started_at)
        self._write(page.entries, now)
        slas = {pair[0] for pair, _, _ in judged}
        return [pair for pair in page.lasting() if pair[0] in slas]

    def _load_run(self, page: Page, pair: Pair, row: Measurement) -> None:
        """The slots before a row that may open or end a breach together with it; they stand in the ledger."""
        lasting = page.track(pair).breach
        if lasting is None:
            found = self._engine.rows(_BEFORE, (*pair, row.slot))
            since = found[0]["ended_at"] or 0 if found else 0
        else:
            since = lasting.started_at
        wanted = max(self._longest(pair)) - 1
        before = self._engine.rows(_LAST_JUDGED, (*pair, since, row.slot, wanted))
        page.load(pair, [_point(each) for each in reversed(before)], partial(self._rule, pair))
        began = page.track(pair).run_began
        if page.track(pair).run:
            page.keep(self._engine.rows(_OF_PAIR, (*pair, began, began + 1)))

    def end(self, pairs: Iterable[Pair], ended_at: int) -> None:
        """End the breaches of components that are gone, inside the caller's transaction."""
        self.threads.look_again()
        self._engine.executemany(
            "UPDATE sla_breaches SET ended_at = CASE WHEN started_at > ? THEN started_at ELSE ? END"
            " WHERE sla_id = ? AND component_id = ? AND ended_at IS NULL AND started_at < ?",
            [(ended_at, ended_at, *pair, self._trust.bound()) for pair in pairs],
        )

    # --- rows that came late, or changed

    def may_change(self, pair: Pair, slot: int) -> bool:
        """Whether good rows from that slot on may change a breach: where none lasts then, they open none."""
        return bool(self._engine.rows(_FROM, (*pair, slot - self._slot_seconds)))

    def rebuild(
        self,
        pair: Pair,
        slot: int,
        last: int,
        definition: StoredDefinition,
        *,
        gone: Callable[[int, int], bool],
        late: bool,
        now: int,
        quiet: bool = False,
    ) -> None:
        """Derive the breaches of one series again from its rows, as far as those of `slot` to `last` matter.

        One that shares a moment with a former one is the same breach. New ones that are over and `late` are
        told together in one mail, and none if `quiet`. Inside the caller's transaction.
        """
        rule = partial(self._rule, pair)
        since, track = self._start(pair, slot)
        until = self._settled(pair, last)
        points = self._engine.rows(_POINTS, (*pair, since, until, *self._trust.hidden()))
        targets = {row["slot"] - self._slot_seconds: row["target_value"] for row in points}
        spans = derive([_point(row) for row in points], rule, track=track, gone=gone)
        bound = min(self._trust.bound(), until)
        begun = since if track.breach is None else track.breach.started_at
        stored = [Entry.of(row) for row in self._engine.rows(_OF_PAIR, (*pair, begun, bound))]
        matched = match(stored, spans)
        for span, entry in matched:
            known = entry or Entry(pair, span.started_at, None, None)
            started_at = span.started_at
            known.target = targets[started_at] if started_at in targets else self._target(pair, started_at)
            known.severity = definition.severity
            known.become(span, late=late)
            if quiet:
                known.begun = known.begun_late = False
            if entry is None:
                stored.append(known)
        for each in stored:
            if each.id is not None and not any(each is entry for _, entry in matched):
                each.become_none()
        self._write(stored, now)

    def _start(self, pair: Pair, slot: int) -> tuple[int, Track]:
        """After which slot to derive, so that a change of `slot` is seen, and how the series stood there.

        Just before a breach began there was none, and no run. Where enough judged rows follow on the end of
        the last breach, they alone say how the series stands.
        """
        began = slot - self._slot_seconds
        found = self._engine.rows(_BEFORE, (*pair, began))
        last = Entry.of(found[0]) if found else None
        breach_after, recover_after = self._longest(pair)
        wanted = breach_after + recover_after - 1
        since = 0 if last is None else last.started_at
        if last is None or (last.ended_at is not None and last.ended_at <= began):
            after = since if last is None or last.ended_at is None else last.ended_at
            before = self._engine.rows(_LAST_JUDGED, (*pair, after, slot, wanted))
            if last is None or len(before) == wanted:
                run = before[: breach_after - 1]
                return min([began, *(row["slot"] - self._slot_seconds for row in run)]), Track()
            if not before and last.ended_at is not None and last.ended_at < began:
                return began, Track()  # the rows that ended it are gone: it is over
        # Its first rows may be gone by now, or have been stored by hand: then it is taken as it stands.
        first = self._engine.rows(_LAST_JUDGED, (*pair, since, since + self._slot_seconds + 1, 1))
        return since, Track() if first or last is None else Track(last.lasting())

    def _settled(self, pair: Pair, last: int) -> int:
        """Up to which slot to derive, so that a change up to `last` is seen: no later breach depends on it.

        Where one good slot ends a breach, the next good one leaves neither a breach nor a run behind it,
        whatever was before. Else everything is derived: a catch-up, newest first, has few such SLAs.
        """
        if self._longest(pair)[1] == 1:
            found = self._engine.rows(_NEXT_MET, (*pair, last, int(State.MET), *self._trust.hidden()))
            if found:
                return int(found[0]["slot"])
        return _NEVER

    # --- writing

    def _rule(self, pair: Pair, slot: int) -> Rule:
        version = self._versions.at(pair[0], slot)
        policy = version.policy
        return Rule(version.comparison, self._slot_seconds, policy.breach_after, policy.recover_after)

    def _target(self, pair: Pair, started_at: int) -> float:
        """What the slot was held to with which a breach began."""
        return self._versions.at(pair[0], started_at + self._slot_seconds).target_value

    def _longest(self, pair: Pair) -> tuple[int, int]:
        """How many slots open and end a breach at most, by any version: so many rows are looked at."""
        policies = [each.policy for each in self._versions.of(pair[0])]
        return max(each.breach_after for each in policies), max(each.recover_after for each in policies)

    def _write(self, entries: Sequence[Entry], now: int) -> None:
        """Store what changed, and owe and drop the mails that follow from it."""
        self._tell_together(
            [each for each in entries if each.begun_late and each.severity in MAILED_AT_ONCE], now
        )
        changed = [each for each in entries if each.changed and each.id is not None]
        made = [each for each in entries if each.id is None]
        # Two of a series may change places: first each moves to where none can be.
        moved = [each for each in changed if each.moved]
        self._engine.executemany(
            "UPDATE sla_breaches SET started_at = ? WHERE id = ?",
            [(-(each.id or 0), each.id) for each in moved],
        )
        self._engine.executemany(
            "UPDATE sla_breaches SET started_at = ?, ended_at = ?, worst_value = ?, catch_up_id = ?"
            " WHERE id = ?",
            [(each.started_at, each.ended_at, each.worst, each.catch_up_id, each.id) for each in changed],
        )
        if made:
            first = self._engine.next_id("sla_breaches")
            for number, each in enumerate(made, start=first):
                each.id = number
            self._engine.executemany(
                "INSERT INTO sla_breaches (id, sla_id, component_id, started_at, ended_at, worst_value,"
                " target_value, severity, catch_up_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [each.values() for each in made],
            )
        for hook in self._begun if made or moved else ():
            hook()
        none = [each for each in changed if each.ended_at == each.started_at]
        self._outbox.drop((each.id for each in none if each.id), now)
        if any(each.catch_up_id for each in none):
            self._outbox.drop_catch_ups(now)
        begun = [each for each in entries if each.begun and each.severity in MAILED_AT_ONCE]
        self.threads.begin([_begun(each) for each in begun], now)
        for each in changed:
            if each.catch_up_id is not None and each.ended_at is None:
                self.threads.go_on(_begun(each), each.catch_up_id, now)
        if changed or made:
            self.threads.look_again()

    def _tell_together(self, entries: Sequence[Entry], now: int) -> None:
        if entries:
            number = self._outbox.owe_catch_up(now)
            for each in entries:
                each.catch_up_id = number

    # --- reading

    def active(self) -> list[Breach]:
        """The breaches that last, oldest first."""
        return self.select(
            "WHERE b.ended_at IS NULL AND b.started_at < ? AND d.enabled = 1 ORDER BY b.started_at, b.id",
            (self._trust.bound(),),
        )

    def get(self, breach_id: int) -> Breach | None:
        """One breach; None if there is none with that id."""
        found = self.select("WHERE b.id = ?", (breach_id,))
        return found[0] if found else None

    def told_in(self, notification_id: int) -> list[Breach]:
        """The breaches of the past that one mail reports, oldest first."""
        return self.select(
            "WHERE b.catch_up_id = ? AND (b.ended_at IS NULL OR b.ended_at > b.started_at)"
            " ORDER BY b.started_at, b.id",
            (notification_id,),
        )

    def between(self, start: int, end: int) -> list[Breach]:
        """The breaches that touch [start, end), oldest first.

        One of a removed SLA, which nothing ends any more, lasts as long as that was measured. Of those that
        began together the order is no matter of when they were found: a frozen month has them in it.
        """
        return self.select(
            "WHERE b.started_at < ? AND ((b.ended_at > ? AND b.ended_at > b.started_at)"
            " OR (b.ended_at IS NULL AND (d.enabled = 1 OR EXISTS (SELECT 1 FROM sla_measurements m WHERE"
            " m.sla_id = b.sla_id AND m.component_id = b.component_id AND m.slot > ?))))"
            " ORDER BY b.started_at, b.sla_id, b.component_id, b.id",
            (min(end, self._trust.bound()), start, start),
        )

    def select(self, where: str, values: Values) -> list[Breach]:
        """The breaches that a condition of this package (b: breach, d: definition) names, in its order."""
        found = []
        for row in self._engine.rows(_BREACHES + where, values):
            version = self._versions.at(row.pop("sla_id"), row["started_at"] + self._slot_seconds)
            found.append(Breach(**row, unit=version.unit, comparison=version.comparison))
        return found


def _begun(entry: Entry) -> Begun:
    return Begun(entry.id or 0, entry.pair, entry.started_at, entry.worst)


def _point(row: Row) -> Point:
    return Point(row["slot"], State(row["state"]), row["actual_value"])
