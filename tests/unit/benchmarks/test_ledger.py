"""The benchmark of a year's ledger, with a few SLAs and slots of an hour."""

from __future__ import annotations

import pytest

from benchmarks.ledger import MONTH, PASS, YEAR, Measured, growth, measure, times
from benchmarks.places import SQLITE

HOURS = 24


@pytest.fixture(scope="module")
def found() -> Measured:
    return measure(
        2,
        42,
        database=SQLITE,
        slot_seconds=3600,
        mails=False,
        trim_at_end=True,
        exclusions=True,
        show=lambda _: None,
    )


def test_a_ledger_is_measured_as_it_grows_and_once_it_is_trimmed(found: Measured) -> None:
    assert [each.name for each in found.points] == ["1 day", "35 days", "42 days", "then trimmed"]
    # Twelve slots were added after each of the first two points, which the next days then have already;
    # trimmed at 12:00:45 of the 43rd day: 7 whole days are older than 35 days.
    kept = [each.slots for each in found.points]
    assert kept == [2 * HOURS, 2 * 35 * HOURS, 2 * 42 * HOURS, 2 * (35 * HOURS + 12)]
    assert all(each.costs[PASS] > 0 and each.costs[YEAR] > 0 for each in found.points)


def test_a_months_report_is_measured_once_a_month_is_over(found: Measured) -> None:
    assert [MONTH in each.costs for each in found.points] == [False, True, True, True]


def test_growth_is_a_ratio_to_the_first_size(found: Measured) -> None:
    table = growth([found, found])
    by_title = {str(column.header): list(column.cells) for column in table.columns}
    assert by_title["SLAs"] == ["2", "2"]
    assert by_title["SLAs: times"] == by_title["a pass: times"] == ["1.00", "1.00"]


def test_times_is_how_many_times_as_much() -> None:
    assert (times(4, 10), times(0, 10)) == ("2.50", "")
