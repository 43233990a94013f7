"""The table sla_daily_summaries: one row a day for each SLA and component, made from the ledger."""

from __future__ import annotations

from sla_worker.database.engine import Engine, Row
from sla_worker.database.measurements import SERIES
from sla_worker.database.trust import Trust

DAY_SECONDS = 86_400

_SUMMARISE = f"""
INSERT INTO sla_daily_summaries (day_start, sla_id, component_id, average_value, minimum_value, maximum_value,
                                 good_events, total_events, covered_slots, breaches)
{SERIES}
SELECT ?, m.sla_id, m.component_id, AVG(m.actual_value), MIN(m.actual_value), MAX(m.actual_value),
       SUM(m.good_events), SUM(m.total_events), SUM(m.coverage),
       (SELECT COUNT(*) FROM sla_breaches b WHERE b.sla_id = m.sla_id AND b.component_id = m.component_id
        AND b.started_at < ?
        AND (b.ended_at IS NULL OR (b.ended_at > ? AND b.ended_at > b.started_at)))
FROM series s CROSS JOIN sla_measurements m
WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot > ? AND m.slot <= ?
  AND NOT (m.slot > ? AND m.slot <= ?)
GROUP BY m.sla_id, m.component_id
"""  # noqa: S608 - constants


class SummaryStore:
    """Sums up days."""

    def __init__(self, engine: Engine, trust: Trust) -> None:
        self._engine = engine
        self._trust = trust

    def make(self, day_start: int) -> list[Row]:
        """Sum up the 24 hours from `day_start`, store that, and return its rows.

        `average` is the mean of the slots' values for charts; compliance is `good` ÷ `total`.
        """
        day_end = day_start + DAY_SECONDS
        breaches_before = min(day_end, self._trust.bound())
        with self._engine.transaction():
            # A day that is summed up again may have lost rows that a clock ahead had stored.
            self._engine.execute("DELETE FROM sla_daily_summaries WHERE day_start = ?", (day_start,))
            self._engine.execute(
                _SUMMARISE,
                (day_start, breaches_before, day_start, day_start, day_end, *self._trust.hidden()),
            )
        return self._engine.rows(
            "SELECT d.name, s.* FROM sla_daily_summaries s JOIN sla_definitions d ON d.id = s.sla_id"
            " WHERE s.day_start = ? ORDER BY s.sla_id, s.component_id",
            (day_start,),
        )
