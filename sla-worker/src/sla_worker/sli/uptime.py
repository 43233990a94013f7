"""Uptime: good events are scrapes at which something was up, of all scrapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sla_worker import promql
from sla_worker.grid import Grid
from sla_worker.model import Comparison, Input, MetricType
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

    @property
    def scraped(self) -> Selector:
        """`up` itself has a sample for every scrape, failed ones too."""
        return self.selector

    def good_and_total(self, grid: Grid) -> tuple[str, str]:
        """`up` is 1 or 0, so its sum counts the scrapes that succeeded."""
        return (
            promql.samples("sum_over_time", str(self.selector), grid),
            promql.samples("count_over_time", str(self.selector), grid),
        )
