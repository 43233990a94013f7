"""The calculation of values and scores by hand, on figures that need no calculator."""

from __future__ import annotations

from fractions import Fraction

import pytest

from simulation.series import Scrape, Target, counter, gauge
from truth.forms import Form, Member
from truth.policy import Policy
from truth.scores import Kept, Score, score
from truth.values import BY_HAND, DEPTH, USE, Beyond, Samples, View

ONE = Target("demo-app", "one")
REQUESTS = counter("insa_agent_requests_total", ("agent", "crm"))
QUEUE = gauge(DEPTH, ("worker_name", "w"))


def at_the_end(expression: str, samples: dict[int, dict[str, float]]) -> list[object]:
    """The values of an expression at second 300, from samples by second."""
    told: dict[int, list[object]] = {}

    def evaluate(slot: int, view: View) -> None:
        told[slot] = [value for _, value in BY_HAND[expression](view)]

    kept = Samples(300, evaluate)
    metrics = {"requests": REQUESTS, "queue": QUEUE}
    for second, values in sorted(samples.items()):
        found = tuple((metrics[name], value) for name, value in values.items())
        kept.take(Scrape(second * 1000, ONE, 1, None, found))
    kept.close(300_000)
    return told[300]


RATE = "60 * sum(rate(insa_agent_requests_total[$slot]))"


@pytest.mark.parametrize(
    ("values", "a_minute"),
    [
        # Six scrapes from 20 to 270, 50 s apart: from 100 it rose by 50. Both ends of the slot are nearer
        # than 55 s, so 300 s count: 60 in 300 s are 12 a minute.
        ((100, 110, 120, 130, 140, 150), 12),
        # 10 + 10, then from zero to 5, + 10 + 10: 45 in 250 s, extrapolated 54 in 300 s, 10.8 a minute.
        ((100, 110, 120, 5, 15, 25), Fraction(54, 5)),
        # From 1 it rose by 50 in 250 s: it was zero 5 s before, so 285 s count: 57 in 300 s.
        ((1, 11, 21, 31, 41, 51), Fraction(57, 5)),
    ],
)
def test_a_rate_is_extrapolated_to_the_ends(values: tuple[float, ...], a_minute: Fraction) -> None:
    samples = {20 + 50 * number: {"requests": value} for number, value in enumerate(values)}
    assert at_the_end(RATE, samples) == [a_minute]


def test_a_slot_has_the_samples_after_its_beginning_up_to_its_end() -> None:
    """At 0 is the slot before, at 300 this one: (10 + 20) ÷ 2."""
    samples: dict[int, dict[str, float]] = {0: {"queue": 90}, 150: {"queue": 10}, 300: {"queue": 20}}
    assert at_the_end(f"avg_over_time({DEPTH}[$slot])", samples) == [15]


def test_a_score_leaves_out_members_without_events() -> None:
    """60 of a (9 ÷ 10) and 20 of the category of b and c (1 and 1 ÷ 2: 3 ÷ 4); d, 20, has no events.

    (54 + 15) ÷ 80; coverage (60 · 1 + 20 · 3 ÷ 4 + 20 · 1 ÷ 2) ÷ 100.
    """
    members = (
        Member(Fraction(60), "a", None),
        Member(Fraction(20), None, "x"),
        Member(Fraction(20), "d", None),
    )
    forms = [form("a"), form("b", "x"), form("c", "x"), form("d")]
    kept = {
        "a": Kept(Fraction(9), Fraction(10), Fraction(1)),
        "b": Kept(Fraction(4), Fraction(4), Fraction(1)),
        "c": Kept(Fraction(1), Fraction(2), Fraction(1, 2)),
        "d": Kept(Fraction(0), Fraction(0), Fraction(1, 2)),
    }
    found = score(form("s", members=members), forms, lambda each: kept[each.key])
    assert found == Score(Fraction(69, 80), Fraction(85, 100))


def form(key: str, category: str = "none", *, members: tuple[Member, ...] = ()) -> Form:
    return Form(key, category, "events", "all", (), (), Policy(Fraction(1)), members=members)


def test_a_division_by_zero_is_no_number_or_beyond_all_of_them() -> None:
    """An engine may leave out 0 ÷ 0; 30 ÷ 0 is in its answer, and no event either."""
    expression = f"sum(sum_over_time({DEPTH}[$slot])) / sum(sum_over_time({USE}[$slot]))"
    use = gauge(USE, ("worker_name", "w"))
    for depth, value in ((0, None), (30, Beyond.INFINITY)):
        told: list[object] = []
        kept = Samples(300, lambda _, view: told.extend(each for _, each in BY_HAND[expression](view)))  # noqa: B023
        kept.take(Scrape(100_000, ONE, 1, None, ((QUEUE, float(depth)), (use, 0.0))))
        kept.close(300_000)
        assert told == [value]
