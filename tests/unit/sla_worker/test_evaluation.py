"""The arithmetic from counts to state and status, by hand and over everything hypothesis thinks of."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_worker.definitions import read_definitions
from sla_worker.evaluation import allowance_used, evaluate, meets, status_of
from sla_worker.model import Comparison, Definition, Figures, NoData, Policy, State, Status

UPTIME, LATENCY, ERRORS = read_definitions(Path(__file__).parent / "definitions" / "three.yml")
AT_LEAST, AT_MOST = Comparison.AT_LEAST, Comparison.AT_MOST


@pytest.mark.parametrize(
    ("comparison", "target", "actual", "unit", "used"),
    [
        (AT_LEAST, 0.9, 0.95, "ratio", 0.5),  # 0.05 of 0.1
        (AT_LEAST, 90, 80, "percent", 2),  # 20 of 10
        (AT_LEAST, 0.999, 0.999, "ratio", 1),  # the target itself, whatever floats say
        (AT_MOST, 5, 2.5, "seconds", 0.5),
        (AT_MOST, 0.001, 0.003, "ratio", 3),
        (AT_LEAST, 300, 600, "seconds", 0.5),  # a value that must be high: target ÷ actual
        (AT_LEAST, 100, 0, "requests", math.inf),
        (AT_LEAST, 1, 1, "ratio", 0),  # 100 % allows nothing, and nothing was used
        (AT_LEAST, 1, 0.9999, "ratio", math.inf),
        (AT_MOST, 0, 0, "ratio", 0),
        (AT_MOST, 0, 0.01, "ratio", math.inf),
    ],
)
def test_the_share_of_the_allowance(
    comparison: Comparison, target: float, actual: float, unit: str, used: float
) -> None:
    assert allowance_used(comparison, target, actual, unit) == pytest.approx(used)


@pytest.mark.parametrize(
    ("used", "status"),
    [
        (0, Status.EXCELLENT), (0.5, Status.EXCELLENT), (0.51, Status.GOOD), (1, Status.GOOD),
        (1.01, Status.POOR), (2, Status.POOR), (2.01, Status.CRITICAL), (math.inf, Status.CRITICAL),
    ],
)  # fmt: skip
def test_the_status_by_share(used: float, status: Status) -> None:
    assert status_of(used) is status


@pytest.mark.parametrize(
    ("figures", "state", "status", "actual"),
    [
        # 1 error of 1,000 is the target itself: all of the allowance, and met
        (Figures(999, 1000, 1), State.MET, Status.GOOD, 0.001),
        (Figures(9998, 10000, 1), State.MET, Status.EXCELLENT, 0.0002),
        (Figures(998, 1000, 1), State.BREACHED, Status.POOR, 0.002),
        (Figures(90, 100, 1), State.BREACHED, Status.CRITICAL, 0.1),
        (Figures(0, 0, 1), State.NO_TRAFFIC, Status.NO_TRAFFIC, None),
        (Figures(50, 100, 0.85), State.PARTIAL, Status.PARTIAL, 0.5),
        (Figures(100, 100, 0.95), State.MET, Status.EXCELLENT, 0),
        (Figures(), State.NO_DATA, Status.NO_DATA, None),
        (Figures(5, 5, None), State.NO_DATA, Status.NO_DATA, None),
        (Figures(math.nan, math.nan, 1), State.NO_TRAFFIC, Status.NO_TRAFFIC, None),
        (Figures(1.7e308, 1.7e308, 1), State.NO_TRAFFIC, Status.NO_TRAFFIC, None),  # a way to say "no limit"
        (Figures(12, 10, 1), State.MET, Status.EXCELLENT, 0),  # good is held to total
    ],
)
def test_an_error_rate(figures: Figures, state: State, status: Status, actual: float | None) -> None:
    row = evaluate(ERRORS, 300, figures)
    assert (row.state, row.status, row.actual) == (state, status, actual)


@pytest.mark.parametrize(
    ("figures", "state", "status"),
    [
        (Figures(99, 100, 1, 2.5), State.MET, Status.EXCELLENT),
        (Figures(96, 100, 1, 4.9), State.MET, Status.GOOD),
        (Figures(95, 100, 1, 5.01), State.MET, Status.GOOD),  # the counts win over the interpolation
        (Figures(94, 100, 1, 4.99), State.BREACHED, Status.POOR),
        (Figures(50, 100, 1, 20), State.BREACHED, Status.CRITICAL),
        (Figures(80, 100, 1, None), State.BREACHED, Status.CRITICAL),  # without it: 0.2 of 0.05
    ],
)
def test_a_latency(figures: Figures, state: State, status: Status) -> None:
    row = evaluate(LATENCY, 300, figures)
    assert (row.state, row.status) == (state, status)


@pytest.mark.parametrize(
    ("figures", "state", "status", "counts"),
    [
        (Figures(9, 9, 1), State.LOW_TRAFFIC, Status.LOW_TRAFFIC, (9, 9)),
        (Figures(0, 9, 1), State.LOW_TRAFFIC, Status.LOW_TRAFFIC, (0, 9)),  # nine errors of nine are too few
        (Figures(10, 10, 1), State.MET, Status.EXCELLENT, (10, 10)),
        (Figures(0, 0, 1), State.NO_TRAFFIC, Status.NO_TRAFFIC, (0, 0)),
        (Figures(9, 9, 0.5), State.PARTIAL, Status.PARTIAL, (9, 9)),
        (Figures(), State.NO_DATA, Status.NO_DATA, (0, 0)),
    ],
)
def test_below_the_minimum_of_events_nothing_is_judged(
    figures: Figures, state: State, status: Status, counts: tuple[float, float]
) -> None:
    row = evaluate(replace(ERRORS, policy=Policy(minimum_events=10)), 300, figures)
    assert (row.state, row.status, (row.good, row.total)) == (state, status, counts)


def test_no_data_is_one_bad_event_where_the_policy_says_so() -> None:
    strict = replace(ERRORS, policy=Policy(no_data=NoData.BAD, minimum_events=10))
    row = evaluate(strict, 300, Figures())
    assert (row.state, row.status) == (State.BREACHED, Status.CRITICAL)
    assert (row.good, row.total, row.coverage, row.actual) == (0, 1, 0, None)
    assert evaluate(strict, 300, Figures(0, 0, 1)).state is State.NO_TRAFFIC  # measured: there was nothing
    assert evaluate(strict, 300, Figures(), in_service=False).state is State.OUT_OF_HOURS


def test_out_of_hours_the_counts_are_kept_and_judge_nothing() -> None:
    for figures in (Figures(0, 100, 1), Figures(0, 100, 0.1), Figures(0, 0, 1)):
        row = evaluate(ERRORS, 300, figures, in_service=False)
        assert (row.state, row.status, row.compliant) == (State.OUT_OF_HOURS, Status.OUT_OF_HOURS, None)
        assert row.total == figures.total


def test_one_failed_scrape_of_twenty_breaches_three_nines() -> None:
    assert evaluate(UPTIME, 300, Figures(19, 20, 1)).state is State.BREACHED


counts = st.one_of(st.none(), st.floats(), st.integers(0, 10**9).map(float))


@given(
    good=counts,
    total=counts,
    coverage=counts,
    actual=counts,
    which=st.sampled_from((UPTIME, LATENCY, ERRORS)),
    policy=st.builds(Policy, minimum_events=st.floats(0, 1e6), no_data=st.sampled_from(NoData)),
    in_service=st.booleans(),
)
def test_no_row_can_poison_a_sum(
    *,
    good: float | None,
    total: float | None,
    coverage: float | None,
    actual: float | None,
    which: Definition,
    policy: Policy,
    in_service: bool,
) -> None:
    definition = replace(which, policy=policy)
    row = evaluate(definition, 300, Figures(good, total, coverage, actual), in_service=in_service)
    assert 0 <= row.good <= row.total < math.inf
    assert 0 <= row.coverage <= 1
    assert row.actual is None or math.isfinite(row.actual)
    judged = row.state in (State.MET, State.BREACHED)
    assert judged == (row.compliant is not None) == (row.status <= Status.CRITICAL)
    assert (row.state is State.MET) == (row.status <= Status.GOOD)


@given(good=st.integers(0, 10**6), bad=st.integers(0, 10**6))
def test_state_and_integers_agree(good: int, bad: int) -> None:
    """bad ÷ total ≤ 1 ÷ 1000 exactly when 1000 · bad ≤ total."""
    total = good + bad
    if total == 0:
        return
    row = evaluate(ERRORS, 300, Figures(float(good), float(total), 1))
    assert (row.state is State.MET) == (1000 * bad <= total)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_met_ratio_never_uses_more_than_its_allowance(target: float, actual: float) -> None:
    if meets(AT_LEAST, target, actual):
        assert allowance_used(AT_LEAST, target, actual, "ratio") <= 1
