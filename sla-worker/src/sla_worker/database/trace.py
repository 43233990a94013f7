"""Where a figure comes from: the versions, sums, rows and replaced rows behind one SLA over one period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sla_worker.database.adjustments import BESIDE
from sla_worker.database.definitions import DefinitionStore
from sla_worker.database.engine import Engine, Row
from sla_worker.database.exclusions import ExclusionStore
from sla_worker.database.judging import judged_by
from sla_worker.database.rollups import RollupStore
from sla_worker.database.status import StatusReader
from sla_worker.database.versions import at
from sla_worker.exclusions import Covered
from sla_worker.model import Breach, Correction, Definition, SLAStatus, State, Status

MOST_ROWS = 300
"""So many rows of slots, and replaced rows, are given; of a longer period their number alone."""

_ROWS = f"""
FROM sla_measurements m JOIN sla_components c ON c.id = m.component_id {BESIDE}
WHERE m.sla_id = ? AND m.slot > ? AND m.slot <= ?
"""
_COUNTED = ", a.good_events AS counted_good, a.total_events AS counted_total, a.state AS counted_state"
_AS_IT_COUNTS = """COALESCE(a.state, m.state) AS state, COALESCE(a.good_events, m.good_events) AS good,
    COALESCE(a.total_events, m.total_events) AS total, COALESCE(a.coverage, m.coverage) AS coverage,
    CASE WHEN a.state IS NULL THEN m.actual_value ELSE a.actual_value END AS actual,
    a.state IS NOT NULL AS adjusted, m.state AS measured_state, m.coverage AS measured_coverage,
    m.actual_value AS measured_actual, m.good_events AS measured_good, m.total_events AS measured_total"""
_ANNULLED = """
SELECT b.id, d.name, d.key, c.name AS component, d.description, b.severity, b.target_value AS target,
       n.worst_value AS worst, n.start_at AS started_at, n.end_at AS ended_at
FROM sla_annulled_breaches n JOIN sla_breaches b ON b.id = n.breach_id
JOIN sla_definitions d ON d.id = b.sla_id JOIN sla_components c ON c.id = b.component_id
WHERE b.sla_id = ? ORDER BY n.start_at
"""
_REPLACED = """
FROM sla_measurement_audit m JOIN sla_components c ON c.id = m.component_id
WHERE m.sla_id = ? AND m.slot > ? AND m.slot <= ?
"""
_SAID = (
    "m.slot, c.name AS component, m.good_events AS good, m.total_events AS total, m.coverage,"
    " m.actual_value AS actual, m.target_value AS target, m.state, m.status, m.late, m.final, m.stored_at"
)


@dataclass(frozen=True, slots=True)
class CountedSlot:
    """A slot of one component as it counts, beside what was measured and whether that was changed.

    `adjusted`: maintenance or a correction stands in place of what was measured.
    """

    component: str
    slot: int
    state: State
    good: float
    total: float
    coverage: float
    actual: float | None
    adjusted: bool
    measured_state: State
    measured_coverage: float
    measured_actual: float | None
    measured_good: float
    measured_total: float


@dataclass(frozen=True, slots=True)
class Trace:
    """What stands behind the figures of one SLA over the slots that end in (start, end].

    `statuses` are the figures, one a component, as everything else shows them. `parts` add up to their good
    and total events: sums of days, hours or slots, each judged by one version. `rows` are None where there
    are more than `MOST_ROWS`.
    """

    key: str
    start: int
    end: int
    statuses: tuple[SLAStatus, ...]
    versions: tuple[dict[str, Any], ...]
    parts: tuple[dict[str, Any], ...]
    row_count: int
    rows: tuple[dict[str, Any], ...] | None
    replaced_count: int
    replaced: tuple[dict[str, Any], ...]


class Tracer:
    """Reads what the other stores have written."""

    def __init__(
        self,
        engine: Engine,
        definitions: DefinitionStore,
        rollups: RollupStore,
        status: StatusReader,
        exclusions: ExclusionStore,
    ) -> None:
        self._engine = engine
        self._definitions = definitions
        self._rollups = rollups
        self._status = status
        self._exclusions = exclusions

    def trace(self, key: str, start: int, end: int) -> Trace:
        """Everything about one SLA. Raises DatabaseError for an unknown key."""
        sla_id = self._definitions.get(key).id
        where = (sla_id, start, end)
        rows = self._count(_ROWS, where)
        return Trace(
            key=key,
            start=start,
            end=end,
            statuses=tuple(each for each in self._status.over(start, end) if each.key == key),
            versions=self._versions(sla_id, start, end),
            parts=self._parts(sla_id, start, end),
            row_count=rows,
            rows=self._rows(_ROWS, _SAID + _COUNTED, where) if rows <= MOST_ROWS else None,
            replaced_count=self._count(_REPLACED, where),
            replaced=self._rows(_REPLACED, f"{_SAID}, m.replaced_at, m.reason", where),
        )

    def slots(self, key: str, start: int, end: int) -> list[CountedSlot]:
        """Every slot of an SLA that ends in (start, end], in their order."""
        return [
            CountedSlot(
                **{
                    **row,
                    "state": State(row["state"]),
                    "measured_state": State(row["measured_state"]),
                    "adjusted": bool(row["adjusted"]),
                },
            )
            for row in self._engine.rows(
                f"SELECT c.name AS component, m.slot, {_AS_IT_COUNTS} {_ROWS} ORDER BY m.slot",
                (self._definitions.get(key).id, start, end),
            )
        ]

    def changes(self, key: str, component: str) -> tuple[Covered, tuple[Correction, ...]]:
        """The maintenance and the corrections of one component that are in force."""
        in_force, number = self._exclusions.in_force(), self._definitions.get(key).id
        found = in_force.corrections.get(number, ())
        return in_force.maintained(number, component), tuple(
            each for each in found if each.concerns(component)
        )

    def promised(self, key: str, start: int, end: int) -> list[tuple[int, frozenset[tuple[str, str]]]]:
        """What a composite may be made of in (start, end], and since when: SLAs by key and category.

        Its own version stands among them, so that a change of it shows too.
        """
        known, found = self._definitions.versions.all(), list[tuple[int, frozenset[tuple[str, str]]]]()
        own = known[self._definitions.get(key).id]
        for begin, until in self._rollups.pieces(start, end):
            seen_at = max(until, own[0].valid_from + 1)
            slas = {
                (each.key, at(known[each.id], until).category)
                for each in self._definitions.all().values()
                if not each.members
                and known[each.id][0].valid_from < seen_at
                and at(known[each.id], seen_at).enabled
            }
            found.append((begin, frozenset({*slas, (key, f"version {at(own, until).number}")})))
        return found

    def adjusted_slas(self) -> list[str]:
        """The keys of the SLAs in force of which some slot that is kept counts otherwise than measured."""
        known = {each.id: key for key, each in self._definitions.all().items() if each.enabled}
        rows = self._engine.rows("SELECT DISTINCT sla_id FROM sla_adjusted_slots ORDER BY sla_id")
        return [known[row["sla_id"]] for row in rows if row["sla_id"] in known]

    def annulled_breaches(self, key: str) -> list[Breach]:
        """The breaches of an SLA that count nowhere any more, as they were."""
        sla_id, versions = self._definitions.get(key).id, self._definitions.versions
        return [
            Breach(**row, unit=version.unit, comparison=version.comparison)
            for row in self._engine.rows(_ANNULLED, (sla_id,))
            for version in [versions.at(sla_id, row["started_at"] + 1)]
        ]

    def judged_by(self, key: str, slot: int) -> Definition:
        """The definition that judges a slot, by the version in force at its end."""
        versions, sla_id = self._definitions.versions, self._definitions.get(key).id
        return judged_by(versions, versions.at(sla_id, slot), key)

    def counted(self, key: str, first: int, last: int) -> dict[tuple[str, int], dict[str, Any]]:
        """What counts instead of slots from `first` to `last`, by component and slot."""
        names = {number: name for name, number in self._definitions.components().items()}
        return {
            (names[row["component_id"]], row["slot"]): {
                "good": row["good_events"],
                "total": row["total_events"],
                "coverage": row["coverage"],
                "actual": row["actual_value"],
                "state": State(row["state"]).word,
                "status": Status(row["status"]).label,
            }
            for row in self._engine.rows(
                "SELECT * FROM sla_adjusted_slots WHERE sla_id = ? AND slot >= ? AND slot <= ?",
                (self._definitions.get(key).id, first, last),
            )
        }

    def _versions(self, sla_id: int, start: int, end: int) -> tuple[dict[str, Any], ...]:
        """Those that judge a slot of the period, and up to when."""
        versions = self._definitions.versions.of(sla_id)
        ends = [*(each.valid_from for each in versions[1:]), None]
        return tuple(
            {
                "version": each.number,
                "valid_from": each.valid_from if each.number > 1 else None,
                "valid_until": until,
                "in_force": each.enabled,
                "comparison": str(each.comparison),
                "target": each.target_value,
                "unit": each.unit,
                "objective_ratio": each.objective_ratio,
                "made_at": each.made_at,
                "reason": each.reason,
                "hash": each.content_hash,
            }
            for each, until in zip(versions, ends, strict=True)
            if (each.number == 1 or each.valid_from < end) and (until is None or until > start)
        )

    def _parts(self, sla_id: int, start: int, end: int) -> tuple[dict[str, Any], ...]:
        names = {number: name for name, number in self._definitions.components().items()}
        parts = [part for piece in self._rollups.pieces(start, end) for part in self._rollups.parts(*piece)]
        sums = self._status.sums([(part.start, part.end) for part in parts])
        return tuple(
            {
                "from": part.source,
                "start": part.start,
                "end": part.end,
                "version": self._definitions.versions.at(sla_id, part.end).number,
                "component": names[pair[1]],
                "good": each.good,
                "total": each.total,
                "measured_slots": each.covered,
                "left_out_slots": each.left_out,
            }
            for part, found in zip(parts, sums, strict=True)
            for pair, each in sorted(found.items())
            if pair[0] == sla_id
        )

    def _count(self, what: str, where: tuple[int, int, int]) -> int:
        return int(self._engine.row(f"SELECT COUNT(*) AS number {what}", where)["number"])

    def _rows(self, what: str, columns: str, where: tuple[int, int, int]) -> tuple[dict[str, Any], ...]:
        sql = f"SELECT {columns} {what} ORDER BY m.slot, m.component_id LIMIT {MOST_ROWS}"
        return tuple(self._said(where[0], row) for row in self._engine.rows(sql, where))

    def _said(self, sla_id: int, row: Row) -> dict[str, Any]:
        counted = row.get("counted_state")
        said = {} if counted is None else {"counted_state": State(counted).word}
        return (
            row
            | said
            | {
                "state": State(row["state"]).word,
                "status": Status(row["status"]).label,
                "late": bool(row["late"]),
                "final": bool(row["final"]),
                "version": self._definitions.versions.at(sla_id, row["slot"]).number,
            }
        )
