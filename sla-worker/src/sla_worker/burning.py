"""How fast an error budget burns for certain: what the alerts on error budgets read.

    burn rate           = bad share ÷ allowed share
    sustained burn rate = the lesser of the burn rates over a long window and over its last twelfth

The long window says that much of the budget is gone, the short one that it still burns: soon after the
recovery the sustained rate is 0. Two bounds of it say what is known. While both windows are measured they are
equal. A window that is not measured well enough, or a short one without events, may have burned at any rate:
the least is 0 then, so that no alert begins, and the most is what the known window allows, so that none ends.

Three days' short window is six hours, in which an outage may be long over. Where most of what three days
burned was burned in it, its own last twelfth must burn too; else it was no outage: it burns in small pieces.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sla_worker.conventions import (
    ALERT_WINDOWS,
    BUDGET_SECONDS,
    BURN_EVEN,
    BURN_NOTHING,
    BURN_SHORT_PART,
    MINIMUM_COVERAGE,
    STEADY,
)
from sla_worker.model import SLAStatus

_MINIMUM_BAD_EVENTS = 10
_MINIMUM_BAD_SLOTS = 2


class Counted(Protocol):
    """What was counted in a window; an SLAStatus is one."""

    @property
    def good(self) -> float: ...
    @property
    def total(self) -> float: ...
    @property
    def coverage_ratio(self) -> float: ...
    @property
    def held_to_ratio(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Pair:
    """A long window and the short one, in seconds; `name` is the long one's label.

    `budget_seconds` is what the error budget is of. `last_seconds`: the last twelfth of a short window in
    which an outage may be over; None where it is too short for that.
    """

    name: str
    long_seconds: int
    short_seconds: int
    budget_seconds: int = BUDGET_SECONDS
    last_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Sustained:
    """The bounds of a sustained burn rate."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Burning:
    """What the ledger says of a pair of windows. Without short windows none was needed: nothing burns.

    `last`: of the last twelfth of the short one, where an outage in that may be over.
    """

    long: Sequence[SLAStatus]
    short: Sequence[SLAStatus] = ()
    budget_seconds: int = BUDGET_SECONDS
    last: Sequence[SLAStatus] = ()


def pairs(slot_seconds: int, time_scale: int = 1) -> list[Pair]:
    """The windows of the alerts: 1h with 5m, 6h with 30m, 3d with 6h and its 30m. Each is at least one slot.

    `time_scale`: in tests with compressed time they, and the time of the budget, are so many times shorter.
    """

    def scaled(seconds: int) -> int:
        return max(seconds // time_scale, slot_seconds)

    return [
        Pair(
            name,
            scaled(seconds),
            scaled(seconds // BURN_SHORT_PART),
            BUDGET_SECONDS // time_scale,
            scaled(seconds // BURN_SHORT_PART**2) if name == STEADY else None,
        )
        for name, seconds in ALERT_WINDOWS.items()
    ]


def needs_short(long: Iterable[SLAStatus]) -> bool:
    """Whether any SLA burns faster than allowed, or may do so."""
    return any(each.meets_target is False or not _measured(each) for each in long)


def minimum_bad_events(*, one_event_a_slot: bool) -> int:
    """How many bad events a long window must have for an alert: one bad request in a quiet hour is none."""
    return _MINIMUM_BAD_SLOTS if one_event_a_slot else _MINIMUM_BAD_EVENTS


def current(statuses: Sequence[SLAStatus]) -> list[SLAStatus]:
    """Those whose component is there: one that the SLA's newest slot lacks is gone, and burns nothing."""
    newest: dict[str, int] = {}
    for each in statuses:
        newest[each.key] = max(newest.get(each.key, 0), each.slot or 0)
    return [each for each in statuses if (each.slot or 0) == newest[each.key]]


def sustained(
    long: Counted, short: Counted | None, rates: tuple[float | None, float | None], minimum_bad: int
) -> Sustained:
    """The bounds for one SLA and component; `rates` are the burn rates of both windows, None without events.

    Without events the long window has burned nothing. Something of the long window must be allowed to be bad.
    """
    of_long = (rates[0] or BURN_NOTHING) if _measured(long) else None
    of_short = rates[1] if short is not None and _measured(short) else None
    most = min(_most(long, of_long), _most(short or long, of_short))
    enough = long.total - long.good >= minimum_bad
    known = of_long is not None and of_short is not None
    return Sustained(most if known and enough else BURN_NOTHING, most)


def is_over(long: Counted, short: Counted | None, last: Counted | None, rate: float | None) -> bool:
    """Whether it was an outage within the short window, and is over; `rate` is the burn rate of `last`.

    So it is known to be where most of the bad events lie in the short window, and its last twelfth is calm.
    """
    if short is None or last is None or rate is None:
        return False
    mostly = 2 * (short.total - short.good) > long.total - long.good
    return mostly and rate <= BURN_EVEN and all(map(_measured, (long, short, last)))


def _most(status: Counted, rate: float | None) -> float:
    """The burn rate, or, where it is not known, what it is when all is bad."""
    allowed = 1 - status.held_to_ratio
    if rate is not None:
        return rate
    return 1 / allowed if allowed > 0 else math.inf


def _measured(status: Counted) -> bool:
    return status.coverage_ratio >= MINIMUM_COVERAGE
