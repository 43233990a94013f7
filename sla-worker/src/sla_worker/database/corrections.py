"""The record of corrections: of which slots, what counts instead, who said so, and who revoked it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sla_worker.database.definitions import DefinitionStore
from sla_worker.database.engine import Engine, Row
from sla_worker.model import Correction, CountsAs, Wrong

_COLUMNS = (
    "id, sla_id, components, start_at, end_at, kind, good_events, total_events, author, reason, created_at,"
    " revoked_at, revoked_by, revoke_reason"
)


class CorrectionStore:
    """The table sla_corrections."""

    def __init__(self, engine: Engine, definitions: DefinitionStore) -> None:
        self._engine = engine
        self._definitions = definitions

    def all(self) -> list[Correction]:
        """Every correction, those that were revoked too, in the order in which they were made."""
        return self._read("")

    def in_force(self) -> list[Correction]:
        """Those that are not revoked."""
        return self._read("WHERE revoked_at IS NULL ")

    def _read(self, where: str) -> list[Correction]:
        rows = self._engine.rows(f"SELECT {_COLUMNS} FROM sla_corrections {where}ORDER BY id")  # noqa: S608
        if not rows:
            return []
        keys = {each.id: each.key for each in self._definitions.all().values()}
        return [_correction(row, keys[row["sla_id"]]) for row in rows]

    # --- writing, inside the caller's transaction

    def add(self, wrong: Wrong, span: tuple[int, int], now: int) -> int:
        """Record a correction. Returns its id."""
        number = self._engine.next_id("sla_corrections")
        self._engine.execute(
            "INSERT INTO sla_corrections"
            " (id, sla_id, components, start_at, end_at, kind, good_events, total_events, author, reason,"
            " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                self._definitions.get(wrong.sla).id,
                json.dumps(wrong.components),
                *span,
                str(wrong.counts_as),
                wrong.good,
                wrong.total,
                wrong.author,
                wrong.reason,
                now,
            ),
        )
        return number

    def revoke(self, number: int, by: str, reason: str, now: int) -> None:
        """It corrects nothing from now on, and stays in the record."""
        self._engine.execute(
            "UPDATE sla_corrections SET revoked_at = ?, revoked_by = ?, revoke_reason = ? WHERE id = ?",
            (now, by, reason, number),
        )


def touching(corrections: Sequence[Correction], start: int, end: int) -> list[Correction]:
    """Those of which a slot ends in (start, end]."""
    return [each for each in corrections if each.start < end and each.end > start]


def _correction(row: Row, key: str) -> Correction:
    return Correction(
        id=row["id"],
        sla=key,
        start=row["start_at"],
        end=row["end_at"],
        counts_as=CountsAs(row["kind"]),
        author=row["author"],
        reason=row["reason"],
        created_at=row["created_at"],
        components=tuple(json.loads(row["components"])),
        good=row["good_events"],
        total=row["total_events"],
        revoked_at=row["revoked_at"],
        revoked_by=row["revoked_by"],
        revoke_reason=row["revoke_reason"],
    )
