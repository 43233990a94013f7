"""What the ledger keeps of a definition as one text: its form, its labels, its policy and its members."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sla_worker.model.definition import Definition, Member
from sla_worker.model.policy import (
    DEFAULT_POLICY,
    CreditTerms,
    Maintenance,
    NewSeries,
    NoData,
    Policy,
    ServiceHours,
    Tier,
)

_WORDS = {"no_data": NoData, "maintenance": Maintenance, "new_series": NewSeries}


@dataclass(frozen=True, slots=True)
class Details:
    """What a report says of how an SLA was measured; empty for one that was defined without a file."""

    kind: str = ""
    by: tuple[str, ...] = ()
    policy: Policy = DEFAULT_POLICY
    members: tuple[Member, ...] = ()


def write_details(definition: Definition) -> str:
    """JSON, the same for the same definition."""
    content = {
        "kind": definition.sli.kind,
        "by": definition.by,
        "policy": policy_values(definition.policy),
        "members": [_member_values(each) for each in definition.sli.members],
    }
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


def policy_values(policy: Policy) -> dict[str, Any]:
    """A policy as values that JSON has."""
    values = asdict(policy)
    values["credits"] = [[_plain(each.below), _plain(each.credit)] for each in policy.credits]
    values["credit_terms"] = terms_values(policy.credit_terms)
    hours = policy.service_hours
    if hours is not None:
        values["service_hours"] = asdict(hours) | {
            "days": sorted(hours.days),
            "holidays": sorted(day.isoformat() for day in hours.holidays),
        }
    return values


@lru_cache(maxsize=4096)
def read_details(text: str | None) -> Details:
    """What was written; what this version does not know is passed over."""
    if not text:
        return Details()
    content = json.loads(text)
    return Details(
        kind=content.get("kind", ""),
        by=tuple(content.get("by", ())),
        policy=read_policy_values(content.get("policy", {})),
        members=tuple(_member(_known(Member, each)) for each in content.get("members", ())),
    )


def _member_values(member: Member) -> dict[str, Any]:
    """Without what is left at its default since it was added: the same text as before it was."""
    values = asdict(member)
    if member.among is None:
        del values["among"]
    return values


def _member(values: dict[str, Any]) -> Member:
    among = values.get("among")
    return Member(**values | {"among": None if among is None else tuple(among)})


def read_policy_values(content: Mapping[str, Any]) -> Policy:
    """What `policy_values` gave; what this version does not know is passed over."""
    found = _known(Policy, content)
    for key, words in _WORDS.items():
        if key in found:
            found[key] = words(found[key])
    if "windows" in found:
        found["windows"] = tuple(found["windows"])
    if "credits" in found:
        found["credits"] = tuple(Tier(*map(Decimal, each)) for each in found["credits"])
    if "credit_terms" in found:
        found["credit_terms"] = read_terms(found["credit_terms"])
    hours = found.get("service_hours")
    if hours is not None:
        found["service_hours"] = ServiceHours(
            **_known(ServiceHours, hours)
            | {
                "days": frozenset(hours["days"]),
                "holidays": frozenset(datetime.date.fromisoformat(each) for each in hours["holidays"]),
            }
        )
    return Policy(**found)


def terms_values(terms: CreditTerms) -> dict[str, Any]:
    """What else is agreed about credits, as values that JSON has."""
    return {
        name: _plain(value) if isinstance(value, Decimal) else value for name, value in asdict(terms).items()
    }


def read_terms(content: Mapping[str, Any]) -> CreditTerms:
    """What `terms_values` gave."""
    cap, least, days = (content.get(each.name) for each in fields(CreditTerms))
    return CreditTerms(None if cap is None else Decimal(cap), None if least is None else Decimal(least), days)


def _plain(number: Decimal) -> str:
    """The same for 99.9 and 99.90."""
    return f"{number.normalize():f}"


def _known(kind: type[Any], content: Mapping[str, Any]) -> dict[str, Any]:
    names = {each.name for each in fields(kind)}
    return {key: value for key, value in content.items() if key in names}
