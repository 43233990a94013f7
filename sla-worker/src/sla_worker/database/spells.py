"""The parts of a period in which a composite had the same members, and which those were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sla_worker.database.definitions import DefinitionStore
from sla_worker.database.exclusions import InForce
from sla_worker.database.versions import StoredVersion, at


@dataclass(frozen=True, slots=True)
class Period:
    """The slots that end in (start, end], cut where a version of any SLA began; and what does not count."""

    start: int
    end: int
    pieces: Sequence[tuple[int, int]]
    in_force: InForce


@dataclass(frozen=True, slots=True)
class Spell:
    """Neighbouring pieces of a period, `first` to before `last`; `counted` has ids and categories of SLAs."""

    first: int
    last: int
    version: StoredVersion
    counted: frozenset[tuple[int, str]]


def spells(definitions: DefinitionStore, sla_id: int, period: Period) -> list[Spell]:
    """The spells of a composite over a period; none where all SLAs of today are its members all the time.

    An SLA is a member in a piece when it was in force there; one that was defined later was none, even if its
    past was filled in since. Before the composite itself was defined it has the members that it had then.
    """
    versions = definitions.versions
    if len(period.pieces) == 1 and versions.last_border() <= period.start:
        return []
    found = [members_at(definitions, sla_id, end) for _, end in period.pieces]
    begins = [n for n, each in enumerate(found) if n == 0 or each != found[n - 1]]
    return [Spell(first, last, *found[first]) for first, last in pairwise([*begins, len(found)])]


def members_at(
    definitions: DefinitionStore, sla_id: int, slot: int
) -> tuple[StoredVersion, frozenset[tuple[int, str]]]:
    """The version of a composite that judges the slot that ends there, and its SLAs by id and category."""
    known = definitions.versions.all()
    own = known[sla_id]
    version, seen_at = at(own, slot), max(slot, own[0].valid_from + 1)
    members = []
    for each in definitions.all().values():
        category = at(known[each.id], slot).category
        if (
            any(member.includes(each.key, category) for member in version.members)
            and not each.members
            and known[each.id][0].valid_from < seen_at
            and at(known[each.id], seen_at).enabled
        ):
            members.append((each.id, category))
    return version, frozenset(members)
