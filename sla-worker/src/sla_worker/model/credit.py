"""Credits of frozen months: what the figures propose for one, and what people have decided."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

from sla_worker.model.policy import CreditTerms


class Stage(enum.StrEnum):
    """Where a proposal is on its way, in the words that people read."""

    OPEN = "to decide"
    APPROVED = "approved"
    DECLINED = "declined"
    SUPERSEDED = "superseded"
    """Never decided, and another revision of the month has another proposal."""

    NOTHING_OWED = "nothing owed"
    """Another revision owes nothing, and nothing was approved: there is nothing to decide."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What the figures of a revision propose for one component of an SLA.

    `percent` of the month's price; None: the figures do not say, people have to, and `why` says why.
    `below` is the border of its tier.
    """

    sla: str
    component: str
    title: str
    percent: Decimal | None
    below: Decimal | None
    why: str | None
    compliance_ratio: float | None
    coverage_ratio: float | None
    terms: CreditTerms


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a proposal; `percent` is what the customer gets, 0 of a declined one."""

    id: int
    approved: bool
    percent: Decimal
    author: str
    reason: str
    decided_at: int
    revoked_at: int | None = None
    revoked_by: str | None = None
    revoke_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal of the ledger, with all that was decided of it, oldest first.

    `superseded_by` is the proposal of a later revision; then this one can be decided no more, and what was
    approved holds until that one is.
    """

    id: int
    month: str
    revision: int
    proposed: Proposed
    proposed_at: int
    supersedes: int | None = None
    superseded_by: int | None = None
    decisions: tuple[Decision, ...] = ()
    approved_before: bool = False

    @property
    def decision(self) -> Decision | None:
        """The decision in force."""
        found = [each for each in self.decisions if each.revoked_at is None]
        return found[-1] if found else None

    @property
    def stage(self) -> Stage:
        """Where it is on its way."""
        if self.decision is not None:
            return Stage.APPROVED if self.decision.approved else Stage.DECLINED
        if self.superseded_by is not None:
            return Stage.SUPERSEDED
        if self.proposed.percent == 0 and not self.approved_before:
            return Stage.NOTHING_OWED
        return Stage.OPEN

    @property
    def approved_percent(self) -> Decimal:
        """What the customer gets by it as of now."""
        decision = self.decision
        return decision.percent if decision is not None and decision.approved else Decimal()
