"""What is still allowed until the month ends, and where it ends at the rates of the last days.

    still allowed = (1 - objective) · (events so far + days left · mean events of a day) - bad so far
    it ends at = 1 - (bad so far + days left · bad of a day) ÷ (events so far + days left · its events)

The day is the last 24 hours that were measured, and for the range those of the last seven days that lead to
the least and to the most. Its bad events go on with its own number of events: with that of a mean day, one
that had more traffic would be worse than all bad.
"""

from __future__ import annotations

from collections.abc import Collection
from zoneinfo import ZoneInfo

from sla_worker.database import SLADatabase
from sla_worker.database.versions import at
from sla_worker.model import Prospect, SLAStatus, read_details
from sla_worker.spans import month_start

_DAY = 86_400
_DAYS = 7
_TIMES = frozenset({"uptime", "time", "value"})  # whose events are moments
_SECONDS_A_MINUTE = 60
Place = tuple[str, str]
Counts = tuple[float, float]


def outlook(
    database: SLADatabase, end: int, zone: ZoneInfo, count: int, only: Collection[str] | None = None
) -> tuple[Prospect, ...]:
    """The SLAs with the least error budget left at the end of the month, the one that decides first.

    Nothing in the first 24 hours of a month, which say too little. Composites have no events of their own.
    `only`: of the SLAs with these keys.
    """
    begin = month_start(end, zone)
    month_end = month_start(begin + 32 * _DAY, zone)
    if end - begin < _DAY:
        return ()
    spans = [(end - (back + 1) * _DAY, end - back * _DAY) for back in range(_DAYS)]
    days = database.sums_between(spans)
    found = []
    for each in database.status_between(begin, end):
        counts = [day.get((each.key, each.component), (0.0, 0.0)) for day in days]
        own = [day for day in counts if day[1] > 0]
        if only is not None and each.key not in only:
            continue
        if own and each.total > 0 and not database.is_composite(each.key):
            found.append(_prospect(database, each, own, end, month_end))
    return tuple(sorted(found, key=lambda each: each.left_ratio)[:count])


def _prospect(
    database: SLADatabase, status: SLAStatus, days: list[Counts], end: int, month_end: int
) -> Prospect:
    left = (month_end - end) / _DAY
    bad = status.total - status.good
    total = status.total + left * sum(each[1] for each in days) / len(days)
    ends = [1 - (bad + left * (each[1] - each[0])) / (status.total + left * each[1]) for each in days]
    details = read_details(at(database.versions()[status.key], end).details)
    minutes = 1.0
    if is_time := details.kind in _TIMES:
        minutes = status.measured_seconds / _SECONDS_A_MINUTE / status.total
    return Prospect(
        title=status.title,
        month_end=month_end,
        held_to_ratio=status.held_to_ratio,
        bad=bad * minutes,
        allowed=(1 - status.held_to_ratio) * total * minutes,
        unit="min" if is_time else "bad events",
        at_rate_ratio=ends[0],
        worst_ratio=min(ends),
        best_ratio=max(ends),
        days=len(days),
    )
