"""The alerts that fired when breaches began; see model/cause.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from sla_worker.database.engine import Engine, Row
from sla_worker.model import BeganBreach, BreachAlert, Causes

_TRIES = 5
_AT_ONCE = 10
_NUMBERS = 500  # of breaches in one statement, which takes some hundreds or thousands
_DUE = """
SELECT b.id, d.key, b.started_at, CASE WHEN c.started_at = b.started_at THEN c.tries ELSE 0 END AS tries
FROM sla_breaches b JOIN sla_definitions d ON d.id = b.sla_id
LEFT JOIN sla_breach_causes c ON c.breach_id = b.id
WHERE (c.breach_id IS NULL OR c.started_at <> b.started_at OR (c.trouble IS NOT NULL AND c.tries < ?))
  AND (b.ended_at IS NULL OR b.ended_at > b.started_at)
ORDER BY b.id DESC LIMIT ?
"""
_STORE = """
INSERT INTO sla_breach_causes (breach_id, started_at, asked_at, tries, trouble, total, alerts)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""


class CauseStore:
    """The table sla_breach_causes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._changed = True
        self.asked = False
        engine.on_reset(self.look_again)

    def look_again(self) -> None:
        """A breach began, or moved."""
        self._changed = True

    def due(self) -> list[BeganBreach]:
        """The newest breaches whose causes are to be asked for; no statement while none has begun."""
        self.asked = True
        if not self._changed:
            return []
        with self._engine.exclusive():
            self._changed = False
            rows = self._engine.rows(_DUE, (_TRIES, _AT_ONCE))
            self._changed = len(rows) == _AT_ONCE
        return [BeganBreach(**row) for row in rows]

    def store(self, breach: BeganBreach, causes: Causes) -> None:
        """Keep what was found; what could not be known is asked for again after the next breach."""
        alerts = json.dumps([asdict(each) for each in causes.alerts], ensure_ascii=False, sort_keys=True)
        with self._engine.transaction():
            self._engine.execute("DELETE FROM sla_breach_causes WHERE breach_id = ?", (breach.id,))
            self._engine.execute(
                _STORE,
                (
                    breach.id,
                    breach.started_at,
                    causes.asked_at,
                    breach.tries + 1,
                    causes.trouble,
                    causes.total,
                    alerts,
                ),
            )

    def of(self, breaches: Sequence[int]) -> dict[int, Causes]:
        """What is kept of some breaches, by their id; one that was not asked for yet is not there."""
        return {
            row["breach_id"]: Causes(
                tuple(BreachAlert(**each) for each in json.loads(row["alerts"])),
                row["total"],
                row["asked_at"],
                row["trouble"],
            )
            for first in range(0, len(breaches), _NUMBERS)
            for row in self._rows_of(breaches[first : first + _NUMBERS])
        }

    def _rows_of(self, breaches: Sequence[int]) -> Sequence[Row]:
        marks = ", ".join("?" * len(breaches))
        return self._engine.rows(
            "SELECT c.* FROM sla_breach_causes c JOIN sla_breaches b"  # noqa: S608 - question marks
            f" ON b.id = c.breach_id AND b.started_at = c.started_at WHERE c.breach_id IN ({marks})",
            tuple(breaches),
        )

    def awaited(self, breach: int) -> bool:
        """Whether a breach's causes are still to be asked for, by somebody who does."""
        return self.asked and not self.of([breach])
