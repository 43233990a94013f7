"""The last 90 days of each SLA as signs, kept as long as nothing of them changes."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sla_worker.database import SLADatabase
from sla_worker.render.signs import QUIET, sign

DAYS = 90
_FRESH_SECONDS = 2 * 86_400  # the newest days are read every time: slots of theirs may still arrive
# A change of one of these tables may change a day that is over; its slots are summed up in the first.
_TABLES = (
    "sla_daily_summaries",
    "sla_adjusted_days",
    "sla_exclusions",
    "sla_exclusion_spans",
    "sla_exclusion_slas",
    "sla_corrections",
    "sla_definitions",
    "sla_versions",
    "sla_series",
    "ledger",
)
Place = tuple[str, str]  # key and component
_Day = tuple[Sequence[Place], str]


@dataclass(frozen=True, slots=True)
class Strips:
    """`first` and `last` are the days at the ends, `signs` those of each SLA and component, oldest first."""

    first: dt.date
    last: dt.date
    signs: Mapping[Place, str]

    def of(self, key: str, component: str) -> str:
        """The strip of one that may have none."""
        return self.signs.get((key, component), QUIET * DAYS)


class Days:
    """Reads them. What it keeps is no older than the last change of the ledger that concerns it."""

    def __init__(self, database: SLADatabase, zone: ZoneInfo) -> None:
        self._database = database
        self._zone = zone
        self._lock = threading.Lock()
        self._stamp: object = None
        self._kept: dict[int, _Day] = {}
        self._places: Sequence[Place] = ()  # of the day that was read last: most days have the same

    def read(self, now: int) -> Strips:
        """The 90 days up to and with that of `now`; the last one is not over."""
        today = dt.datetime.fromtimestamp(now, self._zone).date()
        days = [today - dt.timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
        starts = [self._midnight(each) for each in days]
        with self._lock:
            stamp = self._database.changes(_TABLES)
            if stamp != self._stamp:
                self._kept.clear()
            self._stamp = stamp
            self._kept = {start: each for start, each in self._kept.items() if start >= starts[0]}
            begun = self._database.begun_at() or now
            ends = [*starts[1:], self._database.period_end(now)]
            found = [self._day(start, end, begun, now) for start, end in zip(starts, ends, strict=True)]
        by_day = [dict(zip(places, signs, strict=True)) for places, signs in found]
        places = dict.fromkeys(place for each in reversed(by_day) for place in each)
        signs = {place: "".join(each.get(place, QUIET) for each in by_day) for place in places}
        return Strips(days[0], today, signs)

    def _day(self, start: int, end: int, begun: int, now: int) -> _Day:
        if start in self._kept:
            return self._kept[start]
        begin, until = self._database.grid.slot_before(start), self._database.grid.slot_before(end)
        if begin >= until or end <= begun:
            return (), ""
        statuses = self._database.status_of_period(begin, until)
        places = tuple((each.key, each.component) for each in statuses)
        if places == self._places:
            places = self._places
        self._places = places
        found = places, "".join(sign(each) for each in statuses)
        if end + _FRESH_SECONDS <= now:
            self._kept[start] = found
        return found

    def _midnight(self, day: dt.date) -> int:
        return int(dt.datetime.combine(day, dt.time(), tzinfo=self._zone).timestamp())
