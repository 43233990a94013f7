"""Events: counters of two of these: all events, the good ones, the bad ones."""

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
    """Selectors of counters. Two of the three are set."""

    total: Selector | None = None
    good: Selector | None = None
    bad: Selector | None = None

    kind: ClassVar[str] = "events"
    keys: ClassVar[tuple[str, ...]] = ("total", "good", "bad")

    @classmethod
    def read(cls, source: form.Source, _target: float) -> EventsSli:
        """From the file of definitions; what is wrong is noted there."""
        found = {key: form.selector(source, key) for key in cls.keys if source.has(key)}
        if len(found) != 2:  # noqa: PLR2004 - two of three
            fix = "give total and one of the others, or good and bad"
            source.reject("needs two of `total`, `good` and `bad`", fix)
        return cls(**found)

    @property
    def _named(self) -> tuple[tuple[str, Selector], ...]:
        """The two that are set, by their keys."""
        named = (("total", self.total), ("good", self.good), ("bad", self.bad))
        return tuple((key, each) for key, each in named if each is not None)

    @property
    def metric_name(self) -> str:
        """The metric's name without its matchers."""
        return self._named[0][1].name

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The series that it reads."""
        return tuple(Input(key, each, MetricType.COUNTER) for key, each in self._named)

    def needs(self, definition: Definition) -> tuple[Need, ...]:
        """The two counters."""
        return tuple(
            Need(each, Kind.COUNTER, definition.by, baseline=definition.baseline) for _, each in self._named
        )

    def measure(self, _definition: Definition, asked: Asked, counts: Counts) -> Mapping[str, list[Figures]]:
        """Without good (or bad) series there are no such events, but only where the total is there.

        Without a total, what has either of the two is there.
        """
        needs = asked.needs
        first, second = counts.increases(needs[0]), counts.increases(needs[1])
        components = dict.fromkeys([*first, *(second if self.total is None else ())])
        none = [0.0] * len(counts.slots)
        found = {}
        for component in components:
            rises = zip(first.get(component) or none, second.get(component) or none, strict=True)
            pairs = [self._good_and_total(*each) for each in rises]
            found[component] = form.figures(pairs, counts.coverage(needs, component))
        return found

    def _good_and_total(self, first: float, second: float) -> tuple[float, float]:
        if self.total is None:
            return first, first + second
        return (second if self.good is not None else first - second), first
