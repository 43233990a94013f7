"""The counting rule, clause by clause, with counts that a person derives by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sla_worker.counting import DAY, Earlier, first_sample, increases, resets, restarts

SLOTS = range(300, 901, 300)  # three slots: (0, 300], (300, 600], (600, 900]


def test_what_rises_between_two_samples_counts_where_the_second_stands() -> None:
    """100 at -10 s is where it starts; 107 - 100 = 7, 109 - 107 = 2 at the very end of the slot, then 1."""
    assert increases([-10, 5, 300, 301], [100, 107, 109, 110], SLOTS) == [9, 1, 0]


def test_a_gap_of_any_length_up_to_a_day_counts_when_the_series_is_seen_again() -> None:
    assert increases([-80_000, 610], [100, 175], SLOTS) == [0, 0, 75]


def test_a_reset_counts_from_zero() -> None:
    """105 - 100, then 4 after a reset, then 6 - 4: 5 + 4 = 9 and 2."""
    assert increases([0, 15, 30, 315], [100, 105, 4, 6], SLOTS) == [9, 2, 0]


def test_a_restart_that_the_values_hide_counts_from_zero() -> None:
    """Another process shows 120 at 30 s: not 120 - 105 = 15, but 120."""
    assert increases([0, 15, 30], [100, 105, 120], SLOTS, breaks=[30]) == [125, 0, 0]


def test_a_restart_between_two_samples_far_apart_is_seen_though_no_sample_stands_at_it() -> None:
    assert increases([0, 630], [100, 120], SLOTS, breaks=[330]) == [0, 0, 120]


def test_a_process_is_another_one_when_its_start_moves_by_more_than_a_second() -> None:
    assert restarts([0, 15, 30, 45], [50.0, 50.9, 51.8, 52.9]) == [45]
    assert restarts([0, 15, 30], [50.0, 28.0, 28.0]) == []  # an earlier one: a clock was set


def test_resets_are_where_a_value_falls_the_one_before_the_window_included() -> None:
    assert resets([15, 30, 45], [3, 5, 4], earlier=9) == [15, 45]
    assert resets([15, 30, 45], [3, 3, 4]) == []


def test_a_first_sample_goes_on_from_the_last_of_the_day_before() -> None:
    assert first_sample(12, Earlier(value=5)) == 7
    assert first_sample(12, Earlier(value=15)) == 12  # a reset
    assert first_sample(12, Earlier(value=5, same_process=False)) == 12  # a restart that the values hide
    assert first_sample(12, Earlier(value=5), baseline=True) == 7  # it is no new series


def test_a_series_born_on_a_known_target_counts_from_zero() -> None:
    assert first_sample(3, Earlier(answered=True)) == 3
    assert first_sample(3, Earlier(answered=True), baseline=True) == 0


def test_a_replica_born_above_zero_counts_while_it_is_young() -> None:
    assert first_sample(40, Earlier(), young=True) == 40
    assert first_sample(40, Earlier()) == 0  # nobody knows when that was counted
    assert first_sample(40, Earlier(), young=True, baseline=True) == 0


def test_a_series_that_was_away_for_more_than_a_day_starts_where_it_is() -> None:
    assert first_sample(40, Earlier(answered=True, gone=True)) == 0
    assert first_sample(40, Earlier(answered=True, gone=True), young=True) == 40
    long = range(300, 300 + 2 * DAY, 300)
    times = [0, 15, 15 + DAY + 1, 15 + DAY + 16]
    assert sum(increases(times, [5, 6, 90, 93], long)) == 1 + 0 + 3
    assert sum(increases(times, [5, 6, 90, 93], long, young=[15 + DAY + 1])) == 1 + 90 + 3
    assert (
        sum(increases([0, 15, 15 + DAY], [5, 6, 90], long)) == 1 + 84
    )  # a day exactly is no more than a day


def test_what_the_first_sample_counts_is_added_to_its_slot() -> None:
    """3 at its birth, then 8 - 3 = 5; with a reset to 2 after it 3 + 2."""
    assert increases([310, 325], [3, 8], SLOTS, first=3) == [0, 8, 0]
    assert increases([310, 325], [3, 2], SLOTS, first=3) == [0, 5, 0]
    assert increases([310, 325], [3, 8], SLOTS) == [0, 5, 0]


def test_no_samples_count_nothing() -> None:
    assert increases([], [], SLOTS) == [0, 0, 0]
    assert resets([], [], earlier=4) == []


# --- properties: whatever happens, slots add up

_COUNTS = st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.booleans()), min_size=2, max_size=60)


class Life:
    """Samples of a program every 15 s: how many events each brings, and whether it had begun again before."""

    def __init__(self, steps: list[tuple[int, bool, bool]]) -> None:
        self.times = [7.5 + 15 * number for number in range(len(steps))]
        self.values: list[int] = []
        self.breaks: list[float] = []
        for number, (events, again, _) in enumerate(steps):
            if number and again:
                self.breaks.append(self.times[number])
            self.values.append(events if again or not number else self.values[-1] + events)
        self.events = sum(each for each, _, _ in steps[1:])


@given(_COUNTS, st.sampled_from([15, 30, 60, 300, 900]))
def test_slots_of_any_length_add_up_to_what_the_processes_counted(
    steps: list[tuple[int, bool, bool]], slot: int
) -> None:
    life = Life(steps)
    rose = increases(life.times, life.values, range(slot, 1801, slot), breaks=life.breaks)
    assert sum(rose) == life.events
    assert min(rose) >= 0


@given(_COUNTS)
def test_one_window_says_what_windows_for_each_slot_say(steps: list[tuple[int, bool, bool]]) -> None:
    life = Life(steps)
    together = increases(life.times, life.values, range(60, 901, 60), breaks=life.breaks)
    alone = [
        increases(life.times, life.values, range(slot, slot + 1, 60), breaks=life.breaks)[0]
        for slot in range(60, 901, 60)
    ]
    assert together == alone


@given(_COUNTS)
def test_scrapes_that_fail_lose_nothing_of_one_process(steps: list[tuple[int, bool, bool]]) -> None:
    life = Life([(events, False, failed) for events, _, failed in steps])
    last = len(steps) - 1
    seen = [index for index in range(len(steps)) if index in {0, last} or not steps[index][2]]
    thin = increases([life.times[each] for each in seen], [life.values[each] for each in seen], SLOTS)
    assert sum(thin) == life.events


@given(_COUNTS)
def test_scrapes_that_fail_never_add_events(steps: list[tuple[int, bool, bool]]) -> None:
    """Where processes end unseen their last events are lost, and none is invented."""
    life = Life(steps)
    seen = [index for index in range(len(steps)) if not steps[index][2]]
    thin = increases(
        [life.times[each] for each in seen],
        [life.values[each] for each in seen],
        range(900, 901, 900),
        breaks=life.breaks,
    )
    assert 0 <= sum(thin) <= life.events
