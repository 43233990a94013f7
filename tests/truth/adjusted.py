"""The months with time that does not count and with corrections: the ledger's figures, and by hand.

A window that is added afterwards, one that recurs through the clock change, and corrections of single slots
and of a range: made, compared, and revoked again in another order, after which every figure is what it was.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

from sla_worker.database import SLADatabase
from sla_worker.model import CountsAs, Planned, Scope, Wrong
from sla_worker.occurrences import occurrences
from truth.months import Month, differences_of, opened
from truth.world_counts import Truth

HOUR_SECONDS = 3600
_TABLES = (
    # One that windows cut and joined again may have another number.
    "SELECT sla_id, component_id, started_at, ended_at, target_value, worst_value, severity"
    " FROM sla_breaches WHERE ended_at IS NULL OR ended_at > started_at ORDER BY 1, 2, 3",
    *(
        f"SELECT * FROM {name} ORDER BY 1, 2, 3"  # noqa: S608 - constants
        for name in (
            "sla_measurements",
            "sla_hours",
            "sla_daily_summaries",
            "sla_adjusted_slots",
            "sla_adjusted_hours",
            "sla_adjusted_days",
        )
    ),
)
_RULE = "FREQ=DAILY"
_FIRST, _LAST = dt.time(2, 30), dt.time(3, 30)  # in which a clock change lies


class _Adjusted:
    """What is done to a ledger, and what each slot counts then."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.zone = ZoneInfo(truth.world.timezone)
        middle = truth.slots[len(truth.slots) // 2]
        self.window = middle - 1000, middle + 4 * HOUR_SECONDS + 10
        self.begins = dt.datetime.combine(
            dt.datetime.fromtimestamp(truth.slots[0], self.zone).date() + dt.timedelta(days=1), _FIRST
        )
        plain = [each for each in truth.books.forms if not each.members]
        several = [each for each in plain if each.expression is None and not each.policy.no_data_is_bad]
        self.single, self.ranged = several[0], several[1]
        own = sorted(
            (slot, component)
            for (key, component, slot), figures in truth.books.figures.items()
            if key == self.single.key
            and figures.total > 0
            and self.single.policy.in_service(slot, truth.slot_seconds)
        )
        self.slots = dict(own[:: len(own) // 5][:5])
        self.range = truth.slots[20], truth.slots[50]

    def counted(
        self, key: str, component: str, slot: int, good: float, total: float
    ) -> tuple[float, float] | None:
        """By hand: maintenance goes over corrections."""
        begins = slot - self.truth.slot_seconds
        if self.window[0] < slot and begins < self.window[1]:
            return None
        if any(self._recurs(begins + 60 * minute) for minute in range(self.truth.slot_seconds // 60)):
            return None
        if key == self.single.key and self.slots.get(slot) == component:
            return total, total + 3
        if key == self.ranged.key and self.range[0] < slot <= self.range[1] and total > 0:
            return 0, total
        return good, total

    def _recurs(self, moment: int) -> bool:
        local = dt.datetime.fromtimestamp(moment, self.zone)
        return local.replace(tzinfo=None) >= self.begins and _FIRST <= local.time() < _LAST

    def do(self, database: SLADatabase, now: int) -> None:
        who = ("ann", "truth")
        database.maintenance.add(Planned(Scope(), *self.window, *who), now)
        start = int(self.begins.replace(tzinfo=self.zone).timestamp())
        planned = Planned(Scope(), start, start + HOUR_SECONDS, *who, rule=_RULE, zone=self.zone.key)
        times = occurrences(_RULE, planned.start, planned.end, self.zone)
        database.maintenance.add(planned, now, times)
        for slot, component in self.slots.items():
            figures = self.truth.books.figures[self.single.key, component, slot]
            total = float(figures.total)
            step = self.truth.slot_seconds
            database.corrections.add(
                Wrong(
                    self.single.key,
                    slot - step,
                    slot,
                    CountsAs.COUNTS,
                    *who,
                    components=(component,),
                    good=total,
                    total=total + 3,
                ),
                now,
            )
        database.corrections.add(Wrong(self.ranged.key, *self.range, CountsAs.BAD, *who), now)


def adjusted_differences(truth: Truth, ledger: Path) -> list[tuple[str, str, Month, object, object]]:
    """Where a month is not what it is by hand, with all of it; then what its revocation leaves behind."""
    before = _bytes(ledger)
    adjusted = _Adjusted(truth)
    now = truth.slots[-1] + HOUR_SECONDS
    with closing(opened(truth, ledger)) as database:
        adjusted.do(database, now)
        found = differences_of(truth, database, adjusted.counted)
        for each in database.maintenance.all():
            database.maintenance.revoke(each.id, "bob", "truth", now)
        for correction in reversed(database.corrections.all()):
            database.corrections.revoke(correction.id, "bob", "truth", now)
    if found:
        return found
    for sql, former, after in zip(_TABLES, before, _bytes(ledger), strict=True):
        differing = sorted(set(former) ^ set(after), key=repr)[:6]
        assert former == after, f"{sql}: {len(former)} and {len(after)} rows: {differing}"
    return found


def _bytes(ledger: Path) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(ledger)) as connection:
        return [connection.execute(sql).fetchall() for sql in _TABLES]
