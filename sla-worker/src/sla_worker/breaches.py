"""The life of a breach, as pure values: what rows of the ledger do to it, one by one or all at once.

`step` follows one more row; `derive` follows all rows of a span, where some came late or changed. Both are
the same machine, so both say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from sla_worker.model import Comparison, State

GONE_SECONDS = 86_400
"""A component without rows for so long, while others of its SLA were measured, is gone."""


class Judged(Protocol):
    """What a row of the ledger says; a Measurement is one."""

    @property
    def slot(self) -> int: ...
    @property
    def state(self) -> State: ...
    @property
    def actual(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Point:
    """A row of the ledger, without what breaches do not need."""

    slot: int
    state: State
    actual: float | None


@dataclass(frozen=True, slots=True)
class Rule:
    """How an SLA's rows make breaches: so many bad slots in a row open one, so many good ones end it."""

    comparison: Comparison
    slot_seconds: int
    breach_after: int = 1
    recover_after: int = 1


@dataclass(frozen=True, slots=True)
class OpenBreach:
    """A breach that lasts. `worst` is None while no value of it is known."""

    started_at: int
    worst: float | None


@dataclass(frozen=True, slots=True)
class Track:
    """Where a series of rows stands: the breach that lasts, and the run of slots that may open or end one.

    The run is of bad slots without a breach and of good ones within it. `run_worst` is of bad ones.
    """

    breach: OpenBreach | None = None
    run: int = 0
    run_began: int = 0
    run_worst: float | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A breach begins, perhaps some slots ago. Owe its mail."""

    started_at: int
    worst: float | None


@dataclass(frozen=True, slots=True)
class Worsened:
    """The breach goes on and has a new worst value."""

    worst: float


@dataclass(frozen=True, slots=True)
class Resolved:
    """The breach is over since the beginning of the first slot that met the target, or was excluded."""

    ended_at: int


Change = Opened | Worsened | Resolved


@dataclass(frozen=True, slots=True)
class Span:
    """A whole breach; `ended_at` is None while it lasts."""

    started_at: int
    ended_at: int | None
    worst: float | None

    def touches(self, started_at: int, ended_at: int | None) -> bool:
        """Whether another span shares a moment with this one."""
        return (self.ended_at is None or started_at < self.ended_at) and (
            ended_at is None or self.started_at < ended_at
        )


def step(track: Track, row: Judged, rule: Rule) -> tuple[Track, Change | None]:
    """The track after one more row, and what the row changes; rows come in the order of their slots.

    A row that cannot be judged (no data, no traffic, partial …) neither counts nor interrupts a run. One that
    is excluded ends what lasts: time that does not count is no time in breach, and the first bad slot after
    it begins a breach of its own.
    """
    if row.state is State.MET:
        return _good(track, row.slot - rule.slot_seconds, rule)
    if row.state is State.BREACHED:
        return _bad(track, row, rule)
    if row.state is State.EXCLUDED:
        lasting = track.breach
        began = row.slot - rule.slot_seconds
        return Track(), None if lasting is None else Resolved(max(began, lasting.started_at))
    return track, None


def _good(track: Track, began: int, rule: Rule) -> tuple[Track, Change | None]:
    lasting = track.breach
    if lasting is None:
        return Track(), None
    first = track.run_began if track.run else max(began, lasting.started_at)
    if track.run + 1 >= rule.recover_after:
        return Track(), Resolved(first)
    return Track(lasting, track.run + 1, first), None


def _bad(track: Track, row: Judged, rule: Rule) -> tuple[Track, Change | None]:
    lasting = track.breach
    if lasting is not None:
        if row.actual is not None and is_worse(rule.comparison, row.actual, lasting.worst):
            return Track(OpenBreach(lasting.started_at, row.actual)), Worsened(row.actual)
        return Track(lasting), None
    first = track.run_began if track.run else row.slot - rule.slot_seconds
    worst = track.run_worst if track.run else None
    if row.actual is not None and is_worse(rule.comparison, row.actual, worst):
        worst = row.actual
    if track.run + 1 >= rule.breach_after:
        return Track(OpenBreach(first, worst)), Opened(first, worst)
    return Track(None, track.run + 1, first, worst), None


def derive(
    rows: Iterable[Judged],
    rule: Rule | Callable[[int], Rule],
    *,
    track: Track = Track(),
    gone: Callable[[int, int], bool] = lambda *_: False,
) -> list[Span]:
    """The breaches of rows in the order of their slots, oldest first; only the last one may last.

    `rule` may be another one for each slot. `track` is where the series stood before the first row.
    `gone(last, next)` says whether the component was gone between two of its slots that are more than a day
    apart: then its breach ended with the first.
    """
    spans: list[Span] = []
    last: int | None = None
    for row in rows:
        if (
            last is not None
            and track.breach is not None
            and row.slot - last > GONE_SECONDS
            and gone(last, row.slot)
        ):
            spans.append(Span(track.breach.started_at, last, track.breach.worst))
            track = Track()
        last = row.slot
        before = track.breach
        track, change = step(track, row, rule if isinstance(rule, Rule) else rule(row.slot))
        if isinstance(change, Resolved) and before is not None:
            spans.append(Span(before.started_at, change.ended_at, before.worst))
    if track.breach is not None:
        spans.append(Span(track.breach.started_at, None, track.breach.worst))
    return spans


def is_worse(comparison: Comparison, actual: float, worst: float | None) -> bool:
    """Whether a value is further on the bad side than the worst so far (None: no value yet)."""
    if worst is None:
        return True
    return actual < worst if comparison is Comparison.AT_LEAST else actual > worst
