"""The rows of the ledger as they were stored, one by one."""

from __future__ import annotations

from collections.abc import Iterator

from sla_worker.database.definitions import DefinitionStore
from sla_worker.database.engine import Engine, Row
from sla_worker.database.trust import Trust
from sla_worker.model import Measurement, State, Status

_TO_COME = 2**53  # no slot is later
_NEWEST = """
SELECT * FROM sla_measurements WHERE sla_id = ? AND slot > ? AND slot <= ? AND slot <= ?
  AND (slot < ? OR component_id > ?) AND NOT (slot > ? AND slot <= ?)
ORDER BY slot DESC, component_id LIMIT ?
"""
# By seeking: the table is clustered on the series.
_BETWEEN = """
SELECT m.* FROM sla_series s CROSS JOIN sla_measurements m
WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot > ? AND m.slot <= ?
  AND NOT (m.slot > ? AND m.slot <= ?)
ORDER BY m.slot, m.sla_id, m.component_id
"""


class RowReader:
    """Reads what counts: rows of a clock that ran ahead do not."""

    def __init__(self, engine: Engine, definitions: DefinitionStore, trust: Trust) -> None:
        self._engine = engine
        self._definitions = definitions
        self._trust = trust

    def newest(
        self,
        key: str,
        limit: int,
        *,
        start: int = 0,
        end: int = _TO_COME,
        after: tuple[int, int] = (_TO_COME, 0),
    ) -> list[Measurement]:
        """The newest rows of an SLA's key, newest first, at most `limit`; empty for an unknown key.

        Of the slots in (start, end]; those that come `after` a slot and the number of a component.
        """
        known = self._definitions.all().get(key)
        if known is None:
            return []
        values = (known.id, start, end, after[0], *after, *self._trust.hidden(), limit)
        return list(self._measurements(_NEWEST, values))

    def between(self, start: int, end: int) -> Iterator[Measurement]:
        """Every row of the slots in (start, end], slot by slot."""
        return self._measurements(_BETWEEN, (start, end, *self._trust.hidden()))

    def _measurements(self, statement: str, values: tuple[int, ...]) -> Iterator[Measurement]:
        keys = {each.id: key for key, each in self._definitions.all().items()}
        names = {number: name for name, number in self._definitions.components().items()}
        for row in self._engine.rows(statement, values):
            yield _measurement(row, keys[row["sla_id"]], names[row["component_id"]])


def _measurement(row: Row, key: str, component: str) -> Measurement:
    return Measurement(
        key=key,
        component=component,
        slot=row["slot"],
        good=row["good_events"],
        total=row["total_events"],
        coverage=row["coverage"],
        actual=row["actual_value"],
        target=row["target_value"],
        state=State(row["state"]),
        status=Status(row["status"]),
        late=bool(row["late"]),
        final=bool(row["final"]),
    )
