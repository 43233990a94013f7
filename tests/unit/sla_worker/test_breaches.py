"""The life of a breach as pure values."""

from __future__ import annotations

import pytest

from sla_worker.breaches import (
    Change,
    OpenBreach,
    Opened,
    Point,
    Resolved,
    Rule,
    Span,
    Track,
    Worsened,
    derive,
    step,
)
from sla_worker.model import Comparison, Measurement, State, Status

SLOT = 9000
LASTING = OpenBreach(started_at=6000, worst=0.02)


def row(state: State, actual: float | None = None) -> Measurement:
    return Measurement("a", "all", SLOT, 1, 1, 1, actual, 0.01, state, Status.GOOD)


@pytest.mark.parametrize(
    ("before", "state", "actual", "change"),
    [
        (None, State.MET, 0.0, None),
        (None, State.BREACHED, 0.05, Opened(8700, 0.05)),  # 9000 - 300: where the slot begins
        (LASTING, State.BREACHED, 0.05, Worsened(0.05)),
        (LASTING, State.BREACHED, 0.015, None),
        (LASTING, State.BREACHED, None, None),
        (OpenBreach(6000, None), State.BREACHED, 0.015, Worsened(0.015)),
        (LASTING, State.MET, 0.0, Resolved(8700)),
        (OpenBreach(8700, 0.05), State.MET, 0.0, Resolved(8700)),  # its own slot, computed again
        (LASTING, State.NO_DATA, None, None),
        (LASTING, State.NO_TRAFFIC, None, None),
        (LASTING, State.PARTIAL, 0.05, None),
        (None, State.PARTIAL, 0.05, None),
    ],
)
def test_what_a_row_does_to_a_breach(
    before: OpenBreach | None, state: State, actual: float | None, change: Change | None
) -> None:
    rule = Rule(Comparison.AT_MOST, 300)
    assert step(Track(before), row(state, actual), rule)[1] == change


def test_the_worst_value_of_what_must_be_high_is_the_lowest() -> None:
    lower, higher = row(State.BREACHED, 0.9), row(State.BREACHED, 0.98)
    lasting = OpenBreach(6000, 0.95)
    rule = Rule(Comparison.AT_LEAST, 300)
    assert step(Track(lasting), lower, rule)[1] == Worsened(0.9)
    assert step(Track(lasting), higher, rule)[1] is None


GOOD, BAD, NONE = State.MET, State.BREACHED, State.NO_DATA


def spans(text: str, breach_after: int, recover_after: int) -> list[tuple[int, int | None, float | None]]:
    """The breaches of slots written as `g`, `1` to `9` (bad, so many hundredths), `.` (not judged).

    Slot number n begins at n and ends at n + 1.
    """
    rows = [
        Point(number + 1, {"g": GOOD, ".": NONE}.get(sign, BAD), int(sign) / 100 if sign.isdigit() else None)
        for number, sign in enumerate(text)
    ]
    rule = Rule(Comparison.AT_MOST, 1, breach_after, recover_after)
    return [(each.started_at, each.ended_at, each.worst) for each in derive(rows, rule)]


@pytest.mark.parametrize(
    ("text", "after", "recover", "expected"),
    [
        ("g5g", 1, 1, [(1, 2, 0.05)]),
        ("g5g6", 1, 1, [(1, 2, 0.05), (3, None, 0.06)]),
        ("g5g55g", 2, 1, [(3, 5, 0.05)]),  # one bad slot is none
        ("g57g", 2, 1, [(1, 3, 0.07)]),  # it began with the first of the two
        ("g5.7g", 2, 1, [(1, 4, 0.07)]),  # what cannot be judged neither counts nor interrupts
        ("5g5gg", 1, 2, [(0, 3, 0.05)]),  # one good slot ends nothing; two end it where they begin
        ("5g.g", 1, 2, [(0, 1, 0.05)]),
        ("5g", 1, 2, [(0, None, 0.05)]),
        ("55g5gg", 2, 2, [(0, 4, 0.05)]),
        ("", 1, 1, []),
    ],
)
def test_so_many_bad_slots_open_a_breach_and_so_many_good_ones_end_it(
    text: str, after: int, recover: int, expected: list[tuple[int, int | None, float | None]]
) -> None:
    assert spans(text, after, recover) == expected


def test_the_breach_of_a_component_that_was_gone_ended_with_its_last_slot() -> None:
    rows = [Point(300, BAD, 0.5), Point(300 + 86_700, BAD, 0.6)]
    asked: list[tuple[int, int]] = []

    def gone(last: int, until: int) -> bool:
        asked.append((last, until))
        return True

    rule = Rule(Comparison.AT_MOST, 300)
    assert derive(rows, rule, gone=gone) == [Span(0, 300, 0.5), Span(86_700, None, 0.6)]
    assert asked == [(300, 87_000)]
    assert derive(rows, rule) == [Span(0, None, 0.6)]
