"""Uptime: good events are scrapes at which something was up, of all scrapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sla_worker.model import Comparison, Definition, Figures, Input, MetricType
from sla_worker.needs import Asked, Counts, Kind, Need
from sla_worker.selectors import Selector
from sla_worker.sli import form


@dataclass(frozen=True, slots=True)
class UptimeSli(form.RatioForm):
    """The samples of `up`, or of a gauge that is 1 while something works."""

    selector: Selector
    condition: form.Condition = form.IS_ONE

    kind: ClassVar[str] = "uptime"
    keys: ClassVar[tuple[str, ...]] = ("selector", "condition")
    comparison: ClassVar[Comparison | None] = Comparison.AT_LEAST

    @classmethod
    def read(cls, source: form.Source, _target: float) -> UptimeSli:
        """From the file of definitions; what is wrong is noted there."""
        condition = form.condition(source) if source.has("condition") else form.IS_ONE
        return cls(form.selector(source, "selector"), condition)

    @property
    def metric_name(self) -> str:
        """The metric's name without its matchers."""
        return self.selector.name

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The series that it reads."""
        return (Input("selector", self.selector, MetricType.GAUGE),)

    def needs(self, definition: Definition) -> tuple[Need, ...]:
        """The samples of the selector; of a gauge also the scrapes that failed."""
        return (Need(self.selector, Kind.STATE, definition.by),)

    def measure(self, _definition: Definition, asked: Asked, counts: Counts) -> Mapping[str, list[Figures]]:
        """Samples for which the condition holds, of all; a scrape that failed is a bad one."""
        return form.held(asked.needs[0], self.condition, counts)
