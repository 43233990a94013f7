"""Time: good events are samples of a gauge for which a condition holds, of all samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sla_worker.model import Comparison, Definition, Figures, Input, MetricType
from sla_worker.needs import Asked, Counts, Kind, Need
from sla_worker.selectors import Selector
from sla_worker.sli import form


@dataclass(frozen=True, slots=True)
class TimeSli(form.RatioForm):
    """The samples of a gauge. A scrape that failed is a gap here, not a bad sample."""

    selector: Selector
    condition: form.Condition

    kind: ClassVar[str] = "time"
    keys: ClassVar[tuple[str, ...]] = ("selector", "condition")
    comparison: ClassVar[Comparison | None] = Comparison.AT_LEAST

    @classmethod
    def read(cls, source: form.Source, _target: float) -> TimeSli:
        """From the file of definitions; what is wrong is noted there."""
        return cls(form.selector(source, "selector"), form.condition(source))

    @property
    def metric_name(self) -> str:
        """The metric's name without its matchers."""
        return self.selector.name

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The series that it reads."""
        return (Input("selector", self.selector, MetricType.GAUGE),)

    def needs(self, definition: Definition) -> tuple[Need, ...]:
        """The samples of the gauge."""
        return (Need(self.selector, Kind.GAUGE, definition.by),)

    def measure(self, _definition: Definition, asked: Asked, counts: Counts) -> Mapping[str, list[Figures]]:
        """Samples for which the condition holds, of all."""
        return form.held(asked.needs[0], self.condition, counts)
