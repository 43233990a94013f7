"""Counts of the last minute."""

from demo_app.recent import Recent, RecentCounts
from unit.demo_app.simulation import FakeClock


def test_before_the_second_sample_time_and_counts_are_zero(clock: FakeClock) -> None:
    recent = Recent(clock, lambda: {"calls": 7})

    assert recent.reading() == RecentCounts(0, {"calls": 0}, {"calls": []})


def test_it_gives_the_growth_of_each_second_and_of_the_window(clock: FakeClock) -> None:
    counts = {"good": 10, "bad": 0}
    recent = Recent(clock, lambda: dict(counts))
    for good, bad in ((3, 0), (0, 2), (1, 0)):
        counts["good"] += good
        counts["bad"] += bad
        clock.now += 1
        recent.observe()

    assert recent.reading() == RecentCounts(3, {"good": 4, "bad": 2}, {"good": [3, 0, 1], "bad": [0, 2, 0]})


def test_what_is_older_than_sixty_samples_is_forgotten(clock: FakeClock) -> None:
    calls = 0
    recent = Recent(clock, lambda: {"calls": calls})
    for second in range(1, 101):
        calls += second
        clock.now += 1
        recent.observe()

    reading = recent.reading()
    assert (reading.seconds, len(reading.history["calls"])) == (60, 60)
    assert reading.counts["calls"] == sum(range(41, 101)) == 4230  # the seconds 41 to 100
