"""What counts instead of what was measured: rows, hours and days beside those of the same keys.

What was measured is never changed. Where an exclusion or a correction concerns a row, a row of
sla_adjusted_slots says what counts instead; where one lies in an hour or a day, so does a row of
sla_adjusted_hours or sla_adjusted_days. Without those of an exclusion everything is as if it had never been.

A row that is excluded adds nothing to any sum: no events, no coverage, and it is not left out either. The
time of exclusions is taken from what is expected by arithmetic (see StatusReader), so that it makes no
difference whether a row was stored in it. Where the policy is to count maintenance as good, its events are
all good; its time is taken from what is expected just the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from sla_worker.composite import Part, figures_of, score, slot_part
from sla_worker.database.corrected import as_maintained, changes, corrected
from sla_worker.database.definitions import DefinitionStore, StoredDefinition
from sla_worker.database.engine import Engine, Row, Values
from sla_worker.database.exclusions import ExclusionStore
from sla_worker.database.judging import judged_by
from sla_worker.database.periods import HOUR_SECONDS, hour
from sla_worker.database.rollup_sql import BREACHES_OF_DAY, BY_HOUR, BY_SLOT, OF_PAIR
from sla_worker.database.rollups import RollupStore
from sla_worker.database.rows import Pair
from sla_worker.database.spells import members_at
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Correction, Maintenance, Measurement, State, Status
from sla_worker.service_hours import in_service

BESIDE = """
LEFT JOIN sla_adjusted_slots a
    ON a.sla_id = m.sla_id AND a.component_id = m.component_id AND a.slot = m.slot"""
SUMS = f"""
       COALESCE(SUM(CASE WHEN COALESCE(a.state, m.state) NOT IN (6, 7)
                    THEN COALESCE(a.good_events, m.good_events) END {BY_SLOT}), 0) AS good,
       COALESCE(SUM(CASE WHEN COALESCE(a.state, m.state) NOT IN (6, 7)
                    THEN COALESCE(a.total_events, m.total_events) END {BY_SLOT}), 0) AS total,
       COALESCE(SUM(CASE WHEN COALESCE(a.state, m.state) NOT IN (6, 7)
                    THEN COALESCE(a.coverage, m.coverage) END {BY_SLOT}), 0) AS covered,
       SUM(CASE WHEN a.state IS NULL AND m.state IN (6, 7) THEN 1 ELSE 0 END) AS left_out"""
"""The sums of rows as they count, for rows `m` with what counts instead of them BESIDE."""

_BESIDE_BETWEEN = f"{BESIDE} AND a.slot > ? AND a.slot <= ?"  # PostgreSQL does not conclude that from m.slot
_OF_PAIR = "sla_id = ? AND component_id = ?"
_SLOTS = "INSERT INTO sla_adjusted_slots (sla_id, component_id, slot, good_events, total_events, coverage,"
_EXCLUDED = f"""{_SLOTS} actual_value, state, status)
SELECT sla_id, component_id, slot, 0, 0, 0, NULL,
       CASE state WHEN 6 THEN 6 ELSE 7 END, CASE state WHEN 6 THEN 8 ELSE 9 END
FROM sla_measurements WHERE {_OF_PAIR} AND slot > ? AND slot <= ?
"""  # noqa: S608 - constants
_GOOD = f"""{_SLOTS} actual_value, state, status)
SELECT sla_id, component_id, slot, CASE state WHEN 6 THEN 0 ELSE total_events END,
       CASE state WHEN 6 THEN 0 ELSE total_events END, 0, NULL,
       CASE WHEN state = 6 THEN 6 WHEN total_events <= 0 THEN 7 WHEN state < 2 THEN 0 ELSE state END,
       CASE WHEN state = 6 THEN 8 WHEN total_events <= 0 THEN 9 WHEN state < 2 THEN 0 ELSE status END
FROM sla_measurements WHERE {_OF_PAIR} AND slot > ? AND slot <= ?
"""  # noqa: S608 - constants
_HOURS = "INSERT INTO sla_adjusted_hours (sla_id, component_id, hour_start, good_events, total_events,"
_HOURS_OF_SLOTS = f"""{_HOURS} covered_slots, left_out)
SELECT sla_id, component_id, begun, good, total, covered, left_out FROM (
SELECT m.sla_id, m.component_id, COUNT(a.state) AS adjusted, {SUMS},
       (SELECT MAX(h.hour_start) FROM sla_hours h
        WHERE h.sla_id = m.sla_id AND h.component_id = m.component_id AND h.hour_start < m.slot) AS begun
FROM sla_measurements m {_BESIDE_BETWEEN}
WHERE m.sla_id = ? AND m.component_id = ? AND m.slot > ? AND m.slot <= ?
GROUP BY m.sla_id, m.component_id, begun) AS made WHERE adjusted > 0
"""  # noqa: S608 - constants
# Of hours whose slots are gone only whole ones can be excluded.
_HOURS_EXCLUDED = f"""{_HOURS} covered_slots, left_out)
SELECT sla_id, component_id, hour_start, 0, 0, 0, 0 FROM sla_hours
WHERE {_OF_PAIR} AND hour_start >= ? AND hour_start < ?
"""  # noqa: S608 - constants
_HOURS_GOOD = f"""{_HOURS} covered_slots, left_out)
SELECT sla_id, component_id, hour_start, total_events, total_events, 0, 0 FROM sla_hours
WHERE {_OF_PAIR} AND hour_start >= ? AND hour_start < ?
"""  # noqa: S608 - constants
_DAYS = """
INSERT INTO sla_adjusted_days (sla_id, component_id, day_start, average_value, minimum_value, maximum_value,
                               breaches, good_events, total_events, covered_slots, left_out)"""
_ACTUAL = """CASE WHEN COALESCE(a.state, m.state) IN (6, 7) THEN NULL
                  WHEN a.state IS NULL THEN m.actual_value ELSE a.actual_value END"""
_DAY_OF_SLOTS = f"""{_DAYS}
SELECT sla_id, component_id, day_start, average, least, greatest, breaches, good, total, covered, left_out
FROM (
SELECT m.sla_id, m.component_id, CAST(? AS BIGINT) AS day_start, AVG({_ACTUAL} {BY_SLOT}) AS average,
       MIN({_ACTUAL}) AS least, MAX({_ACTUAL}) AS greatest,{BREACHES_OF_DAY} AS breaches,
       COUNT(a.state) AS adjusted, {SUMS}
FROM sla_measurements m {_BESIDE_BETWEEN}
WHERE m.sla_id = ? AND m.component_id = ? AND m.slot > ? AND m.slot <= ?
GROUP BY m.sla_id, m.component_id) AS made WHERE adjusted > 0
"""  # noqa: S608 - constants
_DAY_OF_HOURS = f"""{_DAYS}
SELECT sla_id, component_id, day_start, NULL, NULL, NULL, breaches, good, total, covered, left_out FROM (
SELECT m.sla_id, m.component_id, CAST(? AS BIGINT) AS day_start,{BREACHES_OF_DAY} AS breaches,
       COUNT(a.good_events) AS adjusted, SUM(COALESCE(a.good_events, m.good_events) {BY_HOUR}) AS good,
       SUM(COALESCE(a.total_events, m.total_events) {BY_HOUR}) AS total,
       SUM(COALESCE(a.covered_slots, m.covered_slots) {BY_HOUR}) AS covered,
       SUM(COALESCE(a.left_out, m.left_out)) AS left_out
FROM sla_hours m LEFT JOIN sla_adjusted_hours a
    ON a.sla_id = m.sla_id AND a.component_id = m.component_id AND a.hour_start = m.hour_start
WHERE m.sla_id = ? AND m.component_id = ? AND m.hour_start >= ? AND m.hour_start < ?
GROUP BY m.sla_id, m.component_id) AS made WHERE adjusted > 0
"""  # noqa: S608 - constants

_MEMBERS = f"""
SELECT m.sla_id, m.slot, COALESCE(a.state, m.state) AS state, a.state AS instead,
       CASE WHEN a.coverage > 0 THEN a.coverage ELSE m.coverage END AS coverage,
       COALESCE(a.good_events, m.good_events) AS good, COALESCE(a.total_events, m.total_events) AS total
FROM sla_series s CROSS JOIN sla_measurements m {BESIDE}
WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot > ? AND m.slot <= ?
"""  # noqa: S608 - constants
_HAD = """
SELECT s.sla_id, s.component_id FROM sla_series s
WHERE EXISTS (SELECT 1 FROM sla_adjusted_slots a
              WHERE a.sla_id = s.sla_id AND a.component_id = s.component_id AND a.slot > ? AND a.slot <= ?)
   OR EXISTS (SELECT 1 FROM sla_adjusted_hours a
              WHERE a.sla_id = s.sla_id AND a.component_id = s.component_id
                AND a.hour_start >= ? AND a.hour_start < ?)
"""
_DAYS_BETWEEN = """
SELECT d.sla_id, d.component_id, d.day_start, d.day_end FROM sla_series s CROSS JOIN sla_daily_summaries d
WHERE d.sla_id = s.sla_id AND d.component_id = s.component_id AND d.day_end > ? AND d.day_start < ?{where}
ORDER BY d.sla_id, d.component_id, d.day_start
"""
_FORGET_SLOTS = f"DELETE FROM sla_adjusted_slots WHERE {_OF_PAIR} AND slot > ? AND slot <= ?"  # noqa: S608
_FORGET_HOURS = f"DELETE FROM sla_adjusted_hours WHERE {_OF_PAIR} AND hour_start >= ? AND hour_start < ?"  # noqa: S608
_FORGET_DAY = f"DELETE FROM sla_adjusted_days WHERE {_OF_PAIR} AND day_start = ?"  # noqa: S608
_BETWEEN = f"SELECT * FROM sla_adjusted_slots WHERE {_OF_PAIR} AND slot >= ? AND slot <= ?"  # noqa: S608
_ONE = f"""{_SLOTS} actual_value, state, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_MEASURED = f"SELECT * FROM sla_measurements WHERE {_OF_PAIR} AND slot > ? AND slot <= ? ORDER BY slot"  # noqa: S608
_AT_ONCE = 86_400  # seconds of composites' slots that are held in memory together
_FEW = 10  # series that are read one by one; of more, those of all are read
_MANY = 1000  # rows at once after which PostgreSQL counts a table again


@dataclass(frozen=True, slots=True)
class _Series:
    pair: Pair
    definition: StoredDefinition
    component: str


class AdjustmentStore:
    """The tables sla_adjusted_slots, sla_adjusted_hours and sla_adjusted_days."""

    def __init__(
        self,
        engine: Engine,
        *,
        definitions: DefinitionStore,
        exclusions: ExclusionStore,
        rollups: RollupStore,
        grid: Grid,
    ) -> None:
        self._engine = engine
        self._grid = grid
        self._definitions = definitions
        self._exclusions = exclusions
        self._rollups = rollups
        rollups.on_summed(self.sum_up)

    def series(self, sla_ids: Iterable[int] | None = None) -> list[_Series]:
        """Every series, or those of some SLAs, of SLAs that were removed too."""
        wanted = None if sla_ids is None else set(sla_ids)
        by_id = {each.id: each for each in self._definitions.all().values()}
        names = {number: name for name, number in self._definitions.components().items()}
        return [
            _Series((row["sla_id"], row["component_id"]), by_id[row["sla_id"]], names[row["component_id"]])
            for row in self._engine.rows(
                "SELECT sla_id, component_id FROM sla_series ORDER BY sla_id, component_id"
            )
            if wanted is None or row["sla_id"] in wanted
        ]

    # --- all of it, from what is in force

    def derive(self, start: int, end: int) -> list[tuple[Pair, StoredDefinition]]:
        """Derive what counts in [start, end) again; inside the caller's transaction.

        Returns the series that have, or had, something else than was measured there.
        """
        in_force = self._exclusions.in_force()
        composites = {each.id for each in self._definitions.all().values() if each.members}
        had = {
            (row["sla_id"], row["component_id"])
            for row in self._engine.rows(_HAD, (start, end, start - HOUR_SECONDS + 1, end))
        }
        touched = [
            each
            for each in self.series()
            if each.definition.id not in composites
            and (each.pair in had or in_force.concern(each.definition.id, each.component, start, end))
        ]
        self._slots(touched, start, end)
        touched += self._composites(start, end, {each.definition.id for each in touched})
        self.sum_up(start, end, touched)
        return [(each.pair, each.definition) for each in touched]

    def _slots(self, touched: Sequence[_Series], start: int, end: int) -> None:
        """What counts in [start, end) of these series: slots, and hours whose slots are gone."""
        kept = self._rollups.marks().slots_after or 0
        if end > kept:
            self._again((each, max(start, kept), end) for each in touched)
        if start >= kept:
            return
        old, in_force = min(end, kept), self._exclusions.in_force()
        self._engine.executemany(_FORGET_HOURS, [(*each.pair, start, old) for each in touched])
        made: dict[str, list[Values]] = {_HOURS_GOOD: [], _HOURS_EXCLUDED: []}
        for each in touched:
            for span in in_force.maintained(each.definition.id, each.component).within(start, old):
                for begin, until in self._rollups.pieces(*span):
                    sql = _HOURS_GOOD if self._good(each.definition.id, until) else _HOURS_EXCLUDED
                    made[sql].append((*each.pair, begin, until))
        for sql, values in made.items():
            self._engine.executemany(sql, values)

    def _again(self, spans: Iterable[tuple[_Series, int, int]]) -> None:
        """What counts in slots that end in (start, end], by the series: maintenance over corrections.

        A statement of each kind for all of them: to a server there is one way for each, not for each series.
        """
        forgotten: list[Values] = []
        maintained: dict[str, list[Values]] = {_GOOD: [], _EXCLUDED: []}
        instead: dict[tuple[Pair, int], Values] = {}
        in_force = self._exclusions.in_force()
        for series, start, end in spans:
            where = series.definition.id, series.component
            forgotten.append((*series.pair, start, end))
            for span in in_force.maintained(*where).within(start, end):
                for first, last in self._rollups.pieces(*span):
                    sql = _GOOD if self._good(where[0], last) else _EXCLUDED
                    maintained[sql].append((*series.pair, first, last))
            for row in self._corrected(series, start, end):
                instead[series.pair, row.slot] = (*series.pair, *_values(row))
        self._engine.executemany(_FORGET_SLOTS, forgotten)
        for sql, values in maintained.items():
            self._engine.executemany(sql, values)
        self._engine.executemany(_FORGET_SLOTS, [(*pair, slot - 1, slot) for pair, slot in instead])
        self._engine.executemany(_ONE, instead.values())
        seconds = sum(last - first for found in maintained.values() for _, _, first, last in found)
        self._count("sla_adjusted_slots", seconds // self._grid.slot_seconds + len(instead))

    def _count(self, table: str, rows: float) -> None:
        """Let PostgreSQL know at once that a table has many rows now.

        By itself it counts them a minute after the transaction; until then it looks for each of many slots
        among all that are adjusted, since it believes that there are none.
        """
        if self._engine.partitioned and rows > _MANY:
            self._engine.execute(f"ANALYZE {table}")

    def _corrected(self, series: _Series, start: int, end: int) -> Iterator[Measurement]:
        """The slots of a series that end in (start, end] as corrections say; the newest of them last."""
        in_force = self._exclusions.in_force()
        where = series.definition.id, series.component
        maintained = in_force.maintained(*where)
        for each in in_force.corrected(*where, start, end):
            for first, last in self._rollups.pieces(max(each.start, start), min(each.end, end)):
                definition = judged_by(
                    self._definitions.versions,
                    self._definitions.versions.at(where[0], last),
                    series.definition.key,
                )
                counted_good = definition.policy.maintenance is Maintenance.COUNTED_GOOD
                for row in corrected(each, definition, self._measured(series, first, last)):
                    if not maintained.holds(row.slot):
                        yield row
                    elif counted_good:
                        yield as_maintained(row)

    def _good(self, sla_id: int, slot: int) -> bool:
        """Whether maintenance counts as good in a slot, by the version that judges it."""
        policy = self._definitions.versions.at(sla_id, slot).policy
        return policy.maintenance is Maintenance.COUNTED_GOOD

    def _measured(self, series: _Series, start: int, end: int) -> list[Row]:
        return self._engine.rows(_MEASURED, (*series.pair, start, end))

    def uncorrectable(self, series: _Series, correction: Correction) -> tuple[int, int]:
        """How many rows of a series a correction is for, and how many of them it leaves as they are."""
        rows = self._measured(series, correction.start, correction.end)
        return len(rows), sum(not changes(correction, row) for row in rows)

    # --- with the rows, inside their transaction

    def stored(self, placed: Sequence[tuple[Pair, Measurement]]) -> list[tuple[Pair, Measurement]]:
        """Rows were stored: the same rows as they count. Makes no statement where nothing is excluded."""
        in_force = self._exclusions.in_force()
        if not in_force.anything or not placed:
            return list(placed)
        slots = [row.slot for _, row in placed]
        if not in_force.touch(min(slots) - 1, max(slots)):
            return list(placed)
        by_key = self._definitions.all()
        touched: set[int] = set()
        if any(by_key[row.key].members for _, row in placed):
            touched.update(in_force.targets, in_force.corrections)
        concerned: dict[tuple[Pair, int], _Series] = {}
        for pair, row in placed:
            definition = by_key[row.key]
            if not definition.members and in_force.concern(
                definition.id, row.component, row.slot - 1, row.slot
            ):
                concerned[pair, row.slot] = _Series(pair, definition, row.component)
                touched.add(definition.id)
        self._again((series, slot - 1, slot) for (_, slot), series in concerned.items())
        for begin in range(min(slots) - 1, max(slots), _AT_ONCE):
            self._composites(begin, min(begin + _AT_ONCE, max(slots)), touched)
        found = {
            (row["sla_id"], row["component_id"], row["slot"]): row
            for pair in {pair for pair, _ in placed}
            for row in self._engine.rows(
                _BETWEEN,
                (*pair, min(slots), max(slots)),
            )
        }
        return [(pair, _instead(row, found.get((*pair, row.slot)))) for pair, row in placed]

    # --- composites

    def _composites(self, start: int, end: int, touched: set[int]) -> list[_Series]:
        """Slots of composites are judged again where a member counts otherwise than it was measured.

        Each by the version of the composite that judges the slot, with the members that it had then.
        """
        known = self._definitions.versions.all()
        names = {
            each.id: {(each.key, version.category) for version in known[each.id]}
            for each in self._definitions.all().values()
            if each.id in touched and not each.members
        }
        wanted = [
            each.id
            for each in self._definitions.all().values()
            if each.members
            and any(
                member.includes(*name)
                for version in known[each.id]
                for member in version.members
                for found in names.values()
                for name in found
            )
        ]
        if not wanted:
            return []
        kept = self._rollups.marks().slots_after or 0
        series = self.series(wanted)
        for begin in range(max(start, kept), end, _AT_ONCE):
            until = min(begin + _AT_ONCE, end)
            self._engine.executemany(_FORGET_SLOTS, [(*each.pair, begin, until) for each in series])
            rows: dict[int, list[Row]] = {}
            for row in self._engine.rows(_MEMBERS, (begin, until)):
                rows.setdefault(row["slot"], []).append(row)
            for first, last in self._rollups.pieces(begin, until):
                of_piece = {slot: found for slot, found in rows.items() if first < slot <= last}
                self._engine.executemany(
                    _ONE,
                    [
                        (*each.pair, *_values(row))
                        for each in series
                        for row in self._scored(each, last, of_piece)
                    ],
                )
        return series

    def _scored(self, series: _Series, last: int, rows: Mapping[int, Sequence[Row]]) -> Iterator[Measurement]:
        """The slots of a composite with a member that counts otherwise; they are judged by one version."""
        version, counted = members_at(self._definitions, series.definition.id, last)
        categories = dict(counted)
        keys = {each.id: each.key for each in self._definitions.all().values()}
        definition = judged_by(self._definitions.versions, version, series.definition.key)
        for slot, found in rows.items():
            own = any(row["sla_id"] == series.definition.id for row in found)
            members = [row for row in found if row["sla_id"] in categories]
            if not own or all(row["instead"] is None for row in members):
                continue
            parts = [
                part
                for row in members
                if (
                    part := slot_part(
                        Part(
                            keys[row["sla_id"]],
                            categories[row["sla_id"]],
                            row["good"],
                            row["total"],
                            row["coverage"],
                        ),
                        row["state"],
                    )
                )
            ]
            inside = in_service(definition.policy.service_hours, slot, self._grid.slot_seconds)
            row = evaluate(
                definition,
                slot,
                figures_of(definition, score(definition.sli.members, parts)),
                component=series.component,
                in_service=inside,
            )
            if inside and not parts:  # nothing of it is left
                row = replace(
                    row, good=0.0, total=0.0, actual=None, state=State.EXCLUDED, status=Status.EXCLUDED
                )
            yield row

    # --- hours and days

    def sum_up(self, start: int, end: int, series: Iterable[_Series] | None = None) -> None:
        """Hours and days of [start, end) as they count, where that differs; in the caller's transaction."""
        in_force = self._exclusions.in_force()
        if series is None:
            if not in_force.touch(start - 2 * _AT_ONCE, end):
                return
            series = [
                each
                for each in self.series({*in_force.targets, *in_force.corrections})
                if in_force.concern(each.definition.id, each.component, start - 2 * _AT_ONCE, end)
            ]
        marks, phase = self._rollups.marks(), self._rollups.phase
        begin, until = hour(start, phase), hour(end + HOUR_SECONDS - 1, phase)
        gone = marks.slots_after or 0
        first = max(begin, gone)
        last = min(until, marks.hours_until or 0)
        pairs = [each.pair for each in series]
        if first < last:
            self._engine.executemany(_FORGET_HOURS, [(*pair, first, last) for pair in pairs])
            between = first, last
            self._engine.executemany(_HOURS_OF_SLOTS, [(*between, *pair, *between) for pair in pairs])
            self._count("sla_adjusted_hours", len(pairs) * (last - first) / HOUR_SECONDS)
        self._days(pairs, begin, until)

    def _days(self, pairs: Sequence[Pair], start: int, end: int) -> None:
        marks = self._rollups.marks()
        gone = marks.slots_after or 0
        forgotten: list[Values] = []
        made: dict[str, list[Values]] = {_DAY_OF_SLOTS: [], _DAY_OF_HOURS: []}
        for pair, days in self._days_between(pairs, start, end).items():
            for (begin, until), after in zip_longest(days, days[1:]):
                if begin < (marks.hours_after or 0) and begin < gone:
                    continue  # only the day is left: it stays as it is
                ends = until if after is None else min(until, after[0])  # a day may be in two parts
                forgotten.append((*pair, begin))
                sql = _DAY_OF_SLOTS if begin >= gone else _DAY_OF_HOURS
                beside = (begin, ends) if sql == _DAY_OF_SLOTS else ()
                breaches = self._rollups.breaches_of(begin, ends)
                made[sql].append((begin, *breaches, *beside, *pair, begin, ends))
        self._engine.executemany(_FORGET_DAY, forgotten)
        for sql, values in made.items():
            self._engine.executemany(sql, values)
        self._count("sla_adjusted_days", len(forgotten))

    def _days_between(
        self, pairs: Sequence[Pair], start: int, end: int
    ) -> Mapping[Pair, Sequence[tuple[int, int]]]:
        """The days of these series, as (begin, end), that have some of [start, end)."""
        found: dict[Pair, list[tuple[int, int]]] = {pair: [] for pair in pairs}
        if len(pairs) <= _FEW:
            sql = _DAYS_BETWEEN.format(where=OF_PAIR)
            rows = [row for pair in found for row in self._engine.rows(sql, (start, end, *pair))]
        else:
            rows = self._engine.rows(_DAYS_BETWEEN.format(where=""), (start, end))
        for row in rows:
            if (pair := (row["sla_id"], row["component_id"])) in found:
                found[pair].append((row["day_start"], row["day_end"]))
        return found


def _instead(row: Measurement, adjusted: Row | None) -> Measurement:
    if adjusted is None:
        return row
    return replace(
        row,
        good=adjusted["good_events"],
        total=adjusted["total_events"],
        coverage=adjusted["coverage"],
        actual=adjusted["actual_value"],
        state=State(adjusted["state"]),
        status=Status(adjusted["status"]),
    )


def _values(row: Measurement) -> tuple[float | int | None, ...]:
    """The columns of a row that counts instead."""
    return row.slot, row.good, row.total, row.coverage, row.actual, int(row.state), int(row.status)
