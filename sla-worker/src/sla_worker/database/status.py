"""What holds now: every SLA over a period, from one statement for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sla_worker.composite import Part, score
from sla_worker.database.definitions import DefinitionStore, StoredDefinition
from sla_worker.database.engine import Engine, Row
from sla_worker.database.periods import HOUR_SECONDS, parts
from sla_worker.database.rollups import COUNTS, RollupStore
from sla_worker.database.trust import Trust
from sla_worker.model import SLAStatus, Status, objective_ratio

_SOURCES: dict[str, str] = {
    "slots": f"""
SELECT s.sla_id, s.component_id, SUM(CASE WHEN {COUNTS} THEN m.good_events END) AS good,
       SUM(CASE WHEN {COUNTS} THEN m.total_events END) AS total,
       SUM(CASE WHEN {COUNTS} THEN m.coverage END) AS covered,
       SUM(CASE WHEN {COUNTS} THEN 0 ELSE 1 END) AS left_out
FROM sla_series s CROSS JOIN sla_measurements m
WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot > ? AND m.slot <= ?
  AND NOT (m.slot > ? AND m.slot <= ?)
GROUP BY s.sla_id, s.component_id""",  # noqa: S608 - a constant
    "hours": """
SELECT s.sla_id, s.component_id,
       SUM(h.good_events), SUM(h.total_events), SUM(h.covered_slots), SUM(h.left_out)
FROM sla_series s CROSS JOIN sla_hours h
WHERE h.sla_id = s.sla_id AND h.component_id = s.component_id AND h.hour_start >= ? AND h.hour_start < ?
  AND h.hour_start <= ?
GROUP BY s.sla_id, s.component_id""",
    "days": """
SELECT s.sla_id, s.component_id,
       SUM(d.good_events), SUM(d.total_events), SUM(d.covered_slots), SUM(d.left_out)
FROM sla_series s CROSS JOIN sla_daily_summaries d
WHERE d.sla_id = s.sla_id AND d.component_id = s.component_id AND d.day_start >= ? AND d.day_start < ?
  AND d.day_end <= ?
GROUP BY s.sla_id, s.component_id""",
}
"""The sums of each series over one part of a period, by seeking: the tables are clustered on the series."""

_STATUS = """
WITH sums AS (
    SELECT sla_id, component_id, SUM(good) AS good, SUM(total) AS total, SUM(covered) AS covered,
           SUM(left_out) AS left_out
    FROM ({parts}) AS parts GROUP BY sla_id, component_id
),
ends AS (
    SELECT s.sla_id, s.component_id, s.first_slot,
           (SELECT MAX(m.slot) FROM sla_measurements m
            WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot <= ?
              AND NOT (m.slot > ? AND m.slot <= ?)) AS slot
    FROM sla_series s
)
SELECT e.sla_id, c.name AS component, e.first_slot, e.slot, n.actual_value, n.status,
       COALESCE(u.good, 0) AS good, COALESCE(u.total, 0) AS total, COALESCE(u.covered, 0) AS covered_slots,
       COALESCE(u.left_out, 0) AS left_out, CASE WHEN u.sla_id IS NULL THEN 0 ELSE 1 END AS measured,
       EXISTS (SELECT 1 FROM sla_breaches b WHERE b.sla_id = e.sla_id AND b.component_id = e.component_id
               AND b.ended_at IS NULL AND b.started_at < ?) AS in_breach
FROM ends e
JOIN sla_components c ON c.id = e.component_id
LEFT JOIN sums u ON u.sla_id = e.sla_id AND u.component_id = e.component_id
LEFT JOIN sla_measurements n
    ON n.sla_id = e.sla_id AND n.component_id = e.component_id AND n.slot = e.slot
"""

_NOTHING: Row = {
    "first_slot": None,
    "slot": None,
    "actual_value": None,
    "status": Status.NO_DATA,
    "good": 0.0,
    "total": 0.0,
    "covered_slots": 0.0,
    "left_out": 0,
    "measured": 0,
    "in_breach": 0,
}


class StatusReader:
    """Reads what the other stores have written."""

    def __init__(
        self,
        engine: Engine,
        definitions: DefinitionStore,
        trust: Trust,
        rollups: RollupStore,
        slot_seconds: int,
    ) -> None:
        self._engine = engine
        self._definitions = definitions
        self._trust = trust
        self._rollups = rollups
        self._slot_seconds = slot_seconds

    def over(self, start: int, end: int) -> list[SLAStatus]:
        """Every enabled SLA over the slots in (start, end], in the order of their definition."""
        hidden = self._trust.hidden()
        texts, values = [], []
        for part in parts(start, end, self._rollups.marks(), self._rollups.zone):
            texts.append(_SOURCES[part.source])
            values += [part.start, part.end]
            values += {"slots": hidden, "hours": (part.end - HOUR_SECONDS,), "days": (part.end,)}[part.source]
        if not texts:
            texts, values = [_SOURCES["slots"]], [end, end, *hidden]
        # The first part names the columns, which only that of slots does.
        texts, values = [_SOURCES["slots"], *texts], [0, 0, *hidden, *values]
        rows = self._engine.rows(
            _STATUS.format(parts=" UNION ALL ".join(texts)), (*values, end, *hidden, self._trust.bound())
        )
        found: dict[int, dict[str, Row]] = {}
        for row in rows:
            found.setdefault(row["sla_id"], {})[row["component"]] = row
        statuses = [
            (each, self._status(each, component, row, start, end))
            for each in self._definitions.enabled()
            for component, row in _shown(each, found.get(each.id, {})).items()
        ]
        measured = [
            Part(status.key, status.category, status.good, status.total, status.coverage_ratio)
            for each, status in statuses
            if not each.members
        ]
        names = {status.key: status.name for _, status in statuses}
        return [
            _scored(each, status, measured, names) if each.members else status for each, status in statuses
        ]

    def _status(
        self, definition: StoredDefinition, component: str, row: Row, start: int, end: int
    ) -> SLAStatus:
        first = row["first_slot"]
        begun = start if first is None else max(start, first - self._slot_seconds)
        expected = (end - begun) / self._slot_seconds - row["left_out"]
        return SLAStatus(
            key=definition.key,
            name=definition.name,
            component=component,
            category=definition.category,
            severity=definition.severity,
            unit=definition.unit,
            comparison=definition.comparison,
            target=definition.target_value,
            objective_ratio=objective_ratio(
                definition.comparison, definition.target_value, definition.percentile
            ),
            percentile=definition.percentile,
            actual=row["actual_value"],
            status=Status(row["status"]) if row["slot"] is not None else Status.NO_DATA,
            slot=row["slot"],
            good=row["good"],
            total=row["total"],
            compliance_ratio=row["good"] / row["total"] if row["total"] > 0 else None,
            coverage_ratio=_coverage(row, expected),
            in_breach=bool(row["in_breach"]),
        )


def _coverage(row: Row, expected: float) -> float:
    """Nothing is expected where every slot was left out, out of hours say: then nothing is missing either."""
    if expected > 0:
        return min(float(row["covered_slots"]) / expected, 1.0)
    return 1.0 if row["left_out"] else 0.0


def _scored(
    definition: StoredDefinition, status: SLAStatus, measured: Sequence[Part], names: Mapping[str, str]
) -> SLAStatus:
    """A composite over a period: from its members' sums, never from its own slots."""
    found = score(definition.members, measured)
    return replace(
        status,
        compliance_ratio=found.ratio,
        coverage_ratio=min(found.coverage, 1.0),
        weakest=found.weakest,
        weakest_name=names.get(found.weakest or ""),
        weakest_ratio=found.weakest_ratio,
    )


def _shown(definition: StoredDefinition, found: Mapping[str, Row]) -> dict[str, Row]:
    """The components that were measured in the period; without any, the one that the definition names.

    Slots without any data stand under the component of the definition: that is none of its own where others
    were measured, and its time is theirs. One that the newest slot does not have is gone: it keeps its
    figures, but says nothing about now.
    """
    measured = {name: row for name, row in found.items() if row["measured"]}
    if not measured:
        return {definition.component: found.get(definition.component, _NOTHING)}
    newest = max((row["slot"] for row in measured.values() if row["slot"] is not None), default=None)
    named = measured.get(definition.component)
    if named is not None and not named["covered_slots"] and len(measured) > 1:
        del measured[definition.component]
        measured = _with_time_before(measured, named)
    gone = {"actual_value": None, "status": Status.NO_DATA}
    return {name: row if row["slot"] == newest else {**row, **gone} for name, row in measured.items()}


def _with_time_before(measured: Mapping[str, Row], unmeasured: Row) -> dict[str, Row]:
    """What the slots without any data add to the components that came first: time that was not measured.

    Without it an SLA that is split would seem to be covered better than one that is not. A component that
    came later joined then, and has missed nothing.
    """
    first = min(row["first_slot"] for row in measured.values())
    return {
        name: {
            **row,
            "first_slot": min(first, unmeasured["first_slot"]),
            "left_out": row["left_out"] + unmeasured["left_out"],
        }
        if row["first_slot"] == first
        else row
        for name, row in measured.items()
    }
