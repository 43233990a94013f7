"""What is deleted once it is older than it is kept: slots, hours and days that are summed up, mails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sla_worker.database.engine import Engine, Row
from sla_worker.database.partitions import Partitions
from sla_worker.database.periods import DAY_SECONDS, midnight
from sla_worker.database.rollups import RollupStore

_DELETED_AT_ONCE = 2 * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Keep:
    """For how many days slots, hours, days and what was mailed are kept; 0: for good.

    Slots in partitions go with the last slot of theirs, so they are kept for some days more.
    """

    slot_days: int = 35
    hour_days: int = 400
    day_days: int = 0
    report_days: int = 400


KEEP = Keep()


class Trimmer:
    """Deletes in small steps. `partitions` are those of the slots; None: this kind of database has none."""

    def __init__(
        self, engine: Engine, rollups: RollupStore, zone: ZoneInfo, keep: Keep, partitions: Partitions | None
    ) -> None:
        self._engine = engine
        self._rollups = rollups
        self._zone = zone
        self._keep = keep
        self._partitions = partitions
        self._trimmed: tuple[int, int] | None = None

    def trim(self, now: float) -> bool:
        """Delete slots, hours and days that are older than they are kept: two days of them in one call.

        Only what is summed up already. Returns whether there is more to delete; asking again makes no
        statement before the next day.
        """
        marks = self._rollups.marks()
        if marks.hours_until is None or marks.days_until is None:
            return False
        summed = min(marks.hours_until, marks.days_until)
        wanted = (
            self._wanted(now, self._keep.slot_days, summed),
            self._wanted(now, self._keep.hour_days, summed),
        )
        if wanted == self._trimmed:
            return False
        found = self._engine.row("SELECT MIN(first_slot) AS slot FROM sla_series")["slot"]
        if found is None:
            return False
        first = midnight(found - 1, self._zone)
        slots = self._slots_until(wanted[0], marks.slots_after, first)
        hours = _next_cut(wanted[1], marks.hours_after, first)
        if slots != marks.slots_after and self._partitions is not None and self._partitions.in_use():
            return False
        pairs = self._engine.rows("SELECT sla_id, component_id FROM sla_series")
        with self._engine.transaction():
            if slots != marks.slots_after:
                self._delete_slots(slots or 0, pairs)
            if hours != marks.hours_after:
                self._delete("sla_hours WHERE hour_start < ?", hours, pairs)
                self._delete("sla_adjusted_hours WHERE hour_start < ?", hours, pairs)
                self._engine.execute("DELETE FROM sla_measurement_audit WHERE slot <= ?", (hours,))
            if self._keep.day_days:
                oldest = int(now) - self._keep.day_days * DAY_SECONDS
                self._engine.execute("DELETE FROM sla_daily_summaries WHERE day_end <= ?", (oldest,))
                self._engine.execute(
                    "DELETE FROM sla_adjusted_days WHERE day_start < ?", (oldest - DAY_SECONDS,)
                )
            self._rollups.mark(replace(marks, slots_after=slots, hours_after=hours))
        done = (slots or 0) >= wanted[0] and (hours or 0) >= wanted[1]
        nothing = (slots, hours) == (marks.slots_after, marks.hours_after)
        self._trimmed = wanted if done or nothing else None
        return self._trimmed is None

    def _wanted(self, now: float, kept_days: int, summed: int) -> int:
        """Up to where to delete, whole days; 0: nothing."""
        return midnight(min(now - kept_days * DAY_SECONDS, summed), self._zone) if kept_days else 0

    def _slots_until(self, wanted: int, before: int | None, first: int) -> int | None:
        """Up to which slot to delete: up to the end of a partition, so that no row is deleted by itself."""
        cut = _next_cut(wanted, before, first)
        if self._partitions is None or cut is None or cut == before or self._has_former(before or 0):
            return cut
        ends = [each.end for each in self._partitions.all() if (before or 0) < each.end <= wanted]
        return max((end for end in ends if end <= cut), default=min(ends, default=before))

    def _has_former(self, after: int) -> bool:
        """Whether slots lie in what was no partition once: from there they are deleted row by row."""
        partitions = self._partitions.all() if self._partitions is not None else []
        return any(each.begin < 0 and each.end > after for each in partitions)

    def _delete_slots(self, until: int, pairs: Iterable[Row]) -> None:
        if self._partitions is None or self._has_former(0):
            self._delete("sla_measurements WHERE slot <= ?", until, pairs)
        if self._partitions is not None:
            self._partitions.drop(until)
        self._delete("sla_adjusted_slots WHERE slot <= ?", until, pairs)

    def _delete(self, what: str, until: int | None, pairs: Iterable[Row]) -> None:
        self._engine.executemany(
            f"DELETE FROM {what} AND sla_id = ? AND component_id = ?",  # noqa: S608 - constants
            [(until, each["sla_id"], each["component_id"]) for each in pairs],
        )


def _next_cut(wanted: int, before: int | None, first: int) -> int | None:
    """Some days further than before, and no further than wanted."""
    since = first if before is None else before
    return before if wanted <= since else min(wanted, since + _DELETED_AT_ONCE)
