"""Uptime: good events are scrapes that succeeded, of all scrapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sla_worker import promql
from sla_worker.grid import Grid
from sla_worker.model import Comparison
from sla_worker.sli import form


@dataclass(frozen=True, slots=True)
class UptimeSli(form.RatioForm):
    """The samples of an `up` selector."""

    selector: str

    kind: ClassVar[str] = "uptime"
    comparison: ClassVar[Comparison | None] = Comparison.AT_LEAST

    @classmethod
    def read(cls, source: form.Source, _target: float) -> UptimeSli:
        """From the file of definitions. Raises DefinitionError."""
        return cls(form.selector(source, "selector"))

    @property
    def metric_name(self) -> str:
        """The metric's name without its matchers."""
        return form.name_of(self.selector)

    @property
    def scraped(self) -> str:
        """`up` itself has a sample for every scrape, failed ones too."""
        return self.selector

    def good_and_total(self, grid: Grid) -> tuple[str, str]:
        """`up` is 1 or 0, so its sum counts the scrapes that succeeded."""
        return (
            promql.samples("sum_over_time", self.selector, grid),
            promql.samples("count_over_time", self.selector, grid),
        )
