"""Latency: requests within the target, which is a bucket of a histogram, of all requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sla_worker import promql
from sla_worker.conventions import ACTUAL_VALUE, COVERAGE, GOOD_EVENTS, TOTAL_EVENTS
from sla_worker.evaluation import allowance_used
from sla_worker.grid import Grid
from sla_worker.model import Comparison, Judgement, Member, Promise
from sla_worker.sli import form


@dataclass(frozen=True, slots=True)
class LatencySli:
    """Requests no slower than `threshold_seconds`, which is a bucket of the histogram.

    `histogram` is the metric's name without `_bucket`, `matchers` what stands between its braces
    (perhaps nothing), `objective` the percentile as a ratio.
    """

    histogram: str
    matchers: str
    threshold_seconds: float
    objective: float

    kind: ClassVar[str] = "latency"
    unit: ClassVar[str] = "seconds"
    comparison: ClassVar[Comparison | None] = Comparison.AT_MOST

    @classmethod
    def read(cls, source: form.Source, target: float) -> LatencySli:
        """From the file of definitions; the SLA's target is the threshold. Raises DefinitionError."""
        name = source.text("histogram", form.METRIC.fullmatch, "give the histogram's name without _bucket")
        matchers = ""
        if source.has("matchers"):
            text = source.text("matchers", form.MATCHERS.fullmatch, 'give matchers like job="a", path!="/b"')
            matchers = text.strip(", ")
        return cls(
            histogram=name,
            matchers=matchers,
            threshold_seconds=target,
            objective=source.number("objective", lambda value: 0 < value < 1, "give a ratio between 0 and 1"),
        )

    @property
    def metric_name(self) -> str:
        """The histogram's name."""
        return self.histogram

    @property
    def percentile(self) -> float | None:
        """The percentile as a ratio."""
        return self.objective

    @property
    def members(self) -> tuple[Member, ...]:
        """None: it is measured itself."""
        return ()

    @property
    def scraped(self) -> str:
        """The count is there at every scrape that succeeded."""
        return promql.with_matchers(f"{self.histogram}_count", self.matchers)

    def figures(self, grid: Grid) -> Mapping[str, str]:
        """What is asked of raw series; the percentile is for showing, the counts decide."""
        buckets = f"{self.histogram}_bucket"
        total = promql.increase(self.scraped, grid)
        within = promql.with_matchers(buckets, self.matchers, promql.bucket_matcher(self.threshold_seconds))
        return {
            GOOD_EVENTS: promql.zero_where(total, promql.increase(within, grid)),
            TOTAL_EVENTS: total,
            COVERAGE: promql.coverage(self.scraped, grid),
            ACTUAL_VALUE: promql.quantile(promql.with_matchers(buckets, self.matchers), self.objective, grid),
        }

    def judge(self, promise: Promise, good: float, total: float, shown: float | None) -> Judgement:
        """Kept when the share within the target reaches the percentile.

        `shown` is the percentile as Prometheus interpolates it inside a bucket; without it the shares say
        how much of the allowance was used.
        """
        kept = good / total >= self.objective
        if shown is None:
            used = allowance_used(Comparison.AT_LEAST, self.objective, good / total, "ratio")
        else:
            used = allowance_used(promise.comparison, promise.target, shown, promise.unit)
        return Judgement(kept=kept, actual=shown, used=used)
