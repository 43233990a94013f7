"""What uptime and time have in common: samples for which a condition holds, of all samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sla_worker.model import Comparison, Definition, Figures, Input, MetricType
from sla_worker.needs import Asked, Counts, Kind, Need
from sla_worker.selectors import Selector
from sla_worker.sli import form


@dataclass(frozen=True, slots=True)
class HeldForm(form.RatioForm):
    """The samples of a selector and their condition; a subclass says what a failed scrape is to it."""

    selector: Selector
    condition: form.Condition = form.IS_ONE

    keys: ClassVar[tuple[str, ...]] = ("selector", "condition")
    comparison: ClassVar[Comparison | None] = Comparison.AT_LEAST
    samples: ClassVar[Kind]
    """`STATE`: a failed scrape is a bad sample; `GAUGE`: it is a gap."""

    @property
    def metric_name(self) -> str:
        """The metric's name without its matchers."""
        return self.selector.name

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The series that it reads."""
        return (Input("selector", self.selector, MetricType.GAUGE),)

    def needs(self, definition: Definition) -> tuple[Need, ...]:
        """The samples of the selector."""
        return (Need(self.selector, self.samples, definition.by),)

    def measure(self, _definition: Definition, asked: Asked, counts: Counts) -> Mapping[str, list[Figures]]:
        """Samples for which the condition holds, of all."""
        [need] = asked.needs
        return {
            component: form.figures(pairs, counts.coverage((need,), component))
            for component, pairs in counts.held(need, self.condition.holds).items()
        }
