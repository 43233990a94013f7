"""Lord Howe Island: half an hour beside everybody else's hours, and clocks that change by half an hour.

April 2026 has 720.5 hours there: 31 March 13:00 UTC (UTC+11) to 30 April 13:30 (UTC+10:30 since the 5th).
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sla_worker.database import Keep, SLADatabase
from sla_worker.database.periods import midnight
from sla_worker.evaluation import evaluate
from sla_worker.evidence import verify, write_evidence
from sla_worker.grid import Grid
from sla_worker.model import Figures, Planned, Scope
from sla_worker.months import Months
from sla_worker.occurrences import occurrences
from sla_worker.spans import NAMED, read_span, window_start
from unit.sla_worker.databases import Place
from unit.sla_worker.month_ledger import ERRORS

ZONE = ZoneInfo("Australia/Lord_Howe")
STEP = 1800
START, END = 1_774_962_000, 1_777_555_800  # 31 March 13:00 UTC, 30 April 13:30 UTC
BEGIN = START - 86_400  # of the ledger
NOW = END + 86_400
SLOTS = range(BEGIN + STEP, NOW + 1, STEP)
DAY_OF_CHANGE = 1_775_307_600  # 4 April 13:00 UTC, midnight at UTC+11: the 5th has 24.5 hours
RECURS = 1_775_053_800  # 1 April 14:30 UTC: the 2nd at 01:30, which comes twice on the 5th


def figures(slot: int) -> Figures:
    """Each slot has a number of its own, so that no other sum of slots is the same by chance."""
    number = slot // STEP
    return Figures(900 + number % 7, 1000 + number % 977, 1)


@dataclass
class Ledger:
    """A ledger that is filled, and when its daily half hour of maintenance is."""

    database: SLADatabase
    excluded: frozenset[int]

    def sums(self, start: int, end: int) -> tuple[float, float]:
        """Good and total events of the slots in (start, end] that count, added up one by one."""
        found = [figures(slot) for slot in SLOTS if start < slot <= end and slot not in self.excluded]
        return sum(each.good for each in found), sum(each.total for each in found)

    def shown(self, start: int, end: int) -> tuple[float, float]:
        [status] = self.database.status_between(start, end)
        return status.good, status.total


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    clock = [float(BEGIN)]
    keep = Keep(slot_days=3, hour_days=400, day_days=800)
    made = SLADatabase(place.location, grid=Grid(STEP, 15), zone=ZONE, keep=keep, clock=lambda: clock[0])
    with closing(made):
        made.sync_definitions([ERRORS])
        clock[0] = NOW + 60
        made.store([evaluate(ERRORS, slot, figures(slot)) for slot in SLOTS])
        rule = "FREQ=DAILY;COUNT=20"
        planned = Planned(Scope(), RECURS, RECURS + STEP, "ann", "backup", rule=rule, zone=ZONE.key)
        times = occurrences(rule, RECURS, RECURS + STEP, ZONE)
        made.maintenance.add(planned, NOW, times)
        slots = frozenset(
            slot for slot in SLOTS for begin, end in times if begin < slot and slot - STEP < end
        )
        assert len(times) == 20
        yield Ledger(made, slots)


def windows() -> Iterator[tuple[int, int]]:
    for end in (NOW, END, DAY_OF_CHANGE + 49 * STEP):
        for name in NAMED:
            yield window_start(name, end, ZONE) or 0, end
    for text in ("2026-04", "2026-04-04", "2026-04-05", "2026-04-06", "2026-Q2"):
        span = read_span(text, NOW, STEP, ZONE)
        yield span.start, span.end


def test_every_window_is_the_sum_of_its_slots(ledger: Ledger) -> None:
    """Also when they are deleted, but for windows that begin within an hour whose slots are."""
    assert (DAY_OF_CHANGE, DAY_OF_CHANGE + 49 * STEP) in set(windows())
    assert (START, END) in set(windows())
    expected = {window: ledger.sums(*window) for window in windows()}
    assert {window: ledger.shown(*window) for window in expected} == expected
    ledger.database.sum_up(NOW)
    while ledger.database.trim():
        pass
    slots_after = ledger.database.slots_after()
    assert slots_after > END - 5 * 86_400  # of the month nearly no slot is left
    whole = {
        window: sums
        for window, sums in expected.items()
        if all(midnight(each, ZONE) == each or each > slots_after or each <= BEGIN for each in window)
    }
    assert (START, END) in whole
    assert {window: ledger.shown(*window) for window in whole} == whole


def test_the_evidence_of_a_month_that_ends_in_the_middle_of_an_hour(ledger: Ledger, tmp_path: Path) -> None:
    Months(ledger.database, ZONE, unread=dict, provisional=lambda _: {}).turn(NOW + 60)
    month = ledger.database.months.get("2026-04")
    assert month is not None
    assert (month.start, month.end) == (START, END)
    write_evidence(ledger.database, month, tmp_path / "one.zip")
    assert verify(tmp_path / "one.zip") == []
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        counts = list(csv.DictReader(io.StringIO(archive.read("counts.csv").decode())))
        [sla] = json.loads(archive.read("report.json"))["slas"]
    good, total = ledger.sums(START, END)
    assert (sla["good"], sla["total"]) == (good, total)
    assert (sum(float(each["good"]) for each in counts), sum(float(each["total"]) for each in counts)) == (
        good, total,
    )  # fmt: skip
