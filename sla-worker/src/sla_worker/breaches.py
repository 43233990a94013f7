"""The life of a breach, as pure values: what one more row of the ledger does to it."""

from __future__ import annotations

from dataclasses import dataclass

from sla_worker.model import Comparison, Measurement, State


@dataclass(frozen=True, slots=True)
class OpenBreach:
    """A breach that lasts. `worst` is None while no value of it is known."""

    started_at: int
    worst: float | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A breach begins, with the slot that showed it. Owe its mail."""

    started_at: int
    worst: float | None


@dataclass(frozen=True, slots=True)
class Worsened:
    """The breach goes on and has a new worst value."""

    worst: float


@dataclass(frozen=True, slots=True)
class Resolved:
    """The breach is over since the beginning of the slot that met the target."""

    ended_at: int


Change = Opened | Worsened | Resolved


def follow(
    open_breach: OpenBreach | None, row: Measurement, *, comparison: Comparison, slot_seconds: int
) -> Change | None:
    """What the row changes; None: nothing.

    A row that cannot be judged (no data, no traffic, partial) neither opens nor resolves a breach. Rows must
    come in the order of their slots; the newest one may come again.
    """
    began = row.slot - slot_seconds
    if row.state is State.MET:
        return None if open_breach is None else Resolved(max(began, open_breach.started_at))
    if row.state is not State.BREACHED:
        return None
    if open_breach is None:
        return Opened(began, row.actual)
    if row.actual is not None and is_worse(comparison, row.actual, open_breach.worst):
        return Worsened(row.actual)
    return None


def is_worse(comparison: Comparison, actual: float, worst: float | None) -> bool:
    """Whether a value is further on the bad side than the worst so far (None: no value yet)."""
    if worst is None:
        return True
    return actual < worst if comparison is Comparison.AT_LEAST else actual > worst
