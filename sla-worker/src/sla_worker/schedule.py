"""When the periodic reports are due, and the sums of days. A report is owed once for its period."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from sla_worker.conventions import DAILY_MAIL
from sla_worker.database import SLADatabase

_DAY_SECONDS = 86_400


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


class Schedule:
    """Owes the daily report at its hour, and has a day summed up that ends without a slot after it.

    Both wait for `settle_seconds`, after which the last slot of their period is stored: at the hour itself it
    would be missing from them. What was done is remembered, so that asking again costs no statement until the
    next time comes.
    """

    def __init__(self, database: SLADatabase, *, zone: ZoneInfo, hour: int, settle_seconds: int) -> None:
        self._database = database
        self._zone = zone
        self._hour = hour
        self._settle_seconds = settle_seconds
        self._summed_up: int | None = None
        self._reported: int | None = None
        self._unread: int | None = None

    def run(self, now: float) -> None:
        """Do what is due at `now` and was not done. Raises DatabaseError; what failed is due again."""
        settled = now - self._settle_seconds
        midnight = int(last_daily(settled, self._zone, 0).timestamp())
        if midnight != self._summed_up:
            self._database.sum_up(midnight)
            self._summed_up = midnight
        due = last_daily(settled, self._zone, self._hour)
        end = int(due.timestamp())
        if end != self._reported and (self._unread is None or self._unread <= end - _DAY_SECONDS):
            self._owe_daily(due, int(now))
            self._reported = end

    def caught_up_after(self, slot: int | None) -> None:
        """The newest slot that a catch-up has still to read; None when none is under way."""
        self._unread = slot

    def rows_stored(self) -> None:
        """Perhaps there are rows older than the last report time now."""
        self._reported = None

    def _owe_daily(self, due: dt.datetime, now: int) -> None:
        """Owe the report, also when its time passed while the worker was down.

        Only once there are rows older than that time: a fresh ledger has nothing to report.
        """
        end = int(due.timestamp())
        oldest = self._database.oldest_slot()
        if oldest is not None and oldest <= end:
            self._database.outbox.owe_report(DAILY_MAIL, f"daily:{due:%Y-%m-%d}", end, now)
