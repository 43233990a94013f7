"""The rows of the ledger: which are missing, how they are stored, and what is read from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sla_worker.breaches import GONE_SECONDS
from sla_worker.database.adjustments import AdjustmentStore
from sla_worker.database.breaches import BreachStore
from sla_worker.database.definitions import DefinitionStore, StoredDefinition
from sla_worker.database.engine import Engine
from sla_worker.database.gaps import GapStore
from sla_worker.database.months import MonthStore
from sla_worker.database.partitions import Partitions
from sla_worker.database.rollups import RollupStore
from sla_worker.database.rows import Pair, RowWriter, Written
from sla_worker.database.trust import Trust
from sla_worker.database.versions import StoredVersion
from sla_worker.grid import Grid
from sla_worker.model import Measurement, Reason, State, Stored

_ENDS = """
SELECT sla_id, component_id, first_slot,
       (SELECT MAX(m.slot) FROM sla_measurements m
        WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot <= ?) AS last_slot,
       (SELECT MAX(m.slot) FROM sla_measurements m
        WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id) AS any_slot,
       (SELECT m.stored_at FROM sla_measurements m
        WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id
        ORDER BY m.slot DESC LIMIT 1) AS stored_at
FROM sla_series s
"""

_AFTER = """
SELECT COUNT(*) AS rows_after FROM sla_series s CROSS JOIN sla_measurements m
JOIN sla_definitions d ON d.id = m.sla_id AND d.from_file = 1
WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot > ?
"""

_DATA_BETWEEN = """
SELECT slot FROM sla_measurements
WHERE sla_id = ? AND component_id = ? AND slot >= ? AND slot <= ? AND coverage > 0 LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class _Ends:
    """The first slot of a pair, the last one that counts (None: none does), and the last one of all."""

    first: int
    last: int | None
    any: int


class MeasurementStore:
    """The table sla_measurements. Where each series ends is kept in memory: one process writes."""

    def __init__(
        self,
        engine: Engine,
        definitions: DefinitionStore,
        *,
        breaches: BreachStore,
        rollups: RollupStore,
        adjustments: AdjustmentStore,
        trust: Trust,
        months: MonthStore,
        partitions: Partitions | None,
        grid: Grid,
    ) -> None:
        self._engine = engine
        self._definitions = definitions
        self._breaches = breaches
        self._rollups = rollups
        self._adjustments = adjustments
        self._trust = trust
        self._months = months
        self._partitions = partitions
        self._grid = grid
        self._gaps = GapStore(engine, grid.slot_seconds)
        self._rows = RowWriter(engine)
        self._ends: dict[Pair, _Ends] | None = None
        self._provisional: set[tuple[int, int]] | None = None
        self._counted = False
        engine.on_reset(self._forget)

    # --- which are missing

    def missing_slots(self, newest: int, oldest: int) -> dict[str, list[int]]:
        """The slots up to newest that each SLA of the file lacks, ascending, none before oldest.

        Those after its last row, and the gaps before it, as far as it was in force: of one that was taken out
        of the file those before that. An SLA without rows starts with the first slot that it was there for as
        a whole; those of an empty ledger with the slot that was newest when it was made, so that figures are
        there at once. A worker killed before its first row loses nothing. Rows after `newest` do not count;
        they are noted as lying in the future.
        """
        step = self._grid.slot_seconds
        with self._engine.exclusive():
            if self._engine.writable:
                self._note_future(newest)
            last = self._last_slots(newest)
            gaps = self._gaps.all()
            slots: dict[str, list[int]] = {}
            for each in self._definitions.measured_after(oldest):
                first = self._first_missing(each, last.get(each.id), newest)
                found = list(range(max(first, oldest), newest + 1, step))
                for begin, end in gaps.get(each.id, ()):
                    found += range(max(begin, -(-oldest // step) * step), min(end, newest) + 1, step)
                found = sorted(set(found)) if each.id in gaps else found
                slots[each.key] = self._definitions.versions.measured(each.id, found)
            return slots

    def provisional_slots(self, newest: int, since: int) -> dict[str, list[int]]:
        """The slots after `since` up to `newest` whose rows are not final, ascending, by the SLA's key."""
        with self._engine.exclusive():
            if self._provisional is None:
                rows = self._engine.rows("SELECT sla_id, slot FROM sla_measurements WHERE final = 0")
                self._provisional = {(row["sla_id"], row["slot"]) for row in rows}
            keys = {each.id: each.key for each in self._definitions.measured_after(since)}
            found: dict[str, list[int]] = {}
            for sla_id, slot in sorted(self._provisional):
                if sla_id in keys and since < slot <= newest:
                    found.setdefault(keys[sla_id], []).append(slot)
            return found

    def _first_missing(self, definition: StoredDefinition, last: int | None, newest: int) -> int:
        step = self._grid.slot_seconds
        if last is not None:
            return last + step
        begun = self._definitions.versions.of(definition.id)[0].valid_from + step
        newest_then = self._grid.slot_before(definition.created_at)
        # By a clock that ran ahead it begins too late: it is measured at once.
        ahead = definition.created_at >= newest + step + self._grid.settle_seconds
        return min(newest, newest_then) if begun <= newest_then or ahead else begun

    def _last_slots(self, newest: int) -> dict[int, int]:
        """The last slot up to newest that counts, by SLA: all components of a slot are stored together."""
        bound = min(newest, self._trust.bound())
        ends = self._known_ends()
        if any(each.last is not None and each.last > bound for each in ends.values()):
            ends = self._read_ends(bound)
        last: dict[int, int] = {}
        for (sla_id, _), each in ends.items():
            if each.last is not None:
                last[sla_id] = max(each.last, last.get(sla_id, each.last))
        return last

    def _note_future(self, newest: int) -> None:
        from_file = {each.id for each in self._definitions.all().values() if each.from_file}
        ends = [each.any for (sla_id, _), each in self._known_ends().items() if sla_id in from_file]
        last = max(ends, default=newest)
        rows = int(self._engine.row(_AFTER, (newest,))["rows_after"]) if last > newest else 0
        self._trust.note(newest, last, rows)

    # --- storing

    def store(
        self,
        measurements: Iterable[Measurement],
        now: int,
        *,
        reason: Reason = Reason.FIRST,
        measured: bool = True,
    ) -> Stored:
        """All rows, the breaches that follow from them and the mails owed for those, in one transaction.

        Slots may come in any order. `measured`: these are all components of slots of the grid, so what an
        SLA skips before them is missing.
        """
        summed = self._rollups.marks().slots_after or 0
        rows = [row for row in measurements if row.slot > summed]  # older ones are only sums any more
        if not rows:
            return Stored(0, 0)
        with self._engine.transaction():
            definitions = self._definitions.several({row.key for row in rows})
            components = self._definitions.component_ids(
                [*(row.component for row in rows), *(each.component for each in definitions.values())]
            )
            placed = [((definitions[row.key].id, components[row.component]), row) for row in rows]
            ends = dict(self._known_ends())
            if measured:
                self._note_gaps(definitions.values(), placed, ends, reason)
            if self._partitions is not None:
                self._partitions.cover(row.slot for row in rows)
            written = self._rows.write(
                placed,
                newest={pair: each.any for pair, each in ends.items()},
                placeholders={
                    each.id: (each.id, components[each.component]) for each in definitions.values()
                },
                reason=reason,
                now=now,
            )
            after = _with(ends, placed)
            self._note_series(ends, placed)
            lasting = self._follow(
                self._adjustments.stored(placed),
                written,
                ends,
                definitions,
                late=reason is not Reason.FIRST,
                now=now,
            )
            self._end_gone(lasting, after)
            hidden = self._trust.hidden() != (0, 0)
            self._trust.stored(now)
            if measured and reason is Reason.FIRST and hidden:
                self._trust.advance(self._contiguous(placed))
            self._rollups.stored(
                max(row.slot for _, row in placed),
                [*((pair, row.slot) for pair, row in written.changed), *written.removed],
                step=self._grid.slot_seconds,
            )
            self._months.stored(
                {slot for _, slot in [*((p, row.slot) for p, row in written.changed), *written.removed]},
                reason,
            )
            self._ends = None if hidden or written.removed else after
            self._note_provisional(placed, written)
            return Stored(len(written.changed) - written.replaced, written.replaced)

    def _follow(
        self,
        placed: Sequence[tuple[Pair, Measurement]],
        written: Written,
        ends: Mapping[Pair, _Ends],
        definitions: Mapping[str, StoredDefinition],
        *,
        late: bool,
        now: int,
    ) -> list[Pair]:
        """Breaches follow rows after the last one of their series, and are derived again from older ones.

        Returns the series that may be in breach then.
        """

        def is_next(pair: Pair, row: Measurement) -> bool:
            known = ends.get(pair)
            return known is None or known.last is None or row.slot > known.last

        by_slot = sorted(placed, key=lambda each: each[1].slot)
        changed: dict[Pair, list[int]] = {pair: [] for pair, row in written.changed if not is_next(pair, row)}
        changed.update((pair, []) for pair, _ in written.removed)
        for pair, slot in (*((pair, row.slot) for pair, row in written.changed), *written.removed):
            if pair in changed:
                changed[pair].append(slot)
        rows: dict[Pair, list[Measurement]] = {}
        for pair, row in placed:
            rows.setdefault(pair, []).append(row)
        by_id = {each.id: each for each in definitions.values()}
        # A series with older rows is derived as a whole, its newest ones included.
        followed = [
            (pair, row, definitions[row.key])
            for pair, row in by_slot
            if pair not in changed and is_next(pair, row)
        ]
        lasting = self._breaches.follow(followed, now)
        for pair, slots in changed.items():
            newest, versions = rows.get(pair, []), self._definitions.versions.of(pair[0])
            if _harmless(newest, versions) and not self._breaches.may_change(pair, min(slots)):
                continue
            self._breaches.rebuild(
                pair,
                min(slots),
                max(slots),
                by_id[pair[0]],
                gone=partial(self._gone, pair),
                late=late or all(row.late for row in newest),
                now=now,
            )
        return [*lasting, *changed]

    def breaches_again(
        self, pair: Pair, slots: tuple[int, int], definition: StoredDefinition, now: int, *, quiet: bool
    ) -> None:
        """Derive the breaches of a series again, whose rows of these slots count otherwise now."""
        gone = partial(self._gone, pair)
        self._breaches.rebuild(pair, *slots, definition, gone=gone, late=True, quiet=quiet, now=now)
        self._end_gone([pair], self._known_ends())

    def _end_gone(self, lasting: Sequence[Pair], ends: Mapping[Pair, _Ends]) -> None:
        """End the breaches of components that are gone: nothing else would."""
        if not lasting:
            return
        newest: dict[int, int] = {}
        for (sla_id, _), each in ends.items():
            if each.last is not None:
                newest[sla_id] = max(each.last, newest.get(sla_id, each.last))
        for pair in lasting:
            last = ends[pair].last if pair in ends else None
            if last is not None and newest[pair[0]] > last + GONE_SECONDS:
                ended = self._gone(pair, last, newest[pair[0]])
                self._breaches.end([pair] if ended else [], last)

    def _gone(self, pair: Pair, last: int, until: int) -> bool:
        """Whether other components of the SLA were measured a day after the last slot, and before `until`.

        Were only its data missing, those of all components would be, or would be back within a day.
        """
        others = [other for other in self._known_ends() if other[0] == pair[0] and other != pair]
        return any(self._engine.rows(_DATA_BETWEEN, (*each, last + GONE_SECONDS, until)) for each in others)

    def _note_gaps(
        self,
        definitions: Iterable[StoredDefinition],
        placed: Sequence[tuple[Pair, Measurement]],
        ends: Mapping[Pair, _Ends],
        reason: Reason,
    ) -> None:
        last: dict[int, int] = {}
        for (sla_id, _), each in ends.items():
            if each.last is not None:
                last[sla_id] = max(each.last, last.get(sla_id, each.last))
        slots: dict[int, set[int]] = {}
        for (sla_id, _), row in placed:
            slots.setdefault(sla_id, set()).add(row.slot)
        known = self._gaps.all()
        for definition in definitions:
            stored = slots[definition.id]
            before = None
            if reason is Reason.FIRST and definition.from_file:
                first = self._first_missing(definition, last.get(definition.id), max(stored))
                before = first - self._grid.slot_seconds
            skipped = before is not None and max(stored) > before + self._grid.slot_seconds
            if skipped or known.get(definition.id):
                self._gaps.stored(definition.id, stored, before)

    def _note_series(self, ends: Mapping[Pair, _Ends], placed: Sequence[tuple[Pair, Measurement]]) -> None:
        """The first slot of a series is kept for good; a backfill may lie before it."""
        first: dict[Pair, int] = {}
        for pair, row in placed:
            if pair not in ends or row.slot < ends[pair].first:
                first[pair] = min(row.slot, first.get(pair, row.slot))
        self._engine.executemany(
            "INSERT INTO sla_series (sla_id, component_id, first_slot) VALUES (?, ?, ?)"
            " ON CONFLICT (sla_id, component_id) DO UPDATE SET first_slot = excluded.first_slot",
            [(*pair, slot) for pair, slot in first.items()],
        )
        if self._engine.partitioned and (first or not self._counted):
            # PostgreSQL counts no table of less than 50 rows by itself, and takes it to have some 1,500: then
            # it reads all hours that there are, where it should seek those of each series.
            self._engine.execute("ANALYZE sla_series")
            self._counted = True

    def _contiguous(self, placed: Sequence[tuple[Pair, Measurement]]) -> int:
        """Up to which slot nothing is missing of the SLAs that were stored."""
        newest = max(row.slot for _, row in placed)
        gaps = [gap for sla_id in {pair[0] for pair, _ in placed} for gap in self._gaps.of(sla_id)]
        bound = self._trust.bound()
        first = min((begin for begin, end in gaps if end > bound), default=newest + 1)
        return newest if first > newest else first - self._grid.slot_seconds

    def _note_provisional(self, placed: Sequence[tuple[Pair, Measurement]], written: Written) -> None:
        if self._provisional is None:
            return
        touched = {(pair[0], row.slot) for pair, row in placed}
        if (
            written.replaced
            or written.removed
            or any(not row.final for _, row in placed)
            or (touched & self._provisional)
        ):
            self._provisional -= touched
            self._provisional |= {(pair[0], row.slot) for pair, row in placed if not row.final}

    # --- reading

    def newest_slot(self, now: float) -> int | None:
        """The newest slot of any enabled SLA that has begun at `now`; None in an empty ledger."""
        enabled = {each.id for each in self._definitions.enabled()}
        last = self._last_slots(self._grid.slot_of(now))
        return max((slot for sla_id, slot in last.items() if sla_id in enabled), default=None)

    def oldest_slots(self) -> dict[str, int]:
        """The oldest slot of each enabled SLA that has rows, by its key."""
        keys = {each.id: each.key for each in self._definitions.enabled()}
        found: dict[str, int] = {}
        for (sla_id, _), ends in self._known_ends().items():
            if (key := keys.get(sla_id)) is not None:
                found[key] = min(ends.first, found.get(key, ends.first))
        return found

    # --- the ends of the series

    def _known_ends(self) -> dict[Pair, _Ends]:
        with self._engine.exclusive():
            if self._ends is None or not self._engine.writable:
                self._ends = self._read_ends(self._trust.bound())
            return self._ends

    def _read_ends(self, bound: int) -> dict[Pair, _Ends]:
        rows = self._engine.rows(_ENDS, (bound,))
        self._trust.stored(max((row["stored_at"] or 0 for row in rows), default=0))
        return {
            (row["sla_id"], row["component_id"]): _Ends(row["first_slot"], row["last_slot"], row["any_slot"])
            for row in rows
        }

    def _forget(self) -> None:
        self._ends = self._provisional = None


def _harmless(rows: Iterable[Measurement], versions: Iterable[StoredVersion]) -> bool:
    """Whether rows open no breach, nor bring bad slots together that others were between."""
    passed_over = all(each.policy.breach_after == each.policy.recover_after == 1 for each in versions)
    return all(row.state is State.MET or (passed_over and row.state is not State.BREACHED) for row in rows)


def _with(ends: Mapping[Pair, _Ends], placed: Iterable[tuple[Pair, Measurement]]) -> dict[Pair, _Ends]:
    """Where the series end once the rows are stored."""
    found = dict(ends)
    for pair, row in placed:
        known, slot = found.get(pair), row.slot
        if known is None:
            found[pair] = _Ends(slot, slot, slot)
        elif slot > known.any:
            found[pair] = _Ends(known.first, slot, slot)
        else:
            last = slot if known.last is None else max(slot, known.last)
            found[pair] = _Ends(min(slot, known.first), last, known.any)
    return found
