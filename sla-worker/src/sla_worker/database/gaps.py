"""Slots that are missing before the newest one of an SLA, which is stored before them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sla_worker.database.engine import Engine

Gap = tuple[int, int]  # the first and the last slot that are missing


class GapStore:
    """The table sla_gaps, mirrored in memory."""

    def __init__(self, engine: Engine, slot_seconds: int) -> None:
        self._engine = engine
        self._slot_seconds = slot_seconds
        self._known: dict[int, tuple[Gap, ...]] | None = None
        engine.on_reset(self._forget)

    def of(self, sla_id: int) -> tuple[Gap, ...]:
        """The gaps of one SLA, oldest first."""
        return self.all().get(sla_id, ())

    def stored(self, sla_id: int, slots: Iterable[int], last: int | None) -> None:
        """Slots were stored, inside the caller's transaction: what lies between `last` and them is missing.

        `last` is the slot after which the next ones were due; None: they are not the next ones.
        """
        slots = sorted(set(slots))
        known = gaps = self.of(sla_id)
        if last is not None and slots[-1] > last + self._slot_seconds:
            gaps = (*gaps, (last + self._slot_seconds, slots[-1] - self._slot_seconds))
        gaps = without(gaps, slots, self._slot_seconds) if gaps else gaps
        if gaps != known:
            self._write(sla_id, gaps)

    def _write(self, sla_id: int, gaps: tuple[Gap, ...]) -> None:
        self._engine.execute("DELETE FROM sla_gaps WHERE sla_id = ?", (sla_id,))
        self._engine.executemany(
            "INSERT INTO sla_gaps (sla_id, first_slot, last_slot) VALUES (?, ?, ?)",
            [(sla_id, *gap) for gap in gaps],
        )
        self._known = {**self.all(), sla_id: gaps}

    def all(self) -> dict[int, tuple[Gap, ...]]:
        """The gaps of every SLA that has some or had some, by its id."""
        with self._engine.exclusive():
            if self._known is None:
                found: dict[int, tuple[Gap, ...]] = {}
                for row in self._engine.rows("SELECT * FROM sla_gaps ORDER BY sla_id, first_slot"):
                    gap = row["first_slot"], row["last_slot"]
                    found[row["sla_id"]] = (*found.get(row["sla_id"], ()), gap)
                self._known = found
            return self._known

    def _forget(self) -> None:
        self._known = None


def without(gaps: Iterable[Gap], slots: Sequence[int], step: int) -> tuple[Gap, ...]:
    """The gaps, oldest first and none twice, less `slots`, which are ascending multiples of `step`."""
    left: list[Gap] = []
    for first, last in sorted(gaps):
        begin = max(first, left[-1][1] + step) if left else first  # two that overlap are one
        for slot in slots:
            if begin <= slot <= last:
                if begin < slot:
                    left.append((begin, slot - step))
                begin = slot + step
        if begin <= last:
            left.append((begin, last))
    return tuple(left)
