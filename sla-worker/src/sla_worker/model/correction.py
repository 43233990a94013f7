"""A correction: what counts for slots of an SLA instead of what was measured, by whom and why."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class CountsAs(enum.StrEnum):
    """What a correction makes of a slot. The words stand in the database and never change."""

    COUNTS = "counts"
    """It has the good and total events that are given."""

    GOOD = "good"
    """All events that were measured are good."""

    BAD = "bad"
    """All events that were measured are bad."""

    EXCLUDED = "excluded"
    """It does not count, like maintenance."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A correction as somebody asks for it: of the slots of an SLA in [start, end).

    `components` leaves it to some of them; empty: all. `good` and `total` are the events of each slot, given
    for `COUNTS` alone.
    """

    sla: str
    start: int
    end: int
    counts_as: CountsAs
    author: str
    reason: str
    components: tuple[str, ...] = ()
    good: float | None = None
    total: float | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction of the slots that end in (start, end]. A revoked one corrects nothing, and stays."""

    id: int
    sla: str
    start: int
    end: int
    counts_as: CountsAs
    author: str
    reason: str
    created_at: int
    components: tuple[str, ...] = ()
    good: float | None = None
    total: float | None = None
    revoked_at: int | None = None
    revoked_by: str | None = None
    revoke_reason: str | None = None

    def concerns(self, component: str) -> bool:
        """Whether it is for a component."""
        return not self.components or component in self.components

    @property
    def of(self) -> str:
        """What it is for, as a person reads it: `api-error-rate (crm)`."""
        return f"{self.sla} ({', '.join(self.components)})" if self.components else self.sla

    @property
    def words(self) -> str:
        """What it says, as a person reads it: `998 good of 1000`, `counts as good`."""
        if self.counts_as is CountsAs.COUNTS:
            return f"{self.good or 0:.15g} good of {self.total or 0:.15g}"
        return "excluded" if self.counts_as is CountsAs.EXCLUDED else f"counts as {self.counts_as}"


def correction_of(values: Mapping[str, Any]) -> Correction:
    """A correction from JSON, as `asdict` made it."""
    named = {"counts_as": CountsAs(values["counts_as"]), "components": tuple(values["components"])}
    return Correction(**{**values, **named})
