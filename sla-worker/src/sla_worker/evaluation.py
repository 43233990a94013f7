"""Pure arithmetic: from counts to state and status. Compares unrounded; rounding is for rendering."""

from __future__ import annotations

import math

from sla_worker.conventions import MINIMUM_COVERAGE, STATUS_LIMITS
from sla_worker.model import (
    UNDIVIDED,
    Comparison,
    Definition,
    Figures,
    Measurement,
    NoData,
    Policy,
    State,
    Status,
)

_TOO_LARGE = 1e300
_PERCENT = ("percent", "percentage", "%")

_LIMITS = tuple(zip(STATUS_LIMITS, Status, strict=False))

_UNJUDGED: dict[State, Status] = {
    state: Status[state.name] for state in State if state not in (State.MET, State.BREACHED)
}


def allowance_used(comparison: Comparison, target: float, actual: float, unit: str) -> float:
    """The share of what is allowed that is used; 1 is exactly the target, infinity is without limit.

    A ratio that must be high allows 1 - target (100 - target in percent) and uses 1 - actual of it.
    A value that must be low is used as actual ÷ target, one that must be high as target ÷ actual.
    Where nothing is allowed (a target of 100 %, or of 0), nothing used is 0 and anything is infinity.
    """
    if comparison is Comparison.AT_MOST:
        used, allowed = actual, target
    elif unit == "ratio" or unit in _PERCENT:
        full = 1.0 if unit == "ratio" else 100.0
        used, allowed = full - actual, full - target
        if actual == target:  # 1 - 0.999 is not what (1000 - 999) / 1000 is; the target itself is met
            return 1.0 if allowed > 0 else 0.0
    else:
        used, allowed = target, actual
    if allowed <= 0:
        return 0.0 if used <= 0 else math.inf
    return max(used, 0.0) / allowed


def status_of(used: float) -> Status:
    """Up to 0.5 excellent, up to 1 good, up to 2 poor, above critical."""
    for limit, status in _LIMITS:
        if used <= limit:
            return status
    return Status.CRITICAL


def meets(comparison: Comparison, target: float, actual: float) -> bool:
    """Whether a value is on the good side of its target; the target itself is good."""
    return actual >= target if comparison is Comparison.AT_LEAST else actual <= target


def _finite(value: float | None) -> float | None:
    """None for what is not a number, or so large (1.8e308 says "no limit") that sums could not be stored."""
    return value if value is not None and abs(value) < _TOO_LARGE else None


def _unjudged(policy: Policy, total: float, coverage: float) -> State | None:
    """The state of a slot in service that judges nothing; None when its counts do."""
    if coverage <= 0:
        return None if policy.no_data is NoData.BAD else State.NO_DATA
    if coverage < MINIMUM_COVERAGE:
        return State.PARTIAL
    if total <= 0:
        return State.NO_TRAFFIC
    return State.LOW_TRAFFIC if total < policy.minimum_events else None


def judged_status(*, kept: bool, used: float) -> Status:
    """The status of a slot that was judged: the exact counts say whether it was `kept`.

    The share used may come from an interpolated percentile, a hair on the other side of the target; the
    counts win.
    """
    status = status_of(used)
    return min(status, Status.GOOD) if kept else max(status, Status.POOR)


def evaluate(
    definition: Definition,
    slot: int,
    figures: Figures,
    *,
    component: str = UNDIVIDED,
    in_service: bool = True,
    late: bool = False,
    final: bool = True,
) -> Measurement:
    """One slot of one component of an SLA as a row of the ledger; `in_service`: it lies in the service hours.

    Figures that are no numbers, or beyond 1e300, count as not there: one would poison every sum of a month.
    Good is held to total: a reset that only one of two counters shows could exceed it. Where the policy says
    that no data are bad, a slot without any is one bad event. The counts stand in the row whatever its state:
    who sums leaves out the states that do not count.
    """
    policy = definition.policy
    total = max(_finite(figures.total) or 0.0, 0.0)
    good = min(max(_finite(figures.good) or 0.0, 0.0), total)
    coverage = min(max(_finite(figures.coverage) or 0.0, 0.0), 1.0)
    judgement = None
    if coverage <= 0:
        good = total = 0.0
    elif total > 0:
        judgement = definition.sli.judge(definition, good, total, _finite(figures.actual))
    state = State.OUT_OF_HOURS if not in_service else _unjudged(policy, total, coverage)
    if state is not None:
        status = _UNJUDGED[state]
    elif judgement is None:  # no data, which the policy calls bad
        state, status, total = State.BREACHED, Status.CRITICAL, 1.0
    else:
        state = State.MET if judgement.kept else State.BREACHED
        status = judged_status(kept=judgement.kept, used=judgement.used)
    return Measurement(
        key=definition.key,
        component=component,
        slot=slot,
        good=good,
        total=total,
        coverage=coverage,
        actual=None if judgement is None else judgement.actual,
        target=definition.target,
        state=state,
        status=status,
        late=late,
        final=final,
    )
