"""What counts instead of what was measured: rows, hours and days beside those of the same keys.

What was measured is never changed. Where an exclusion covers a row, a row of sla_adjusted_slots says what
counts instead; where one lies in an hour or a day, so does a row of sla_adjusted_hours or sla_adjusted_days.
Without those of an exclusion everything is as if it had never been.

A row that is excluded adds nothing to any sum: no events, no coverage, and it is not left out either. The
time of exclusions is taken from what is expected by arithmetic (see StatusReader), so that it makes no
difference whether a row was stored in it. Where the policy is to count maintenance as good, its events are
all good; its time is taken from what is expected just the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from sla_worker.composite import Part, score, slot_part
from sla_worker.conventions import MINIMUM_COVERAGE
from sla_worker.database.definitions import DefinitionStore, StoredDefinition
from sla_worker.database.engine import Engine, Row
from sla_worker.database.exclusions import ExclusionStore
from sla_worker.database.periods import HOUR_SECONDS, hour
from sla_worker.database.rollups import BREACHES_OF_DAY, RollupStore
from sla_worker.database.rows import Pair
from sla_worker.evaluation import allowance_used, judged_status, meets
from sla_worker.model import Maintenance, Measurement, State, Status

BESIDE = """
LEFT JOIN sla_adjusted_slots a
    ON a.sla_id = m.sla_id AND a.component_id = m.component_id AND a.slot = m.slot"""
SUMS = """
       COALESCE(SUM(CASE WHEN COALESCE(a.state, m.state) NOT IN (6, 7)
                    THEN COALESCE(a.good_events, m.good_events) END), 0) AS good,
       COALESCE(SUM(CASE WHEN COALESCE(a.state, m.state) NOT IN (6, 7)
                    THEN COALESCE(a.total_events, m.total_events) END), 0) AS total,
       COALESCE(SUM(CASE WHEN COALESCE(a.state, m.state) NOT IN (6, 7)
                    THEN COALESCE(a.coverage, m.coverage) END), 0) AS covered,
       SUM(CASE WHEN a.state IS NULL AND m.state IN (6, 7) THEN 1 ELSE 0 END) AS left_out"""
"""The sums of rows as they count, for rows `m` with what counts instead of them BESIDE."""

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
FROM sla_measurements m {BESIDE}
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
SELECT m.sla_id, m.component_id, CAST(? AS BIGINT) AS day_start, AVG({_ACTUAL}) AS average,
       MIN({_ACTUAL}) AS least, MAX({_ACTUAL}) AS greatest,{BREACHES_OF_DAY} AS breaches,
       COUNT(a.state) AS adjusted, {SUMS}
FROM sla_measurements m {BESIDE}
WHERE m.sla_id = ? AND m.component_id = ? AND m.slot > ? AND m.slot <= ?
GROUP BY m.sla_id, m.component_id) AS made WHERE adjusted > 0
"""  # noqa: S608 - constants
_DAY_OF_HOURS = f"""{_DAYS}
SELECT sla_id, component_id, day_start, NULL, NULL, NULL, breaches, good, total, covered, left_out FROM (
SELECT m.sla_id, m.component_id, CAST(? AS BIGINT) AS day_start,{BREACHES_OF_DAY} AS breaches,
       COUNT(a.good_events) AS adjusted, SUM(COALESCE(a.good_events, m.good_events)) AS good,
       SUM(COALESCE(a.total_events, m.total_events)) AS total,
       SUM(COALESCE(a.covered_slots, m.covered_slots)) AS covered,
       SUM(COALESCE(a.left_out, m.left_out)) AS left_out
FROM sla_hours m LEFT JOIN sla_adjusted_hours a
    ON a.sla_id = m.sla_id AND a.component_id = m.component_id AND a.hour_start = m.hour_start
WHERE m.sla_id = ? AND m.component_id = ? AND m.hour_start >= ? AND m.hour_start < ?
GROUP BY m.sla_id, m.component_id) AS made WHERE adjusted > 0
"""  # noqa: S608 - constants

_MEMBERS = f"""
SELECT m.sla_id, m.slot, COALESCE(a.state, m.state) AS state, a.state AS instead, m.coverage,
       COALESCE(a.good_events, m.good_events) AS good, COALESCE(a.total_events, m.total_events) AS total
FROM sla_series s CROSS JOIN sla_measurements m {BESIDE}
WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot > ? AND m.slot <= ?
"""  # noqa: S608 - constants
_HAD = f"""
SELECT (SELECT COUNT(*) FROM sla_adjusted_slots WHERE {_OF_PAIR} AND slot > ? AND slot <= ?)
     + (SELECT COUNT(*) FROM sla_adjusted_hours WHERE {_OF_PAIR} AND hour_start >= ? AND hour_start < ?)
       AS rows
"""  # noqa: S608 - constants
_FORGET_SLOTS = f"DELETE FROM sla_adjusted_slots WHERE {_OF_PAIR} AND slot > ? AND slot <= ?"  # noqa: S608
_FORGET_HOURS = f"DELETE FROM sla_adjusted_hours WHERE {_OF_PAIR} AND hour_start >= ? AND hour_start < ?"  # noqa: S608
_FORGET_DAY = f"DELETE FROM sla_adjusted_days WHERE {_OF_PAIR} AND day_start = ?"  # noqa: S608
_BETWEEN = f"SELECT * FROM sla_adjusted_slots WHERE {_OF_PAIR} AND slot >= ? AND slot <= ?"  # noqa: S608
_COMPOSITE = f"""{_SLOTS} actual_value, state, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_AT_ONCE = 86_400  # seconds of composites' slots that are held in memory together


@dataclass(frozen=True, slots=True)
class _Series:
    pair: Pair
    definition: StoredDefinition
    component: str


class AdjustmentStore:
    """The tables sla_adjusted_slots, sla_adjusted_hours and sla_adjusted_days."""

    def __init__(
        self, engine: Engine, definitions: DefinitionStore, exclusions: ExclusionStore, rollups: RollupStore
    ) -> None:
        self._engine = engine
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
        touched: list[_Series] = []
        composites = {each.id for each in self._definitions.all().values() if each.members}
        plain = [each for each in self.series() if each.definition.id not in composites]
        for each in plain:
            if self._slots(each, start, end):
                touched.append(each)
        touched += self._composites(start, end, {each.definition.id for each in touched})
        self.sum_up(start, end, [each for each in touched if each.definition.id not in composites])
        return [(each.pair, each.definition) for each in touched]

    def _slots(self, series: _Series, start: int, end: int) -> bool:
        """One series. Returns whether it has, or had, anything of the kind."""
        pair = series.pair
        covered = self._exclusions.in_force().covered(series.definition.id, series.component)
        spans = covered.within(start, end)
        had = self._engine.row(
            _HAD,
            (*pair, start, end, *pair, start - HOUR_SECONDS + 1, end),
        )["rows"]
        if not spans and not had:
            return False
        kept = self._rollups.marks().slots_after or 0
        self._engine.execute(
            _FORGET_SLOTS,
            (*pair, max(start, kept), end),
        )
        good = series.definition.policy.maintenance is Maintenance.COUNTED_GOOD
        self._engine.executemany(
            _GOOD if good else _EXCLUDED,
            [(*pair, max(begin, kept), until) for begin, until in spans if until > kept],
        )
        if start < kept:
            old = min(end, kept)
            self._engine.execute(
                _FORGET_HOURS,
                (*pair, start, old),
            )
            self._engine.executemany(
                _HOURS_GOOD if good else _HOURS_EXCLUDED,
                [(*pair, begin, min(until, old)) for begin, until in spans if begin < old],
            )
        return True

    # --- with the rows, inside their transaction

    def stored(self, placed: Sequence[tuple[Pair, Measurement]]) -> list[tuple[Pair, Measurement]]:
        """Rows were stored: the same rows as they count. Makes no statement where nothing is excluded."""
        in_force = self._exclusions.in_force()
        if not in_force.spans or not placed:
            return list(placed)
        slots = [row.slot for _, row in placed]
        if not in_force.touch(min(slots) - 1, max(slots)):
            return list(placed)
        by_key = self._definitions.all()
        touched: set[int] = set()
        if any(by_key[row.key].members for _, row in placed):
            touched.update(in_force.targets)
        for pair, row in placed:
            definition = by_key[row.key]
            if definition.members or not in_force.covered(definition.id, row.component).holds(row.slot):
                continue
            self._engine.execute(_FORGET_SLOTS, (*pair, row.slot - 1, row.slot))
            good = definition.policy.maintenance is Maintenance.COUNTED_GOOD
            self._engine.execute(_GOOD if good else _EXCLUDED, (*pair, row.slot - 1, row.slot))
            touched.add(definition.id)
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
        """Slots of composites are judged again where a member counts otherwise than it was measured."""
        stored = list(self._definitions.all().values())
        keys = {each.id: each for each in stored}
        wanted = [
            each
            for each in stored
            if each.members and any(_is_member(each, keys[number]) for number in touched)
        ]
        if not wanted:
            return []
        kept = self._rollups.marks().slots_after or 0
        series = self.series(each.id for each in wanted)
        for begin in range(max(start, kept), end, _AT_ONCE):
            until = min(begin + _AT_ONCE, end)
            for each in series:
                self._engine.execute(
                    _FORGET_SLOTS,
                    (*each.pair, begin, until),
                )
            rows: dict[int, list[Row]] = {}
            for row in self._engine.rows(_MEMBERS, (begin, until)):
                rows.setdefault(row["slot"], []).append(row)
            made = [
                (*each.pair, slot, *_judged(each.definition, found, keys))
                for slot, found in rows.items()
                for each in series
                if any(row["sla_id"] == each.definition.id for row in found)
                and any(
                    row["instead"] is not None and _is_member(each.definition, keys[row["sla_id"]])
                    for row in found
                )
            ]
            self._engine.executemany(_COMPOSITE, made)
        return series

    # --- hours and days

    def sum_up(self, start: int, end: int, series: Iterable[_Series] | None = None) -> None:
        """Hours and days of [start, end) as they count, where that differs; in the caller's transaction."""
        in_force = self._exclusions.in_force()
        if series is None:
            if not in_force.touch(start - 2 * _AT_ONCE, end):
                return
            series = [
                each
                for each in self.series(in_force.targets)
                if in_force.covered(each.definition.id, each.component).seconds(start - 2 * _AT_ONCE, end)
            ]
        marks, phase = self._rollups.marks(), self._rollups.phase
        begin, until = hour(start, phase), hour(end + HOUR_SECONDS - 1, phase)
        gone = marks.slots_after or 0
        first = max(begin, gone)
        last = min(until, marks.hours_until or 0)
        for each in series:
            pair = each.pair
            if first < last:
                self._engine.execute(
                    _FORGET_HOURS,
                    (*pair, first, last),
                )
                self._engine.execute(_HOURS_OF_SLOTS, (*pair, first, last))
            self._days(pair, begin, until)

    def _days(self, pair: Pair, start: int, end: int) -> None:
        marks = self._rollups.marks()
        days = self._engine.rows(
            f"SELECT day_start, day_end FROM sla_daily_summaries WHERE {_OF_PAIR}"  # noqa: S608
            " AND day_end > ? AND day_start < ? ORDER BY day_start",
            (*pair, start, end),
        )
        for row, after in zip_longest(days, days[1:]):
            begin, until = row["day_start"], row["day_end"]
            if after is not None:  # a day may be in two parts
                until = min(until, after["day_start"])
            if begin < (marks.hours_after or 0) and begin < (marks.slots_after or 0):
                continue  # only the day is left: it stays as it is
            self._engine.execute(
                _FORGET_DAY,
                (*pair, begin),
            )
            sql = _DAY_OF_SLOTS if begin >= (marks.slots_after or 0) else _DAY_OF_HOURS
            self._engine.execute(sql, (begin, *self._rollups.breaches_of(begin, until), *pair, begin, until))


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


def _is_member(composite: StoredDefinition, definition: StoredDefinition) -> bool:
    return not definition.members and any(
        member.includes(definition.key, definition.category) for member in composite.members
    )


def _judged(
    composite: StoredDefinition, rows: Sequence[Row], definitions: Mapping[int, StoredDefinition]
) -> tuple[float, float, float, float | None, int, int]:
    """The columns of a slot of a composite, from its members' rows as they count."""
    parts = []
    for row in rows:
        member = definitions[row["sla_id"]]
        if _is_member(composite, member):
            counted = Part(member.key, member.category, row["good"], row["total"], row["coverage"])
            if part := slot_part(counted, row["state"]):
                parts.append(part)
    if not parts:
        return 0.0, 0.0, 0.0, None, State.EXCLUDED, Status.EXCLUDED
    found = score(composite.members, parts)
    coverage = min(found.coverage, 1.0)
    unjudged = None
    if coverage <= 0:
        unjudged = State.NO_DATA
    elif coverage < MINIMUM_COVERAGE:
        unjudged = State.PARTIAL
    elif found.ratio is None:
        unjudged = State.NO_TRAFFIC
    if found.ratio is None or unjudged is not None:
        state = unjudged or State.NO_TRAFFIC
        return 0.0, 0.0, coverage, found.ratio, state, Status[state.name]
    kept = meets(composite.comparison, composite.target_value, found.ratio)
    used = allowance_used(composite.comparison, composite.target_value, found.ratio, composite.unit)
    state = State.MET if kept else State.BREACHED
    return float(kept), 1.0, coverage, found.ratio, state, judged_status(kept=kept, used=used)
