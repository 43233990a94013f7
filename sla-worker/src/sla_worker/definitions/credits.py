"""The credits of an SLA, from the file of definitions."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import yaml

from sla_worker.definitions.yaml_map import YamlMap
from sla_worker.model import CreditTerms, Tier

_REFUSED = {
    "down": (
        "has `down`, which needs single slots: they are kept for weeks, and a month can be revised later",
        "leave it out, and give the SLA a target that counts as you wish",
    ),
    "notice": (
        "has `notice`: a credit would be of other figures than the month's, which no evidence could hold",
        "leave it out, and revoke maintenance that was announced too late: `sla maintenance revoke`",
    ),
}
_DECIMALS = 6
_HUNDRED, _MONTHS = 100, 12
_PERCENT = f"give percent above 0 up to 100, with at most {_DECIMALS} decimals"
_CAP = (
    f"give percent of a month's price for a calendar year, above 0 up to {_HUNDRED * _MONTHS}, with at most"
    f" {_DECIMALS} decimals"
)
_MOST_DAYS = 366


def read_credits(source: YamlMap) -> tuple[tuple[Tier, ...], CreditTerms]:
    """The tiers, from the mildest to the worst, and what else is agreed."""
    node = source.node_of("credits")
    if node is None:
        return (), CreditTerms()
    if not isinstance(node, yaml.MappingNode):
        source.fail(node, "credits", "give `tiers:` and a list of {below: 99.9, credit: 10}")
        return (), CreditTerms()
    made = YamlMap(source.complaints, node, f"{source.what}: credits")
    for key, (what, fix) in _REFUSED.items():
        if made.has(key):
            made.reject(what, fix, key)
    made.allow(
        "tiers", "yearly_cap", "least_amount", "claim_deadline", *(key for key in _REFUSED if made.has(key))
    )
    tiers = _tiers(made)
    return tiers, _terms(made, tiers)


def _tiers(made: YamlMap) -> tuple[Tier, ...]:
    tiers = []
    for each in made.children("tiers", "tier", "give a list of {below: 99.9, credit: 10}"):
        each.allow("below", "credit")
        below, credit = (each.decimal(key, _is_percent, _PERCENT) for key in ("below", "credit"))
        tiers.append(Tier(below, credit))
    read = [each for each in tiers if each.below and each.credit]
    if any(after.below >= before.below or after.credit <= before.credit for before, after in pairwise(read)):
        made.reject(
            "has tiers that are not in order",
            "go from the mildest to the worst: `below` falls, `credit` rises",
            "tiers",
        )
    return tuple(tiers)


def _terms(made: YamlMap, tiers: tuple[Tier, ...]) -> CreditTerms:
    cap = made.decimal("yearly_cap", _is_cap, _CAP) if made.has("yearly_cap") else None
    least = made.decimal("least_amount", _is_percent, _PERCENT) if made.has("least_amount") else None
    days = made.whole("claim_deadline", 1, _MOST_DAYS) if made.has("claim_deadline") else None
    credits_ = [each.credit for each in tiers if each.credit]
    if least and credits_ and credits_[0] < least:
        made.reject(
            f"has a tier of {credits_[0]} %, less than its least_amount of {least} %: it would never be owed",
            "leave the tier out, or lower least_amount",
            "least_amount",
        )
    return CreditTerms(cap or None, least or None, days)


def _is_percent(value: Decimal) -> bool:
    return 0 < value <= _HUNDRED and _decimals(value) <= _DECIMALS


def _is_cap(value: Decimal) -> bool:
    return 0 < value <= _HUNDRED * _MONTHS and _decimals(value) <= _DECIMALS


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) else _DECIMALS + 1
