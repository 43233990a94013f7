"""Composite: the score of other SLAs, which is the weighted mean of their compliance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sla_worker.evaluation import allowance_used, meets
from sla_worker.model import CATEGORIES, Comparison, Definition, Figures, Input, Judgement, Member, Promise
from sla_worker.needs import Asked, Counts, Expression, Need
from sla_worker.sli import form

_ALL = 100.0
_ROUNDING = 1e-6
_PARTS = tuple(each for each in CATEGORIES if each != "composite")


@dataclass(frozen=True, slots=True)
class CompositeSli:
    """SLAs and categories with their weights; composite.py says how a score is made of them."""

    parts: tuple[Member, ...]

    kind: ClassVar[str] = "composite"
    keys: ClassVar[tuple[str, ...]] = ("members",)
    unit: ClassVar[str | None] = "ratio"
    comparison: ClassVar[Comparison | None] = Comparison.AT_LEAST
    one_event_a_slot: ClassVar[bool] = True

    @classmethod
    def read(cls, source: form.Source, _target: float) -> CompositeSli:
        """From the file of definitions; what is wrong is noted there."""
        children = source.children(
            "members",
            "member",
            "give a list like [{category: availability, weight: 60}, {sla: …, weight: 40}]",
        )
        parts = tuple(_member(each) for each in children)
        total = sum(each.weight for each in parts)
        if parts and total == total and abs(total - _ALL) > _ROUNDING:  # noqa: PLR0124 - NaN was noted
            source.reject(f"has weights that add up to {total:g}", f"give weights that add up to {_ALL:g}")
        seen = set()
        for child, part in zip(children, parts, strict=True):
            name = part.sla or part.category
            if name in seen:
                child.reject(f"is {name}, which is a member already", "add their weights up in one")
            seen.add(name)
        return cls(parts)

    @property
    def metric_name(self) -> str:
        """What it is made of, since it has no metric."""
        return " + ".join(f"{each.weight:g} {each.sla or each.category}" for each in self.parts)

    @property
    def percentile(self) -> float | None:
        """None: the score itself is the share."""
        return None

    @property
    def inputs(self) -> tuple[Input, ...]:
        """None: its members have them."""
        return ()

    def asked(self, _slot_seconds: int) -> str | None:
        """None: its members are measured."""
        return None

    @property
    def members(self) -> tuple[Member, ...]:
        """What it is made of."""
        return self.parts

    def needs(self, _definition: Definition) -> tuple[Need, ...]:
        """None: its members are measured."""
        return ()

    def expressions(self, _definition: Definition, _slot_seconds: int) -> tuple[Expression, ...]:
        """None: its members are measured."""
        return ()

    def measure(self, _definition: Definition, _asked: Asked, _counts: Counts) -> Mapping[str, list[Figures]]:
        """Nothing: the score is made of the members' rows."""
        return {}

    def judge(self, promise: Promise, good: float, total: float, shown: float | None) -> Judgement:
        """Kept when the score reaches the target; `shown` is the score."""
        score = good / total if shown is None else shown
        return Judgement(
            kept=meets(promise.comparison, promise.target, score),
            actual=score,
            used=allowance_used(promise.comparison, promise.target, score, promise.unit),
        )


def _member(source: form.Source) -> Member:
    source.allow("category", "sla", "weight")
    if source.has("category") == source.has("sla"):
        source.reject("needs either `category` or `sla`", "give one of them")
    category = source.choice("category", _PARTS) if source.has("category") else None
    key = source.text("sla", bool, "give the key of an SLA") if source.has("sla") else None
    weight = source.number("weight", lambda value: 0 < value <= _ALL, "give a share of 100")
    return Member(weight, sla=key, category=category)
