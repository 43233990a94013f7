"""The life of a breach as pure values."""

from __future__ import annotations

import pytest

from sla_worker.breaches import Change, OpenBreach, Opened, Resolved, Worsened, follow
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
    assert follow(before, row(state, actual), comparison=Comparison.AT_MOST, slot_seconds=300) == change


def test_the_worst_value_of_what_must_be_high_is_the_lowest() -> None:
    lower, higher = row(State.BREACHED, 0.9), row(State.BREACHED, 0.98)
    lasting = OpenBreach(6000, 0.95)
    assert follow(lasting, lower, comparison=Comparison.AT_LEAST, slot_seconds=300) == Worsened(0.9)
    assert follow(lasting, higher, comparison=Comparison.AT_LEAST, slot_seconds=300) is None
