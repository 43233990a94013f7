"""When the periodic reports are due. A report is owed once for its period, however often this is asked."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

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


def last_midnight(now: float, zone: ZoneInfo) -> dt.datetime:
    """The newest midnight at or before `now`, in the zone."""
    return last_daily(now, zone, 0)


def owe_daily(database: SLADatabase, *, now: float, zone: ZoneInfo, hour: int) -> bool:
    """Owe the daily report of the newest report time, also when it passed while the worker was down.

    Only once there are rows older than that time: a fresh ledger has nothing to report. Returns whether a
    report was newly owed.
    """
    due = last_daily(now, zone, hour)
    end = int(due.timestamp())
    oldest = database.oldest_slot()
    if oldest is None or oldest > end:
        return False
    return database.outbox.owe_report("daily", f"daily:{due:%Y-%m-%d}", end, int(now))


def summarise_yesterday(database: SLADatabase, *, now: float, zone: ZoneInfo, done: int | None) -> int:
    """Store the summary of the 24 hours before the newest midnight, unless it is `done` already.

    Returns that midnight (epoch seconds), to be given back as `done`.
    """
    midnight = int(last_midnight(now, zone).timestamp())
    if midnight != done:
        database.generate_daily_summary(midnight - DAY_SECONDS)
    return midnight
