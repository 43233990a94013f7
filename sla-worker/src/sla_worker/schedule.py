"""When the summaries and the periodic reports are due. A report is owed once for its period."""

from __future__ import annotations

import datetime as dt
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


class Schedule:
    """Owes the daily report at its hour and stores the summary of a day at midnight.

    What was done is remembered, so that asking again costs no statement until the next time comes.
    """

    def __init__(self, database: SLADatabase, *, zone: ZoneInfo, hour: int) -> None:
        self._database = database
        self._zone = zone
        self._hour = hour
        self._summarised: int | None = None
        self._reported: int | None = None

    def run(self, now: float) -> None:
        """Do what is due at `now` and was not done. Raises DatabaseError; what failed is due again."""
        midnight = int(last_daily(now, self._zone, 0).timestamp())
        if midnight != self._summarised:
            self._database.generate_daily_summary(midnight - DAY_SECONDS)
            self._summarised = midnight
        due = last_daily(now, self._zone, self._hour)
        end = int(due.timestamp())
        if end != self._reported:
            self._owe_daily(due, int(now))
            self._reported = end

    def rows_stored(self) -> None:
        """Rows may have come that are older than the last report time: ask again whether one is owed."""
        self._reported = None

    def _owe_daily(self, due: dt.datetime, now: int) -> None:
        """Owe the report, also when its time passed while the worker was down.

        Only once there are rows older than that time: a fresh ledger has nothing to report.
        """
        end = int(due.timestamp())
        oldest = self._database.oldest_slot()
        if oldest is not None and oldest <= end:
            self._database.outbox.owe_report(DAILY_MAIL, f"daily:{due:%Y-%m-%d}", end, now)
