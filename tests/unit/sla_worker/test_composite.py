"""Composites: scores by hand, and what holds for every score."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_worker.composite import Part, score, slot_score
from sla_worker.evaluation import evaluate
from sla_worker.model import Comparison, Definition, Figures, Measurement, Member, State, Status
from sla_worker.sli.composite import CompositeSli

HEALTH = (Member(40, category="availability"), Member(30, category="reliability"), Member(30, sla="latency"))
SCORE = Definition(
    "health",
    "Health",
    "composite",
    "How well.",
    Comparison.AT_LEAST,
    0.95,
    "ratio",
    "high",
    CompositeSli(HEALTH),
)
CATEGORIES = {
    "up": "availability",
    "errors": "reliability",
    "timeouts": "reliability",
    "latency": "performance",
}


def part(key: str, good: float, total: float, coverage: float = 1) -> Part:
    return Part(key, CATEGORIES[key], good, total, coverage)


def row(key: str, good: float, total: float, state: State = State.MET, coverage: float = 1) -> Measurement:
    return Measurement(key, "all", 300, good, total, coverage, None, 0.9, state, Status.GOOD)


def test_the_weighted_mean_of_compliance() -> None:
    # availability 19 ÷ 20; reliability the mean of 0.9 and 0.8; latency 1:
    # (40 · 0.95 + 30 · 0.85 + 30 · 1) ÷ 100 = 0.935
    found = score(
        HEALTH,
        [part("up", 19, 20), part("errors", 90, 100), part("timeouts", 8, 10), part("latency", 5, 5)],
    )
    assert found.ratio == pytest.approx(0.935)
    assert (found.weakest, found.weakest_ratio, found.coverage) == ("timeouts", 0.8, 1)


def test_what_was_not_measured_is_left_out_of_the_weights() -> None:
    # errors had no traffic, so reliability is 0.8 alone; latency has no events: (40 · 0.95 + 30 · 0.8) ÷ 70
    found = score(
        HEALTH, [part("up", 19, 20), part("errors", 0, 0), part("timeouts", 8, 10), part("latency", 0, 0)]
    )
    assert found.ratio == pytest.approx(62 / 70)
    assert score(HEALTH, [part("up", 0, 0)]).ratio is None
    assert score(HEALTH, []).coverage == 0


def test_components_of_an_sla_count_by_their_events() -> None:
    # 99 of 100 and 0 of 100 are 99 of 200, not the mean of two ratios that weigh alike whatever their traffic
    found = score((Member(100, sla="up"),), [part("up", 99, 100), part("up", 0, 100)])
    assert found.ratio == pytest.approx(0.495)


def test_coverage_is_that_of_the_members() -> None:
    # availability half covered, reliability whole, latency not at all: (40 · 0.5 + 30 · 1 + 30 · 0) ÷ 100
    found = score(HEALTH, [part("up", 1, 1, 0.5), part("errors", 1, 1), part("latency", 0, 0, 0)])
    assert found.coverage == pytest.approx(0.5)
    assert found.ratio == 1


def test_a_slot_is_one_event() -> None:
    rows = [row("up", 19, 20), row("errors", 90, 100, State.BREACHED), row("latency", 1, 1)]
    figures, _ = slot_score(SCORE, rows, CATEGORIES)
    # (40 · 0.95 + 30 · 0.9 + 30) ÷ 100 = 0.95, the target itself, which is met
    assert (figures.good, figures.actual) == (1, 0.95)
    good, _ = slot_score(SCORE, [row("up", 20, 20), row("errors", 90, 100)], CATEGORIES)
    assert (good.good, good.total, good.coverage) == (1, 1, 1)
    assert evaluate(SCORE, 300, good).state is State.MET
    bad, _ = slot_score(SCORE, [row("up", 10, 20)], CATEGORIES)
    measured = evaluate(SCORE, 300, bad)
    assert (measured.state, measured.actual, measured.good, measured.total) == (State.BREACHED, 0.5, 0, 1)


def test_slots_that_judge_nothing_do_not_count() -> None:
    low = [
        row("up", 20, 20),
        row("errors", 0, 3, State.LOW_TRAFFIC),
        row("latency", 0, 9, State.OUT_OF_HOURS),
    ]
    figures, found = slot_score(SCORE, low, CATEGORIES)
    assert (figures.actual, figures.coverage, found.weakest) == (1, 1, "up")
    none, _ = slot_score(SCORE, [row("up", 0, 0, State.NO_DATA, 0)], CATEGORIES)
    assert evaluate(SCORE, 300, none).state is State.NO_DATA
    quiet, _ = slot_score(SCORE, [row("up", 0, 0, State.NO_TRAFFIC)], CATEGORIES)
    assert evaluate(SCORE, 300, quiet).state is State.NO_TRAFFIC
    hidden, _ = slot_score(SCORE, [row("up", 20, 20, coverage=0.5)], CATEGORIES)
    assert evaluate(SCORE, 300, hidden).state is State.PARTIAL


_COUNTS = st.tuples(st.integers(0, 1000), st.integers(0, 1000))


@given(st.lists(st.tuples(st.sampled_from(sorted(CATEGORIES)), _COUNTS), max_size=8))
def test_a_score_lies_between_the_worst_and_the_best(counts: list[tuple[str, tuple[int, int]]]) -> None:
    parts = [part(key, good, good + bad) for key, (good, bad) in counts]
    found = score(HEALTH, parts)
    ratios = [
        sum(each.good for each in parts if each.key == key) / total
        for key in CATEGORIES
        if (total := sum(each.total for each in parts if each.key == key))
    ]
    assert (found.ratio is None) == (not ratios)
    if found.ratio is not None:
        assert min(ratios) - 1e-9 <= found.ratio <= max(ratios) + 1e-9
        assert found.weakest_ratio == min(ratios)
    assert Figures(coverage=found.coverage).coverage in (0, 1)
