"""What is asked of a replay, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sla_worker.breaches import Span
from sla_worker.credits import Credit
from sla_worker.model import Breach, Definition, SLAStatus


@dataclass(frozen=True, slots=True)
class Other:
    """What is different for an SLA: its target, how many slots make a breach, or all of its definition."""

    target: float | None = None
    breach_after: int | None = None
    recover_after: int | None = None
    definition: Definition | None = None

    def of(self, was: Definition) -> Definition:
        """A definition as it would have been."""
        made = was
        if self.definition is not None:
            made = replace(self.definition, valid_from=was.valid_from)
        if self.target is not None:
            made = replace(made, target=self.target)
        policy = made.policy
        if self.breach_after is not None:
            policy = replace(policy, breach_after=self.breach_after)
        if self.recover_after is not None:
            policy = replace(policy, recover_after=self.recover_after)
        return replace(made, policy=policy)


@dataclass(frozen=True, slots=True)
class Month:
    """A month, or the part of it that was asked for: as it was, and as it would have been.

    None: it cannot be said, since the slots of that time are gone.
    """

    start: int
    end: int
    was: SLAStatus
    then: SLAStatus | None
    credit_was: Credit
    credit_then: Credit | None


@dataclass(frozen=True, slots=True)
class Alerted:
    """The burn-rate alerts of one pair of windows: when each began and ended, None while it fires."""

    name: str
    times: tuple[tuple[int, int | None], ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One component of an SLA. `spent_at`: when the bad events of a month became more than it allows.

    `was` are the breaches of the ledger, `then` those that would have been.
    """

    key: str
    title: str
    component: str
    months: tuple[Month, ...]
    was: tuple[Breach, ...]
    then: tuple[Span, ...]
    alerts: tuple[Alerted, ...]
    spent_at: tuple[int, ...] = ()

    @property
    def early_seconds(self) -> int | None:
        """How long before a month's budget was spent the first alert of that month began; the least of them.

        Negative: after it. None: no month's budget was spent, or no alert began.
        """
        found = []
        for spent in self.spent_at:
            month = next(each for each in self.months if each.start < spent <= each.end)
            begun = [at for each in self.alerts for at, _ in each.times if month.start < at <= month.end]
            if begun:
                found.append(spent - min(begun))
        return min(found, default=None)


@dataclass(frozen=True, slots=True)
class Backtest:
    """The replay of (start, end]; breaches and alerts are those from `slots_from` on."""

    start: int
    end: int
    slots_from: int
    slot_seconds: int
    replayed: tuple[Replayed, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
