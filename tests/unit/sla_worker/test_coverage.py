"""The coverage of a slot from the samples of `up`, with counts that a person derives by hand."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from sla_worker.counting import Coverage, Stillness, interval, tally

SLOT = (0.0, 300.0)  # 20 scrapes, one each 15 s
EVERY = 15.0


def scrapes(first: int, last: int, offset: float = 7.0) -> list[float]:
    """The times of the scrapes numbered first to last: number 0 is the slot's first, -1 the one before it."""
    return [offset + EVERY * number for number in range(first, last + 1)]


def count(
    times: Sequence[float], others: Sequence[float] = (), values: Sequence[float] | None = None
) -> tuple[int, int, int]:
    found = tally(
        times,
        [1.0] * len(times) if values is None else values,
        SLOT,
        margin=3 * EVERY,
        every=EVERY,
        still=Stillness(sorted([*times, *others])),
    )
    return found.answered, found.listed, found.missed


ALL = scrapes(-3, 19)
OTHER = scrapes(-3, 19, offset=2.0)


def test_every_scrape_took_place() -> None:
    assert count(ALL) == (20, 20, 0)


def test_scrapes_that_failed_are_listed_and_did_not_answer() -> None:
    values = [0.0 if 10 <= each < 40 else 1.0 for each in ALL]  # those at 22 and 37
    assert count(ALL, values=values) == (18, 20, 0)
    assert Coverage(18, 20, 0).answered_ratio == 0.9
    assert Coverage(18, 20, 0).listed_ratio == 1


def test_a_hole_between_two_samples_is_missed_whatever_the_others_do() -> None:
    """Numbers 5 to 8 lack: 20 - 4 = 16."""
    times = [*scrapes(-3, 4), *scrapes(9, 19)]
    assert count(times) == (16, 16, 4)
    assert count(times, OTHER) == (16, 16, 4)


def test_a_hole_that_began_before_the_slot_counts_what_of_it_lies_inside() -> None:
    """The last before stands at -38, the next at 67: -23 and -8 lie before, 7, 22, 37, 52 inside."""
    assert count([-38.0, *scrapes(4, 19)]) == (16, 16, 4)


def test_a_target_that_is_listed_no_more_has_left() -> None:
    assert count(scrapes(-3, 9), OTHER) == (10, 10, 0)


def test_a_target_that_is_new_has_missed_nothing() -> None:
    assert count(scrapes(12, 19), OTHER) == (8, 8, 0)


def test_a_rolling_deployment_that_was_scraped_is_covered() -> None:
    left, joined = scrapes(-3, 9), scrapes(9, 19, offset=11.0)
    assert count(left, joined) == (10, 10, 0)
    assert count(joined, left) == (11, 11, 0)


def test_while_prometheus_stands_still_all_targets_miss_their_scrapes() -> None:
    """It ends after number 9: 10 to 19 lack, the last of them at 292, half an interval before the end."""
    assert count(scrapes(-3, 9), scrapes(-3, 9, offset=2.0)) == (10, 10, 10)


def test_a_prometheus_that_comes_back_counts_what_lacks_since_the_slot_began() -> None:
    """Scrapes from number 12 on, others first, with an offset of their own: 0 to 11 lack."""
    assert count(scrapes(12, 19, offset=14.0), scrapes(12, 19, offset=1.0)) == (8, 8, 12)


def test_a_target_that_went_away_while_prometheus_stood_still_missed_that_time_alone() -> None:
    """Its last at 67; Prometheus is back at 202 without it. 82 … 187 lack: 8."""
    assert count(scrapes(-3, 4), [*scrapes(-3, 4, offset=2.0), *scrapes(13, 19)]) == (5, 5, 8)


def test_no_samples_are_no_coverage() -> None:
    assert count([]) == (0, 0, 0)
    assert Coverage().answered_ratio == Coverage().listed_ratio == 0
    assert count(scrapes(-3, -1), OTHER) == (0, 0, 0)  # it left with the slot before


def test_targets_add_up() -> None:
    """One of two away: 20 answered, 40 listed."""
    assert (Coverage(20, 20, 0) + Coverage(0, 20, 0)).answered_ratio == 0.5


def test_the_interval_is_the_targets_own_else_the_jobs_else_what_is_set() -> None:
    assert interval([0, 60, 120, 180], [], 15) == 60
    assert interval([0, 300], [[0, 60, 120, 180], [0, 300]], 15) == 60  # one distance could be a hole
    assert interval([0, 300], [[0, 300]], 15) == 15
    assert interval([0, 15, 30, 195, 210], [], 60) == 15  # a hole does not change it


def test_a_scrape_at_the_border_that_comes_a_moment_late_is_not_missed() -> None:
    """299.999 belongs to the slot, 300.002 does not; nothing lacks."""
    times = [-0.001, *[15 * number - 0.001 for number in range(1, 20)], 300.002]
    assert count(times) == (19, 19, 0)


@given(st.sets(st.integers(-3, 19)), st.floats(0.5, 14.5))
def test_what_was_not_scraped_is_missed_and_no_more(numbers: set[int], offset: float) -> None:
    """Alone, so that a hole is a still time: never above what should have been."""
    times = [offset + EVERY * number for number in sorted(numbers)]
    answered, listed, missed = count(times)
    assert answered == listed == sum(1 for each in numbers if each >= 0)
    assert 0 <= missed <= 20 - listed


def test_a_scrape_that_lacks_right_before_the_end_of_the_slot_is_missed_too() -> None:
    """Numbers 10 to 19 lack, at 162 to 297: the last of them stands 3 s before the end."""
    assert count(scrapes(-3, 9, offset=12.0)) == (10, 10, 10)
