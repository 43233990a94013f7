"""Which reports are owed, by a clock that tests move: each period once, also after weeks of absence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sla_worker.database import SLADatabase
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Figures
from sla_worker.schedule import Schedule
from unit.sla_worker.fake_prometheus import DEFINITIONS

BERLIN, UTC, AUCKLAND = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC"), ZoneInfo("Pacific/Auckland")


class Clocked:
    """A ledger whose first row is of 1 September 2026, and whose clock a test moves."""

    def __init__(self, path: Path) -> None:
        self.now = epoch("2026-09-01T12:00+02:00")
        self.database = SLADatabase(path, grid=Grid(3600, 15), zone=UTC, clock=lambda: self.now)
        self.database.sync_definitions(DEFINITIONS)
        self.database.store([evaluate(each, self.now, Figures(1, 1, 1)) for each in DEFINITIONS])
        self.told: list[str] = []
        self.start(BERLIN)

    def start(self, zone: ZoneInfo, hour: int = 9) -> None:
        """A worker starts, with these settings."""
        self.schedule = Schedule(self.database, zone=zone, hour=hour, settle_seconds=45)

    def at(self, moment: str) -> list[str]:
        """The reports that are owed at a moment and were not before."""
        self.now = epoch(moment)
        self.schedule.run(self.now)
        owed = [each.key for each in self.database.outbox.due(self.now)]
        new = [key for key in owed if key not in self.told]
        self.told += new
        return new


def epoch(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[Clocked]:
    made = Clocked(tmp_path / "sla.db")
    yield made
    made.database.close()


def test_each_report_is_owed_once_at_its_hour(clocked: Clocked) -> None:
    """1 November 2026 is a Sunday, and the second a Monday."""
    assert clocked.at("2026-10-31T09:00:45+01:00") == [
        "daily:2026-10-31",
        "weekly:2026-10-26",
        "monthly:2026-10-01",
    ]
    assert clocked.at("2026-11-01T09:00:44+01:00") == []
    assert clocked.at("2026-11-01T09:00:45+01:00") == ["daily:2026-11-01", "monthly:2026-11-01"]
    clocked.start(BERLIN)
    clocked.schedule.rows_stored()
    assert clocked.at("2026-11-01T23:00:00+01:00") == []
    assert clocked.at("2026-11-02T09:00:45+01:00") == ["daily:2026-11-02", "weekly:2026-11-02"]


def test_after_three_weeks_every_week_is_made_up_for_and_the_last_day(clocked: Clocked) -> None:
    clocked.at("2026-10-20T10:00+02:00")
    clocked.start(BERLIN)
    assert clocked.at("2026-11-10T10:00+01:00") == [
        "daily:2026-11-10",
        "weekly:2026-10-26",
        "weekly:2026-11-02",
        "weekly:2026-11-09",
        "monthly:2026-11-01",
    ]
    assert clocked.at("2026-11-10T11:00+01:00") == []


def test_after_half_a_year_the_newest_five_weeks_and_three_months_are(clocked: Clocked) -> None:
    clocked.at("2026-10-05T10:00+02:00")
    found = clocked.at("2027-03-10T10:00+01:00")
    assert [each for each in found if each.startswith("monthly")] == [
        "monthly:2027-01-01",
        "monthly:2027-02-01",
        "monthly:2027-03-01",
    ]
    # 8 March is the newest Monday; four weeks before it is 8 February.
    weeks = [each for each in found if each.startswith("weekly")]
    assert (weeks[0], weeks[-1], len(weeks)) == ("weekly:2027-02-08", "weekly:2027-03-08", 5)


def test_a_changed_timezone_repeats_and_skips_no_period(clocked: Clocked) -> None:
    """Nine o'clock of Monday 2 November comes in Auckland (20:00 UTC before), in Berlin (8:00) and in UTC."""
    clocked.start(AUCKLAND)
    assert "weekly:2026-11-02" in clocked.at("2026-11-01T20:01+00:00")
    clocked.start(BERLIN)
    assert [each for each in clocked.at("2026-11-02T08:01+00:00") if "weekly" in each] == []
    clocked.start(UTC)
    assert [each for each in clocked.at("2026-11-02T09:01+00:00") if "weekly" in each] == []
    assert "weekly:2026-11-09" in clocked.at("2026-11-09T09:01+00:00")


def test_a_report_waits_until_its_period_is_read(clocked: Clocked) -> None:
    clocked.schedule.caught_up_after(epoch("2026-10-31T12:00+01:00"))
    # The last 24 hours begin after that slot, the week and the month before it.
    assert clocked.at("2026-11-02T10:00+01:00") == ["daily:2026-11-02"]
    clocked.schedule.caught_up_after(epoch("2026-10-26T00:00+01:00"))
    assert clocked.at("2026-11-02T10:01+01:00") == ["weekly:2026-11-02"]
    clocked.schedule.caught_up_after(None)
    assert clocked.at("2026-11-02T10:02+01:00") == ["monthly:2026-11-01"]


def test_a_young_ledger_owes_nothing_about_the_time_before_it(clocked: Clocked) -> None:
    """Its first row is of 1 September, 12:00, a Tuesday: after that day's nine o'clock."""
    assert clocked.at("2026-09-01T13:00+02:00") == []
    assert clocked.at("2026-09-02T10:00+02:00") == ["daily:2026-09-02"]
    assert clocked.at("2026-09-07T10:00+02:00") == ["daily:2026-09-07", "weekly:2026-09-07"]


def test_a_row_that_comes_late_makes_a_report_owed(clocked: Clocked) -> None:
    clocked.at("2026-09-01T13:00+02:00")
    slot = epoch("2026-08-31T12:00+02:00")
    clocked.database.store([evaluate(each, slot, Figures(1, 1, 1)) for each in DEFINITIONS])
    clocked.schedule.rows_stored()
    assert clocked.at("2026-09-01T13:01+02:00") == ["daily:2026-09-01", "monthly:2026-09-01"]
