"""When the summaries and the periodic reports are due. A report is owed once for its period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from sla_worker.conventions import DAILY_MAIL
from sla_worker.database import DAY_SECONDS, SLADatabase


def last_daily(now: float, zone: ZoneInfo, hour: int) -> dt.datetime:
    """The newest report time at or before `now`, in the zone.

    An hour that a clock change skips is taken as the moment the zone's rules give for it.
    """
    local = dt.datetime.fromtimestamp(now, zone)
    due = local.replace(hour=hour, minute=0, second=0, microsecond=0, fold=0)
    if due.timestamp() > now:
        day = local.date() - dt.timedelta(days=1)
        due = dt.datetime.combine(day, dt.time(hour), tzinfo=zone)
    return due


def midnight_after(slot: int, zone: ZoneInfo) -> int:
    """The midnight that ends a slot's day, in epoch seconds; a slot that ends at midnight ends its day."""
    day = dt.datetime.fromtimestamp(slot - 1, zone).date() + dt.timedelta(days=1)
    return int(dt.datetime.combine(day, dt.time(), tzinfo=zone).timestamp())


class Schedule:
    """Owes the daily report at its hour and stores the summary of a day at midnight.

    Both wait for `settle_seconds`, after which the last slot of their period is stored: at the hour itself it
    would be missing from them. What was done is remembered, so that asking again costs no statement until the
    next time comes.

    After a start every day within `catch_up_seconds` is summed up once more: a process that was killed in the
    middle of a catch-up has stored rows and not summed up their days.
    """

    def __init__(
        self, database: SLADatabase, *, zone: ZoneInfo, hour: int, settle_seconds: int, catch_up_seconds: int
    ) -> None:
        self._database = database
        self._zone = zone
        self._hour = hour
        self._settle_seconds = settle_seconds
        self._unknown_seconds = catch_up_seconds  # how far back days may have changed before this start
        self._summarised: int | None = None
        self._changed: set[int] = set()  # the midnights that end days into which rows came
        self._reported: int | None = None

    def run(self, now: float) -> None:
        """Do what is due at `now` and was not done. Raises DatabaseError; what failed is due again."""
        settled = now - self._settle_seconds
        self._look_back(int(settled))
        self._summarise(int(last_daily(settled, self._zone, 0).timestamp()))
        due = last_daily(settled, self._zone, self._hour)
        end = int(due.timestamp())
        if end != self._reported:
            self._owe_daily(due, int(now))
            self._reported = end

    def rows_stored(self, slots: Iterable[int]) -> None:
        """Rows of these slots were stored.

        Their days are summed up once they have ended, again if need be: the last slot of a day may come later
        than usual, and a worker that was away brings days. Perhaps there are rows older than the last report
        time now.
        """
        self._changed |= {midnight_after(slot, self._zone) for slot in set(slots)}
        self._reported = None

    def _look_back(self, now: int) -> None:
        """After a start, count all days that a catch-up may have reached as changed."""
        oldest = self._database.oldest_slot() if self._unknown_seconds else None
        if oldest is not None:
            first = max(oldest, now - self._unknown_seconds)
            # Half a day apart, so that no day of 23 hours is left out.
            self._changed |= {
                midnight_after(slot, self._zone) for slot in range(first, now, DAY_SECONDS // 2)
            }
        self._unknown_seconds = 0

    def _summarise(self, newest: int) -> None:
        """Sum up the day that ended at the midnight `newest`, and the ended days that have changed."""
        changed = {midnight for midnight in self._changed if midnight <= newest}
        for midnight in sorted(changed | ({newest} if newest != self._summarised else set())):
            self._database.generate_daily_summary(midnight - DAY_SECONDS)
            self._changed.discard(midnight)
        self._summarised = newest

    def _owe_daily(self, due: dt.datetime, now: int) -> None:
        """Owe the report, also when its time passed while the worker was down.

        Only once there are rows older than that time: a fresh ledger has nothing to report.
        """
        end = int(due.timestamp())
        oldest = self._database.oldest_slot()
        if oldest is not None and oldest <= end:
            self._database.outbox.owe_report(DAILY_MAIL, f"daily:{due:%Y-%m-%d}", end, now)
