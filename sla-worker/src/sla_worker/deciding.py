"""Decisions about proposed credits as commands ask for them, and proposals as JSON has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.credits import claim_until
from sla_worker.database import SLADatabase
from sla_worker.model import FrozenMonth, terms_values
from sla_worker.model.credit import Decision, Proposal

Asked = Mapping[str, Any]
"""A decision, as JSON carries it: `action` and what it needs."""

Decide = Callable[[Asked], list[dict[str, Any]]]
ACTIONS = ("approve", "decline", "revoke")


def to_decide(
    action: str, numbers: Sequence[int], author: str, reason: str, amount: str | None = None
) -> dict[str, Any]:
    """Approve, decline or revoke proposals; `amount` is another one to approve, in percent."""
    return {"action": action, "ids": list(numbers), "author": author, "reason": reason, "amount": amount}


def decide(database: SLADatabase, asked: Asked, now: int) -> list[dict[str, Any]]:
    """Do it. Returns the proposals as they are then.

    Raises CreditError, and ValueError, TypeError or KeyError for what is no decision.
    """
    store, action = database.credits, asked["action"]
    numbers = [int(each) for each in asked["ids"]]
    author, reason, amount = str(asked["author"]), str(asked["reason"]), asked.get("amount")
    if not numbers:
        raise ValueError("ids is empty")
    if action == "approve":
        found = store.approve(numbers, author, reason, now, None if amount is None else _decimal(amount))
    elif action == "decline":
        found = store.decline(numbers, author, reason, now)
    elif action == "revoke":
        found = store.revoke(numbers, author, reason, now)
    else:
        raise ValueError(f"action is {action!r}; it must be one of {', '.join(ACTIONS)}")
    return [values(database, each) for each in found]


def listed(database: SLADatabase, month: str | None = None) -> list[dict[str, Any]]:
    """Every proposal (of one month), superseded ones too, oldest first."""
    return [values(database, each) for each in database.credits.all(month)]


def values(database: SLADatabase, proposal: Proposal) -> dict[str, Any]:
    """A proposal as JSON has it: percentages as texts, times in epoch seconds."""
    proposed, frozen = proposal.proposed, database.months.get(proposal.month, proposal.revision)
    left = database.credits.left_of_cap(proposal)
    return {
        "id": proposal.id,
        "month": proposal.month,
        "revision": proposal.revision,
        "sla": proposed.sla,
        "component": proposed.component,
        "title": proposed.title,
        "stage": str(proposal.stage),
        "credit_percent": _text(proposed.percent),
        "below_percent": _text(proposed.below),
        "reason": proposed.why,
        "compliance_ratio": proposed.compliance_ratio,
        "coverage_ratio": proposed.coverage_ratio,
        "approved_percent": _text(proposal.approved_percent),
        "yearly_cap_leaves_percent": _text(left),
        "claim_until": _claim_until(proposal, frozen),
        "terms": terms_values(proposed.terms),
        "proposed_at": proposal.proposed_at,
        "supersedes": proposal.supersedes,
        "superseded_by": proposal.superseded_by,
        "decisions": [_decision(each) for each in proposal.decisions],
    }


def _claim_until(proposal: Proposal, frozen: FrozenMonth | None) -> str | None:
    if frozen is None:  # its foreign key forbids it
        return None
    day = claim_until(frozen.end, proposal.proposed.terms.claim_days, ZoneInfo(frozen.zone))
    return None if day is None else day.isoformat()


def _decision(each: Decision) -> dict[str, Any]:
    return {
        "decision": "approved" if each.approved else "declined",
        "percent": str(each.percent),
        "author": each.author,
        "reason": each.reason,
        "decided_at": each.decided_at,
        "revoked_at": each.revoked_at,
        "revoked_by": each.revoked_by,
        "revoke_reason": each.revoke_reason,
    }


def _decimal(text: object) -> Decimal:
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        raise ValueError(f"amount is {text!r}; give percent like 12.5") from None
    if not found.is_finite():
        raise ValueError(f"amount is {text!r}; give percent like 12.5")
    return found


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
