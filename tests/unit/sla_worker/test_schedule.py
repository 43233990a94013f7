"""What a day's summary and report hold: the last slot of their period too, and what came late."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sla_worker.database.periods import next_midnight
from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.setting import Mailbox, Setting

# SLOT is 2023-11-14 22:15 UTC: midnight comes 6,300 s later, nine o'clock 38,700 s later.
MIDNIGHT, NINE = SLOT + 6300, SLOT + 38_700


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path)
    made.step()
    yield made
    made.close()


def at(setting: Setting, moment: float) -> None:
    setting.now = float(moment)
    setting.step()


def summaries(directory: Path) -> dict[str, float]:
    """The measured slots of each day that was summed up, for the first SLA."""
    with closing(sqlite3.connect(directory / "sla.db")) as rows:
        found = rows.execute("SELECT day_start, covered_slots FROM sla_daily_summaries WHERE sla_id = 1")
        return {f"{dt.datetime.fromtimestamp(day, dt.UTC):%m-%d}": slots for day, slots in found}


def test_the_summary_of_a_day_waits_for_its_last_slot(setting: Setting, tmp_path: Path) -> None:
    """22:10 to midnight are 22 slots of 300 s; the last is due 45 s after midnight."""
    at(setting, MIDNIGHT)
    assert "11-14" not in summaries(tmp_path)
    at(setting, MIDNIGHT + 45)
    assert summaries(tmp_path)["11-14"] == 22


def test_the_daily_report_waits_for_its_last_slot_and_covers_all(setting: Setting) -> None:
    with Mailbox(setting.smtp_port) as mailbox:
        at(setting, NINE)
        at(setting, NINE + 44)
        assert mailbox.mails == []
        at(setting, NINE + 45)
        text = mailbox.part("text/plain")
    assert "to 2023-11-15 09:00 UTC" in text
    assert "100.00 % of the time since each SLA began was measured" in text


def test_without_prometheus_the_report_leaves_all_the_same(setting: Setting) -> None:
    at(setting, NINE - 300)
    setting.prometheus.down = True
    with Mailbox(setting.smtp_port) as mailbox:
        at(setting, NINE + 45)
        text = mailbox.part("text/plain")
    # 22:10 to 9:00 are 130 slots; those that end at 8:55 and 9:00 are missing: 128/130.
    assert "98.46 % of the time since each SLA began was measured" in text


def test_the_report_waits_for_a_catch_up_until_its_day_is_read(setting: Setting) -> None:
    """The worker is away until 10:00 of the 17th; an answer takes 4 s, a pass 10 s or more.

    The first pass reads the newest slot (two answers) and 24 before it, each later one twice 24: 7 passes
    are 25 + 6 * 48 = 313 slots, six are 265. The report's day begins 25 hours before 10:00, 300 slots. The
    catch-up goes on long after: 717 slots lie between 22:15 of the 14th and 10:00 of the 17th.
    """
    setting.close()
    setting.now = MIDNIGHT + 2 * 86_400 + 10 * 3600 + 45.0
    setting.answer_seconds = 4.0
    setting.start()
    with Mailbox(setting.smtp_port) as mailbox:
        turns = 0
        while not mailbox.mails:
            setting.step()
            turns += 1
            page = setting.ask("/")[1]
            assert "is still to be read" in page
        text = mailbox.part("text/plain")
    assert turns == 7
    assert "100.00 % of the time since each SLA began was measured" in text


def test_days_into_which_rows_came_late_are_summed_up_again(setting: Setting, tmp_path: Path) -> None:
    """The worker is away from 22:15 of the 14th until 00:00:45 of the 17th, and catches up."""
    setting.close()
    setting.now = MIDNIGHT + 2 * 86_400 + 45.0
    setting.prometheus.down = True
    setting.start()
    setting.step()
    assert summaries(tmp_path) == {"11-14": 1}  # Prometheus is away too, and of the 15th and 16th is nothing
    setting.prometheus.down = False
    at(setting, setting.now + 15)
    assert summaries(tmp_path) == {"11-14": 22, "11-15": 288, "11-16": 288}


def test_a_day_whose_last_slot_is_stored_by_a_second_try_holds_it(setting: Setting, tmp_path: Path) -> None:
    """22:10 to midnight are 22 slots; for the last one Prometheus answers 15 s later."""
    at(setting, MIDNIGHT - 300 + 45)
    setting.prometheus.down = True
    at(setting, MIDNIGHT + 45)
    assert summaries(tmp_path)["11-14"] == 21
    setting.prometheus.down = False
    at(setting, MIDNIGHT + 60)
    assert summaries(tmp_path)["11-14"] == 22


def test_days_of_a_catch_up_that_is_interrupted_are_summed_up_again(setting: Setting, tmp_path: Path) -> None:
    """The worker is away until the 17th; Prometheus answers for the first two hours of slots, then not."""
    setting.close()
    setting.now = MIDNIGHT + 2 * 86_400 + 45.0
    setting.start()
    setting.prometheus.windows_left = 1
    setting.step()
    setting.prometheus.windows_left = None
    at(setting, setting.now + 15)
    assert summaries(tmp_path) == {"11-14": 22, "11-15": 288, "11-16": 288}


def test_days_of_a_catch_up_in_which_the_process_was_killed_are_summed_up(
    setting: Setting, tmp_path: Path
) -> None:
    """The worker is away until the 17th, and is killed when the newest batches are stored."""
    setting.close()
    setting.now = MIDNIGHT + 2 * 86_400 + 45.0
    setting.start()
    setting.service.worker._calculator.run_pass()  # as the loop does, before its chores
    assert summaries(tmp_path) == {"11-14": 22, "11-15": 288, "11-16": 288}


@pytest.mark.parametrize(
    ("slot", "midnight"),
    [
        ("2026-03-01T00:00+01:00", "2026-03-01T00:00+01:00"),
        ("2026-03-01T00:05+01:00", "2026-03-02T00:00+01:00"),
        ("2026-03-29T12:00+02:00", "2026-03-30T00:00+02:00"),  # the day of the clock change
    ],
)
def test_a_slot_belongs_to_the_day_that_it_ends_in(slot: str, midnight: str) -> None:
    moments = [int(dt.datetime.fromisoformat(each).timestamp()) for each in (slot, midnight)]
    assert next_midnight(moments[0] - 1, ZoneInfo("Europe/Berlin")) == moments[1]
