"""What is bad as measured while maintenance lasts, and so may still be bad when it ends."""

from __future__ import annotations

from collections.abc import Iterable

from sla_worker.database.adjustments import AdjustmentStore
from sla_worker.database.definitions import DefinitionStore
from sla_worker.database.engine import Engine
from sla_worker.database.exclusions import ExclusionStore
from sla_worker.database.rows import Pair
from sla_worker.model import Breach, Exclusion, State, StillBad, title

# The newest slot that says anything, not older than some slots.
_NEWEST = """
SELECT slot, state FROM sla_measurements
WHERE sla_id = ? AND component_id = ? AND slot > ? AND slot <= ? AND state IN (0, 1)
ORDER BY slot DESC LIMIT 1
"""
# The first bad slot after the last good one.
_FIRST = """
SELECT MIN(m.slot) AS first FROM sla_measurements m
WHERE m.sla_id = ? AND m.component_id = ? AND m.state = 1 AND m.slot <= ? AND m.slot > COALESCE((
    SELECT MAX(g.slot) FROM sla_measurements g
    WHERE g.sla_id = ? AND g.component_id = ? AND g.state = 0 AND g.slot <= ?), 0)
"""
_RECENT_SLOTS = 3


class Lingering:
    """Reads what was measured, whatever counts instead."""

    def __init__(
        self,
        engine: Engine,
        *,
        definitions: DefinitionStore,
        exclusions: ExclusionStore,
        adjustments: AdjustmentStore,
        slot_seconds: int,
    ) -> None:
        self._engine = engine
        self._definitions = definitions
        self._exclusions = exclusions
        self._adjustments = adjustments
        self._slot_seconds = slot_seconds

    def since(self, breaches: Iterable[Breach]) -> dict[int, int]:
        """Of breaches that began with the end of maintenance: since when it had been bad, by their id."""
        found: dict[int, int] = {}
        in_force = self._exclusions.in_force()
        if not in_force.spans:
            return found
        known, components = self._definitions.all(), self._definitions.components()
        for each in breaches:
            sla_id = known[each.key].id
            if not in_force.maintained(sla_id, each.component).holds(each.started_at):
                continue
            first = self._first((sla_id, components[each.component]), each.started_at)
            if first is not None:
                found[each.id] = first - self._slot_seconds
        return found

    def of(self, exclusion: Exclusion, now: int) -> list[StillBad]:
        """What an exclusion covers and is bad in its newest slot, worst since longest first."""
        targets, components = self._exclusions.in_force().targets, exclusion.planned.scope.components
        ids = [
            each.id
            for each in self._definitions.enabled()
            if exclusion.id in targets.get(each.id, ()) and not each.members
        ]
        recent = now - (_RECENT_SLOTS + 1) * self._slot_seconds
        found = []
        for series in self._adjustments.series(ids):
            if components and series.component not in components:
                continue
            rows = self._engine.rows(_NEWEST, (*series.pair, recent, now))
            if rows and rows[0]["state"] == State.BREACHED:
                first = self._first(series.pair, rows[0]["slot"]) or rows[0]["slot"]
                found.append(
                    StillBad(title(series.definition.name, series.component), first - self._slot_seconds)
                )
        return sorted(found, key=lambda each: each.since)

    def _first(self, pair: Pair, slot: int) -> int | None:
        first = self._engine.row(_FIRST, (*pair, slot, *pair, slot))["first"]
        return None if first is None else int(first)
