"""Sums of hours and days that stay in memory: whatever is written, they are what the tables say."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sla_worker.database import SLADatabase
from sla_worker.grid import Grid
from sla_worker.model import Reason
from unit.sla_worker.databases import Place, SQLitePlace
from unit.sla_worker.test_exclusions import BERLIN, DEFINITIONS, ERRORS, START, STEP, exclude, revoke, row

HOURS = (1, 6, 24, 60, 71)


class Ledger:
    """A worker's ledger at `now`, a slot."""

    def __init__(self, place: Place) -> None:
        self.location = place.location
        self.now = 110
        self.database = self._open(read_only=False)
        self.define(0.01)

    def _open(self, *, read_only: bool) -> SLADatabase:
        return SLADatabase(
            self.location, grid=Grid(STEP, 15), zone=BERLIN, clock=self._clock, read_only=read_only
        )

    def _clock(self) -> float:
        return START + self.now * STEP + 60

    def define(self, target: float) -> None:
        self.database.sync_definitions(
            [replace(each, target=target) if each.key == ERRORS.key else each for each in DEFINITIONS]
        )

    def store(self, first: int, last: int, *, reason: Reason = Reason.FIRST, **more: Any) -> None:
        self.database.store([row(number, **more) for number in range(first, last + 1)], reason=reason)

    def agrees(self) -> tuple[float, float]:
        """The same as who opens the ledger now, and so has nothing in memory; the sums of all of it."""
        end = START + self.now * STEP
        starts = [end - hours * 3600 for hours in HOURS]
        found = self.database.status_since(starts, end)
        with contextlib.closing(self._open(read_only=True)) as other:
            assert found == other.status_since(starts, end)
        [whole] = [each for each in found[-1] if each.key == ERRORS.key and each.component == "all"]
        return whole.good, whole.total


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    made = Ledger(place)
    yield made
    made.database.close()


def test_whatever_is_written_the_sums_are_those_of_the_tables(ledger: Ledger) -> None:
    """Slots of half an hour with 10 events each, all good; 142 of them, slot 31 first without, are 71 hours.

    At slot 110 the 71 hours begin before the first row: all rows count.
    """
    ledger.store(1, 30)
    ledger.store(32, 110)
    assert ledger.agrees() == (1090, 1090)
    assert ledger.agrees() == (1090, 1090)
    ledger.store(31, 31, reason=Reason.BACKFILL)  # late, in an hour and a day that are summed up
    assert ledger.agrees() == (1100, 1100)
    ledger.store(5, 5, reason=Reason.RECOMPUTE, good=4)
    assert ledger.agrees() == (1094, 1100)
    maintained = exclude(ledger.database, 5, 8, ERRORS.key)  # two hours with 34 good events of 40
    assert ledger.agrees() == (1060, 1060)
    revoke(ledger.database, maintained)
    assert ledger.agrees() == (1094, 1100)
    ledger.store(40, 41, component="other")  # a series that nobody had seen, and time of long ago
    assert ledger.agrees() == (1094, 1100)
    ledger.now = 111
    ledger.define(0.02)  # holds from slot 112 on: hours and days are cut there
    ledger.store(111, 111)
    assert ledger.agrees() == (1104, 1110)
    for ledger.now in (112, 113, 114, 142):  # hours end, and a day
        ledger.store(ledger.now, ledger.now)
        assert ledger.agrees()[1] == 10 * (ledger.now if ledger.now < 142 else 115)


def test_what_was_read_in_a_transaction_that_failed_is_forgotten(ledger: Ledger) -> None:
    ledger.store(1, 110)
    engine = ledger.database._engine
    with contextlib.suppress(ZeroDivisionError), engine.transaction():
        engine.execute("UPDATE sla_hours SET good_events = 0")
        engine.execute("UPDATE sla_daily_summaries SET good_events = 0")
        spans = [(START, START + 110 * STEP)]
        assert [each.good for found in ledger.database._status.sums(spans) for each in found.values()] == [0]
        raise ZeroDivisionError
    assert ledger.agrees() == (1100, 1100)


def test_within_an_hour_slots_alone_are_summed_up_again(tmp_path: Path) -> None:
    """Slot 111 ends in the middle of an hour, and is read as a slot."""
    ledger = Ledger(SQLitePlace(tmp_path / "sla.db"))
    with contextlib.closing(ledger.database):
        ledger.now = 111
        ledger.store(1, 111)
        ledger.agrees()
        heard: list[str] = []
        ledger.database._engine._dialect._connection.set_trace_callback(heard.append)  # type: ignore[attr-defined]
        assert ledger.agrees() == (1110, 1110)
    assert [each for each in heard if "sla_hours" in each or "sla_daily_summaries" in each] == []
    assert [each for each in heard if "sla_measurements m" in each and "SUM" in each] != []
