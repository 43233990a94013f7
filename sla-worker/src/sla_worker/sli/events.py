"""Events: two counters, all events and either the good or the bad ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sla_worker import promql
from sla_worker.grid import Grid
from sla_worker.sli import form


@dataclass(frozen=True, slots=True)
class EventsSli(form.RatioForm):
    """Selectors of counters. Exactly one of `good` and `bad` is set."""

    total: str
    good: str | None = None
    bad: str | None = None

    kind: ClassVar[str] = "events"

    @classmethod
    def read(cls, source: form.Source, _target: float) -> EventsSli:
        """From the file of definitions. Raises DefinitionError."""
        total = form.selector(source, "total")
        good = form.selector(source, "good") if source.has("good") else None
        bad = form.selector(source, "bad") if source.has("bad") else None
        if (good is None) == (bad is None):
            source.reject("needs either `good` or `bad`", "give one of them")
        return cls(total=total, good=good, bad=bad)

    @property
    def metric_name(self) -> str:
        """The metric's name without its matchers."""
        return form.name_of(self.total)

    @property
    def scraped(self) -> str:
        """The counter of all events is there at every scrape that succeeded."""
        return self.total

    def good_and_total(self, grid: Grid) -> tuple[str, str]:
        """Without good (or bad) series there are no such events, but only where the total is there."""
        total = promql.increase(self.total, grid)
        if self.good is not None:
            return promql.zero_where(total, promql.increase(self.good, grid)), total
        bad = promql.zero_where(total, promql.increase(str(self.bad), grid))
        return f"{total} - ({bad})", total
