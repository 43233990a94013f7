"""The score of a composite: the weighted mean of its members' compliance, over those that were measured.

    compliance of an SLA      = good ÷ total events, all its components together
    compliance of a category  = mean of the compliance of its measured SLAs
    score                     = Σ weight · compliance ÷ Σ weight, over the measured members

So a member without events says nothing and lowers nothing. Over a period the score is made of the members'
sums of that period, never of its own slots.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sla_worker.model import Definition, Figures, Measurement, Member, State

_DIGITS = 12  # so that a score on its target is not a hair below it
_JUDGED = frozenset({State.MET, State.BREACHED})
_LEFT_OUT = frozenset({State.OUT_OF_HOURS, State.EXCLUDED})


@dataclass(frozen=True, slots=True)
class Part:
    """What one component of an SLA counted, in a slot or over a period; `total` is 0 where nothing counts."""

    key: str
    category: str
    good: float
    total: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Score:
    """`ratio` from 0 to 1, and the key of the SLA whose compliance is lowest; both None without events.

    `coverage` is the weighted mean of the members' coverage.
    """

    ratio: float | None
    weakest: str | None
    weakest_ratio: float | None
    coverage: float


def score(members: Iterable[Member], parts: Iterable[Part]) -> Score:
    """The score of what was counted. Parts of SLAs that are no members are passed over."""
    slas: dict[str, list[Part]] = {}
    for part in parts:
        slas.setdefault(part.key, []).append(part)
    weighted = weights = covered = expected = 0.0
    ratios: dict[str, float] = {}
    for member in members:
        own = [each for each in slas.values() if member.includes(each[0].key, each[0].category)]
        if not own:  # out of its service hours, all of it: not even expected
            continue
        found = {each[0].key: ratio for each in own if (ratio := _compliance(each)) is not None}
        expected += member.weight
        covered += member.weight * _mean([_mean([part.coverage for part in each]) for each in own])
        if found:
            weighted += member.weight * _mean(list(found.values()))
            weights += member.weight
            ratios |= found
    weakest = min(ratios, key=lambda key: (ratios[key], key), default=None)
    return Score(
        ratio=round(weighted / weights, _DIGITS) if weights else None,
        weakest=weakest,
        weakest_ratio=None if weakest is None else ratios[weakest],
        coverage=covered / expected if expected else 0.0,
    )


def slot_part(counted: Part, state: int) -> Part | None:
    """What a row of a slot adds to a score: its events if its state is a judgement; None: nothing at all."""
    if state in _LEFT_OUT:
        return None
    return counted if state in _JUDGED else replace(counted, good=0.0, total=0.0)


def slot_score(
    definition: Definition, rows: Iterable[Measurement], categories: Mapping[str, str]
) -> tuple[Figures, Score]:
    """What a composite says of one slot, for `evaluate`, from the rows of all SLAs in it.

    Only slots that are judged are measured here. `categories` are those of the SLAs, by key.
    """
    found = score(
        definition.sli.members,
        [
            part
            for row in rows
            if (
                part := slot_part(
                    Part(row.key, categories[row.key], row.good, row.total, row.coverage), row.state
                )
            )
        ],
    )
    return figures_of(definition, found), found


def figures_of(definition: Definition, found: Score) -> Figures:
    """What the score of a slot is to `evaluate`: one event, good if it reaches the target."""
    if found.ratio is None:
        return Figures(good=0.0, total=0.0, coverage=found.coverage)
    good = float(definition.sli.judge(definition, 1.0, 1.0, found.ratio).kept)
    return Figures(good=good, total=1.0, coverage=found.coverage, actual=found.ratio)


def _compliance(parts: list[Part]) -> float | None:
    total = sum(each.total for each in parts)
    return sum(each.good for each in parts) / total if total > 0 else None


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
