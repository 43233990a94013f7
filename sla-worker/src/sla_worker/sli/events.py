"""Events: two counters, all events and either the good or the bad ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sla_worker import promql
from sla_worker.grid import Grid
from sla_worker.model import Input, MetricType
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

    @property
    def scraped(self) -> Selector:
        """The counter of all events is there at every scrape that succeeded."""
        return self.total

    def good_and_total(self, grid: Grid) -> tuple[str, str]:
        """Without good (or bad) series there are no such events, but only where the total is there."""
        total = promql.increase(str(self.total), grid)
        if self.good is not None:
            return promql.zero_where(total, promql.increase(str(self.good), grid)), total
        bad = promql.zero_where(total, promql.increase(str(self.bad), grid))
        return f"{total} - ({bad})", total
