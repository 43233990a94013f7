"""The slots, and the one rule for the end of a period that ends now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sla_worker.database import SLADatabase
from sla_worker.grid import Grid
from sla_worker.reports import period_report
from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.setting import Setting

GRID = Grid(300, 15)


@pytest.mark.parametrize(
    ("newest", "now", "end"),
    [
        (9000, 9016.9, 9000),  # 9000 is final from 9017 on: due is 8700, and what is stored counts
        (9000, 9317, 9000),  # 9300 is due since just now: its pass is under way
        (9000, 9616.9, 9000),  # and is tried again until the next slot is due
        (9000, 9617, 9600),  # two slots are missing, both could have been measured
        (9000, 10150, 9900),  # 10150 - 17 = 10133, cut down to a multiple of 300: 9900
        (None, 10150, 9900),  # an empty ledger
        (10200, 10150, 10200),  # the slot that 10150 lies in: `record_measurement` fills it
        (10500, 10150, 9900),  # a slot that has not begun: its clock ran ahead
    ],
)
def test_where_a_period_ends(newest: int | None, now: float, end: int) -> None:
    assert GRID.period_end(newest, now) == end


def test_a_slow_grid_waits_for_its_own_scrapes() -> None:
    # Slots of 1800 s, scraped every 60 s: the slot that ends at 9000 is final at 9000 + 60 + 2 = 9062.
    grid = Grid(1800, 60)
    assert (grid.newest_slot(9061.9), grid.newest_slot(9062)) == (7200, 9000)
    assert grid.stale_seconds == 5400


def test_an_engine_that_lags_is_waited_for() -> None:
    grid = Grid(300, 15, settle=120)
    assert (grid.newest_slot(9119.9), grid.newest_slot(9120)) == (8700, 9000)


def test_page_metrics_mail_and_terminal_end_at_the_same_slot(tmp_path: Path) -> None:
    """The last row is SLOT; 1150 s later three slots are missing, so periods end at SLOT + 900.

    The ledger begins at SLOT - 300 and so spans 1200 s, 300 s of them measured: a coverage of 0.25.
    SLOT is 2023-11-14 22:15 UTC, so the end is 22:30.
    """
    setting = Setting(tmp_path)
    setting.step()
    setting.prometheus.down = True
    setting.now = SLOT + 1150
    page = setting.ask("/")[1]
    setting.close()
    database = SLADatabase(tmp_path / "sla.db", grid=GRID, read_only=True, clock=lambda: setting.now)
    report = period_report(database, title="Mail and terminal", hours=24, now=int(setting.now))
    metrics = database.get_current_sla_status(24)
    database.close()
    assert re.findall(r"to (\d{4}-\d\d-\d\d \d\d:\d\d UTC)", page) == ["2023-11-14 22:30 UTC"]
    assert report.end == SLOT + 900
    assert report.statuses == tuple(metrics)
    assert {each.coverage_ratio for each in metrics} == {0.25}
