"""Hours and days: always the sums of their rows, whatever came when; and what is kept for how long."""

from __future__ import annotations

import datetime as dt
import itertools
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logged import lines
from sla_worker.database import KEEP, Keep, SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Comparison, Figures, Measurement, Member, Reason
from sla_worker.sli.composite import CompositeSli
from unit.sla_worker.databases import Place
from unit.sla_worker.fake_prometheus import THREE

DEFINITIONS = read_definitions(THREE)
ERRORS = DEFINITIONS[2]
BERLIN = ZoneInfo("Europe/Berlin")
STEP = 1800
GRID = Grid(STEP, 15)


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


START = at("2026-03-28")  # the day before the clock change


def open_ledger(location: str | Path, *, keep: Keep = KEEP, zone: ZoneInfo = BERLIN) -> SLADatabase:
    made = SLADatabase(location, grid=GRID, zone=zone, keep=keep, clock=lambda: at("2026-04-20"))
    made.sync_definitions(DEFINITIONS)
    return made


@pytest.fixture
def database(place: Place) -> Iterator[SLADatabase]:
    made = open_ledger(place.location)
    yield made
    made.close()


def row(number: int, good: float = 9, *, in_service: bool = True, component: str = "all") -> Measurement:
    """Slot number 1 is the first of the 28th of March; 10 events each."""
    slot, figures = START + number * STEP, Figures(good, 10, 1)
    return evaluate(ERRORS, slot, figures, component=component, in_service=in_service)


def over(database: SLADatabase, start: int, end: int) -> tuple[float, float, float]:
    """Good and total events, and measured slots, between two slots."""
    begin, until = START + start * STEP, START + end * STEP
    [status] = [each for each in database._status.over(begin, until) if each.key == ERRORS.key]
    expected = (until - begin) / STEP
    return status.good, status.total, status.coverage_ratio * expected


def test_a_day_has_as_many_slots_as_the_clock_change_leaves(database: SLADatabase) -> None:
    """28th to 30th of March: 48, 46 and 48 slots of half an hour."""
    database.store([row(number) for number in range(1, 144)])
    found = [database.generate_daily_summary(at(f"2026-03-{day}")) for day in (28, 29, 30)]
    assert [[(each["covered_slots"], each["total_events"]) for each in rows] for rows in found] == [
        [(48, 480)], [(46, 460)], [(48, 480)],
    ]  # fmt: skip
    [sunday] = found[1]
    assert (sunday["day_end"] - sunday["day_start"]) // 3600 == 23


def test_a_breach_across_a_change_of_a_version_counts_once_in_its_day(place: Place) -> None:
    """Slots 10 to 60 are bad; the version of another SLA begins with slot 20 of the first day's 48."""
    now = [float(START)]
    with closing(SLADatabase(place.location, grid=GRID, zone=BERLIN, clock=lambda: now[0])) as database:
        database.sync_definitions(DEFINITIONS)
        now[0] = START + 18.5 * STEP
        database.sync_definitions([replace(DEFINITIONS[0], target=0.5), *DEFINITIONS[1:]])
        now[0] = at("2026-04-20")
        database.store([row(number, 9 if 10 <= number <= 60 else 10) for number in range(1, 144)])
        found = [database.generate_daily_summary(at(f"2026-03-{day}")) for day in (28, 29)]
        assert [[(each["covered_slots"], each["breaches"]) for each in rows] for rows in found] == [
            [(19, 1), (29, 0)], [(46, 1)],
        ]  # fmt: skip


def test_the_greatest_number_there_is_does_not_stop_the_sums(database: SLADatabase) -> None:
    """Programs show 1.8e308 where there is no limit; the sum of two is none, which PostgreSQL refuses."""
    greatest = sys.float_info.max
    for number in range(1, 51):  # the day is summed up with slot 49
        slot, figures = START + number * STEP, Figures(greatest, greatest, 1, greatest)
        database.store([evaluate(ERRORS, slot, figures), row(number, component="other")])
    found = database.generate_daily_summary(at("2026-03-28"))
    # 48 slots without a number, and 48 of 9 ÷ 10, so of an error rate of 0.1.
    assert [(each["total_events"], each["maximum_value"]) for each in found] == [
        (0, None), (480, pytest.approx(0.1)),
    ]  # fmt: skip


def test_a_period_is_read_from_days_hours_and_slots(database: SLADatabase, place: Place) -> None:
    database.store([row(number) for number in range(1, 144)])
    assert over(database, 1, 143) == (142 * 9, 1420, 142)
    # Days and hours are really what is read: their sums change, and so does the answer.
    place.query("UPDATE sla_daily_summaries SET good_events = 0")
    database._engine.reset()  # what it read before is kept: nobody else writes
    assert over(database, 1, 143) == ((142 - 46 - 48) * 9, 1420, 142)
    place.query("UPDATE sla_hours SET good_events = 0")
    database._engine.reset()
    assert over(database, 1, 143)[0] == 9 * 2  # slot 2, before the first whole hour, and slot 143


def test_rows_that_come_late_or_change_are_in_the_sums_at_once(database: SLADatabase) -> None:
    database.store([row(number) for number in range(1, 144) if number not in {10, 60}])
    assert over(database, 0, 143)[1] == 1410
    database.store([row(60), row(10)])
    database.store([row(5, good=4)], reason=Reason.RECOMPUTE)
    assert over(database, 0, 143) == (142 * 9 + 4, 1430, 143)
    [saturday] = database.generate_daily_summary(at("2026-03-28"))
    # 5 errors in 432 - 5 = 427 good of 480; 47 slots of an error rate of 0.1 and one of 0.6.
    assert (saturday["good_events"], saturday["total_events"]) == (427, 480)
    assert saturday["average_value"] == pytest.approx((47 * 0.1 + 0.6) / 48)
    assert (saturday["minimum_value"], saturday["maximum_value"]) == (0.1, 0.6)


def test_slots_out_of_hours_are_in_no_sum_and_not_expected(database: SLADatabase) -> None:
    database.store([row(number, in_service=number % 2 == 0) for number in range(1, 144)])
    begin, until = START, START + 142 * STEP
    [status] = [each for each in database._status.over(begin, until) if each.key == ERRORS.key]
    assert (status.good, status.total, status.coverage_ratio) == (71 * 9, 710, 1)


def day_rows(place: Place) -> list[tuple[int, int]]:
    """Where each day begins, in hours after START, and how many slots of it were measured."""
    rows = place.query("SELECT day_start, covered_slots FROM sla_daily_summaries ORDER BY day_start")
    return [((start - START) // 3600, int(slots)) for start, slots in rows]


def test_days_are_made_again_when_the_timezone_changes(
    database: SLADatabase, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    database.store([row(number) for number in range(1, 144)])
    database.close()
    with closing(open_ledger(place.location, zone=ZoneInfo("UTC"))) as moved:
        # Midnight of UTC is 1:00, after the change 2:00: 2, 48 and 48 slots, the rest of a day not over.
        assert day_rows(place) == [(-23, 2), (1, 48), (25, 48)]
        assert lines(caplog, "sla_worker") == [
            "REPORT_TIMEZONE=UTC, before Europe/Berlin: the days from 2026-03-27 on are of the new timezone"
        ]
        assert over(moved, 0, 143) == (143 * 9, 1430, 143)
        moved.store([row(144)])
        assert over(moved, 0, 144) == (144 * 9, 1440, 144)
    caplog.clear()
    open_ledger(place.location, zone=ZoneInfo("UTC")).close()
    assert lines(caplog, "sla_worker") == []


def kept_for_long(place: Place) -> None:
    """23 days in Berlin's timezone, of which 4 are kept as slots (the 16th of April on) and 9 as hours."""
    with closing(open_ledger(place.location, keep=Keep(slot_days=4, hour_days=9))) as database:
        for day in range(23):
            database.store([row(number) for number in range(day * 48 + 1, day * 48 + 49)])
        while database.trim():
            pass


@pytest.mark.parametrize(("zone", "later_hours"), [("UTC", 2), ("America/New_York", 6)])
def test_days_whose_slots_are_gone_are_made_again_of_hours(
    place: Place, caplog: pytest.LogCaptureFixture, zone: str, later_hours: int
) -> None:
    """Hours are there from the 11th of April on, slots from the 16th; midnight is some hours later there."""
    kept_for_long(place)
    before = day_rows(place)
    with closing(open_ledger(place.location, zone=ZoneInfo(zone))) as moved:
        # The 14 days up to the 11th keep their borders; then come 8 whole days of the new zone.
        former, made = before[:14], day_rows(place)[14:]
        assert day_rows(place)[:14] == former
        begin = (at("2026-04-11") - START) // 3600 + later_hours
        assert made == [(begin + 24 * number, 48) for number in range(8)]
        assert lines(caplog, "sla_worker") == [
            f"REPORT_TIMEZONE={zone}, before Europe/Berlin: the days from 2026-04-11 on are of the new"
            " timezone; 14 days before that keep the borders of Europe/Berlin"
        ]
        # No slot is lost or counted twice: all 23 days, less what is 2 slots short of 48 on the 29th.
        assert over(moved, 0, 23 * 48) == (23 * 48 * 9, 23 * 480, 23 * 48)
        # A slot of the day whose first slots are gone changes: the day is the sum of its hours.
        changed = (at("2026-04-16") - START) // STEP + 2
        moved.store([row(changed, good=4)], reason=Reason.RECOMPUTE)
        assert over(moved, 0, 23 * 48) == (23 * 48 * 9 - 5, 23 * 480, 23 * 48)
        assert [slots for _, slots in day_rows(place)[14:]] == [48] * 8
        whole = [place.query("SELECT good_events FROM sla_daily_summaries ORDER BY day_start")[18][0]]
        assert whole == [48 * 9 - 5]


def test_hours_that_begin_at_another_minute_leave_old_days_as_they_are(place: Place) -> None:
    """India is 5:30 ahead: days are made again from slots, and those before keep their borders."""
    kept_for_long(place)
    before = day_rows(place)
    with closing(open_ledger(place.location, zone=ZoneInfo("Asia/Kolkata"))) as moved:
        assert day_rows(place) == before[:19]  # up to the 16th
        assert over(moved, 0, 23 * 48) == (23 * 48 * 9, 23 * 480, 23 * 48)
        for number in range(3):  # as passes do
            moved.store([row(23 * 48 + 1 + number)])
        # Midnight there is 20:30 of Berlin: on the 16th, then each day.
        begin = (at("2026-04-16") - START) / 3600 + 20.5
        made = [start for start, _ in day_rows(place)[19:]]
        assert made == [int(begin + 24 * number) for number in range(3)]
        assert over(moved, 0, 23 * 48) == (23 * 48 * 9, 23 * 480, 23 * 48)


def test_who_reads_with_another_timezone_changes_nothing_and_reads_the_same(
    database: SLADatabase, place: Place
) -> None:
    database.store([row(number) for number in range(1, 144)])
    before = day_rows(place)
    reader = SLADatabase(place.location, read_only=True, zone=ZoneInfo("Asia/Kolkata"))
    assert over(reader, 0, 143) == (143 * 9, 1430, 143)
    reader.close()
    assert day_rows(place) == before


def test_old_slots_and_hours_are_deleted_in_small_steps_and_sums_stay(place: Place) -> None:
    """20 days of slots; 4 of them are kept as slots, 9 as hours. Today is the 20th of April."""
    with closing(open_ledger(place.location, keep=Keep(slot_days=4, hour_days=9))) as database:
        for day in range(23):
            database.store([row(number) for number in range(day * 48 + 1, day * 48 + 49)])
        whole = over(database, 0, 46 + 48 * 21)
        counts = []
        while database.trim():
            counts.append(place.query("SELECT COUNT(*) FROM sla_measurements")[0][0])
        # Up to the 16th: 19 days, two in each call.
        assert len(counts) == 9
        assert max(before - after for before, after in itertools.pairwise(counts)) <= 96
        [(oldest, left)] = place.query("SELECT MIN(slot), COUNT(*) FROM sla_measurements")
        assert (oldest, left) == (at("2026-04-16") + STEP, 23 * 48 - (19 * 48 - 2))
        assert place.query("SELECT MIN(hour_start) FROM sla_hours") == [(at("2026-04-11"),)]
        assert over(database, 0, 46 + 48 * 21) == whole
        assert database.oldest_slot() == START + STEP
        # The 1st of April is whole days and nothing else any more; half of it cannot be told.
        assert over(database, 4 * 48 - 2, 5 * 48 - 2) == (48 * 9, 480, 48)
        assert database.trim() is False


def test_what_is_not_summed_up_is_not_deleted(place: Place) -> None:
    with closing(open_ledger(place.location, keep=Keep(slot_days=2))) as database:
        assert database.trim() is False
        database.store([row(1)])
        assert database.trim() is False
        assert place.query("SELECT COUNT(*) FROM sla_measurements") == [(1,)]


def test_a_composite_is_made_of_its_members_sums(place: Place) -> None:
    """Over a period, not from its own slots: errors 30 of 40 good, weight 60; uptime 20 of 20, weight 40."""
    uptime = DEFINITIONS[0]
    members = (Member(60, sla=ERRORS.key), Member(40, category=uptime.category))
    score = replace(ERRORS, key="score", name="Score", comparison=Comparison.AT_LEAST, target=0.84)
    score = replace(score, category="composite", sli=CompositeSli(members))
    with closing(open_ledger(place.location)) as database:
        database.sync_definitions([uptime, ERRORS, score])
        slots = [START + number * STEP for number in (1, 2)]
        database.store(evaluate(uptime, slot, Figures(10, 10, 1)) for slot in slots)
        database.store([row(1, 10), evaluate(ERRORS, slots[1], Figures(20, 30, 1))])
        database.store(evaluate(score, slot, Figures(0, 1, 1)) for slot in slots)
        [found] = [each for each in database._status.over(START, slots[1]) if each.key == "score"]
    assert found.compliance_ratio == pytest.approx(0.6 * 0.75 + 0.4)
    assert (found.meets_target, found.weakest, found.coverage_ratio) == (True, ERRORS.key, 1)
    assert (found.weakest_name, found.weakest_ratio) == (ERRORS.name, 0.75)


_NUMBERS = itertools.count()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_the_sum_of_the_parts_is_the_whole_for_any_split(tmp_path: Path, data: Any) -> None:
    """Rows come in any order and change; any period is the sum of its rows, and of its parts."""
    numbers = data.draw(st.lists(st.integers(1, 160), unique=True, min_size=1, max_size=40))
    with closing(open_ledger(tmp_path / f"{next(_NUMBERS)}.db")) as database:
        rows: dict[int, Measurement] = {}
        while numbers:
            count = data.draw(st.integers(1, 12))
            batch = [row(each, data.draw(st.integers(0, 10))) for each in numbers[:count]]
            database.store(batch, reason=data.draw(st.sampled_from([Reason.FIRST, Reason.BACKFILL])))
            rows |= {each.slot: each for each in batch}
            numbers = numbers[count:]
        again = [row(each, 5) for each in {(slot - START) // STEP for slot in rows} if each % 3 == 0]
        database.store(again, reason=Reason.RECOMPUTE)
        rows |= {each.slot: each for each in again}
        start, split, end = sorted(data.draw(st.lists(st.integers(0, 170), min_size=3, max_size=3)))
        whole = over(database, start, end)[:2]
        inside = [each for slot, each in rows.items() if START + start * STEP < slot <= START + end * STEP]
        assert whole == (sum(each.good for each in inside), sum(each.total for each in inside))
        first, second = over(database, start, split)[:2], over(database, split, end)[:2]
        assert (first[0] + second[0], first[1] + second[1]) == whole
        # Several periods that end together, as the metrics show them, are read at once.
        starts = data.draw(st.lists(st.integers(0, end), max_size=6))
        ends = START + end * STEP
        together = database.status_since([START + each * STEP for each in starts], ends)
        found = [[(each.good, each.total) for each in some if each.key == ERRORS.key] for some in together]
        assert found == [
            [
                (
                    sum(each.good for slot, each in rows.items() if begin < slot <= ends),
                    sum(each.total for slot, each in rows.items() if begin < slot <= ends),
                )
            ]
            for begin in (START + each * STEP for each in starts)
        ]
