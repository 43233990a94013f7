"""Why a breach may have begun: the alerts that fired then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BeganBreach:
    """A breach whose causes are to be asked for; `tries` is how often that was done."""

    id: int
    key: str
    started_at: int
    tries: int


@dataclass(frozen=True, slots=True)
class BreachAlert:
    """An alert that fired; `since` is when it began, None: longer ago than is known."""

    alertname: str
    severity: str
    labels: dict[str, str]
    since: int | None


@dataclass(frozen=True, slots=True)
class Causes:
    """The alerts that fired when a breach began, or began within ten minutes before; the likely ones first.

    `total` counts those that are not kept as well. `trouble` says why they cannot be known.
    """

    alerts: tuple[BreachAlert, ...] = ()
    total: int = 0
    asked_at: int = 0
    trouble: str | None = None
