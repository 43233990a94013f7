"""Scores by hand: the weighted mean of what the members of a composite kept, if they had anything to keep.

What an SLA kept is good ÷ total of all its components, what a category kept is the mean of its SLAs. Coverage
is the same mean, over all members.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from truth.forms import Form


@dataclass(frozen=True, slots=True)
class Kept:
    """What an SLA counted, over all its components, and its coverage."""

    good: Fraction
    total: Fraction
    coverage: Fraction


@dataclass(frozen=True, slots=True)
class Score:
    """`ratio` is None when no member had anything to keep."""

    ratio: Fraction | None
    coverage: Fraction


def score(form: Form, forms: Sequence[Form], kept: Callable[[Form], Kept | None]) -> Score:
    """The score of a composite; `kept` is None for an SLA of which nothing is expected now."""
    reached = weights = covered = expected = Fraction(0)
    for member in form.members:
        own = [
            found
            for each in forms
            if (each.key == member.sla if member.sla else each.category == member.category)
            and (found := kept(each)) is not None
        ]
        if not own:
            continue
        expected += member.weight
        covered += member.weight * mean(each.coverage for each in own)
        ratios = [each.good / each.total for each in own if each.total]
        if ratios:
            weights += member.weight
            reached += member.weight * mean(ratios)
    return Score(reached / weights if weights else None, covered / expected if expected else Fraction(0))


def mean(values: Iterable[Fraction]) -> Fraction:
    found = list(values)
    return sum(found, Fraction(0)) / len(found)
