"""What is bad as measured while maintenance lasts, and so may still be bad when it ends."""

from __future__ import annotations

from collections.abc import Iterable

from sla_worker.database.adjustments import AdjustmentStore
from sla_worker.database.definitions import DefinitionStore
from sla_worker.database.engine import Engine
from sla_worker.database.exclusions import ExclusionStore
from sla_worker.database.rows import Pair
from sla_worker.model import BadBefore, Breach, Exclusion, State, StillBad, title

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

    def since(self, breaches: Iterable[Breach]) -> dict[int, BadBefore]:
        """Of breaches that began with the end of maintenance: how it had been bad in it, by their id.

        Slots between that say nothing, such as one with little traffic, part the two no more than they would
        part a breach.
        """
        found: dict[int, BadBefore] = {}
        in_force = self._exclusions.in_force()
        if not in_force.spans:
            return found
        known, components = self._definitions.all(), self._definitions.components()
        for each in breaches:
            sla_id = known[each.key].id
            maintained = in_force.maintained(sla_id, each.component)
            if not maintained.spans:
                continue
            pair = (sla_id, components[each.component])
            before = self._newest(pair, each.started_at)
            if before is None or before[1] != State.BREACHED or not maintained.holds(before[0]):
                continue
            first = self._first(pair, before[0])
            if first is not None:
                spans = maintained.within(before[0] - self._slot_seconds, each.started_at)
                found[each.id] = BadBefore(first - self._slot_seconds, spans[-1][1])
        return found

    def of(self, exclusion: Exclusion, now: int) -> list[StillBad]:
        """What an exclusion covers and is bad in its newest slot, worst since longest first."""
        targets, components = self._exclusions.in_force().targets, exclusion.planned.scope.components
        ids = [
            each.id
            for each in self._definitions.enabled()
            if exclusion.id in targets.get(each.id, ()) and not each.members
        ]
        found = []
        for series in self._adjustments.series(ids):
            if components and series.component not in components:
                continue
            newest = self._newest(series.pair, now)
            if newest is not None and newest[1] == State.BREACHED:
                first = self._first(series.pair, newest[0]) or newest[0]
                found.append(
                    StillBad(title(series.definition.name, series.component), first - self._slot_seconds)
                )
        return sorted(found, key=lambda each: each.since)

    def _newest(self, pair: Pair, until: int) -> tuple[int, int] | None:
        """The newest slot that says anything, and its state; None when there was none lately."""
        recent = until - (_RECENT_SLOTS + 1) * self._slot_seconds
        rows = self._engine.rows(_NEWEST, (*pair, recent, until))
        return (int(rows[0]["slot"]), int(rows[0]["state"])) if rows else None

    def _first(self, pair: Pair, slot: int) -> int | None:
        first = self._engine.row(_FIRST, (*pair, slot, *pair, slot))["first"]
        return None if first is None else int(first)
