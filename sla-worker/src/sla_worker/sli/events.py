"""Events: two counters, all events and either the good or the bad ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sla_worker.model import Definition, Figures, Input, MetricType
from sla_worker.needs import Asked, Counts, Kind, Need
from sla_worker.selectors import Selector
from sla_worker.sli import form


@dataclass(frozen=True, slots=True)
class EventsSli(form.RatioForm):
    """Selectors of counters. Exactly one of `good` and `bad` is set."""

    total: Selector
    good: Selector | None = None
    bad: Selector | None = None

    kind: ClassVar[str] = "events"
    keys: ClassVar[tuple[str, ...]] = ("total", "good", "bad")

    @classmethod
    def read(cls, source: form.Source, _target: float) -> EventsSli:
        """From the file of definitions; what is wrong is noted there."""
        total = form.selector(source, "total")
        good = form.selector(source, "good") if source.has("good") else None
        bad = form.selector(source, "bad") if source.has("bad") else None
        if (good is None) == (bad is None):
            source.reject("needs either `good` or `bad`", "give one of them")
        return cls(total=total, good=good, bad=bad)

    @property
    def metric_name(self) -> str:
        """The metric's name without its matchers."""
        return self.total.name

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The series that it reads."""
        named = (("total", self.total), ("good", self.good), ("bad", self.bad))
        return tuple(Input(key, each, MetricType.COUNTER) for key, each in named if each is not None)

    def needs(self, definition: Definition) -> tuple[Need, ...]:
        """The counter of all events, and that of the good or the bad ones."""
        part = self.good or self.bad or self.total
        return tuple(
            Need(each, Kind.COUNTER, definition.by, baseline=definition.baseline)
            for each in (self.total, part)
        )

    def measure(self, _definition: Definition, asked: Asked, counts: Counts) -> Mapping[str, list[Figures]]:
        """Without good (or bad) series there are no such events, but only where the total is there."""
        needs = asked.needs
        parts = counts.increases(needs[1])
        found = {}
        for component, totals in counts.increases(needs[0]).items():
            part = parts.get(component) or [0.0] * len(totals)
            pairs = [
                (rose if self.good is not None else total - rose, total)
                for rose, total in zip(part, totals, strict=True)
            ]
            found[component] = form.figures(pairs, counts.coverage(needs, component))
        return found
