"""The credits of an SLA, from the file of definitions."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import yaml

from sla_worker.definitions.yaml_map import YamlMap
from sla_worker.model import Tier

_LATER = ("down", "yearly_cap", "least_amount", "claim_deadline", "notice")
_DECIMALS = 6
_PERCENT = f"give percent above 0 up to 100, with at most {_DECIMALS} decimals"


def read_credits(source: YamlMap) -> tuple[Tier, ...]:
    """The tiers, from the mildest to the worst."""
    node = source.node_of("credits")
    if node is None:
        return ()
    if not isinstance(node, yaml.MappingNode):
        source.fail(node, "credits", "give `tiers:` and a list of {below: 99.9, credit: 10}")
        return ()
    made = YamlMap(source.complaints, node, f"{source.what}: credits")
    for key in _LATER:
        if made.has(key):
            made.reject(f"has `{key}`, which is not computed", "leave it out, and apply it by hand", key)
    made.allow("tiers", *(key for key in _LATER if made.has(key)))
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


def _is_percent(value: Decimal) -> bool:
    exponent = value.normalize().as_tuple().exponent
    return 0 < value <= 100 and isinstance(exponent, int) and exponent >= -_DECIMALS  # noqa: PLR2004 - percent
