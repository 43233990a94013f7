"""Latency: requests within the target, which is a bucket of a histogram, of all requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sla_worker import promql
from sla_worker.conventions import ACTUAL_VALUE, COVERAGE, GOOD_EVENTS, TOTAL_EVENTS
from sla_worker.evaluation import allowance_used
from sla_worker.grid import Grid
from sla_worker.model import Comparison, Input, Judgement, Member, MetricType, Promise
from sla_worker.selectors import Matcher, Selector, parse_selector
from sla_worker.sli import form

_SUFFIXES = ("_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True)
class LatencySli:
    """Requests no slower than `threshold_seconds`, which is a bucket of the histogram.

    `histogram` has its name without `_bucket`, `objective` is the percentile as a ratio.
    """

    histogram: Selector
    threshold_seconds: float
    objective: float

    kind: ClassVar[str] = "latency"
    keys: ClassVar[tuple[str, ...]] = ("histogram", "matchers", "objective")
    unit: ClassVar[str | None] = "seconds"
    comparison: ClassVar[Comparison | None] = Comparison.AT_MOST
    one_event_a_slot: ClassVar[bool] = False

    @classmethod
    def read(cls, source: form.Source, target: float) -> LatencySli:
        """From the file of definitions, which notes what is wrong; the SLA's target is the threshold."""
        histogram = source.parsed(
            "histogram", _histogram, form.NOTHING, "give the histogram's name without _bucket"
        )
        if source.has("matchers"):
            none: tuple[Matcher, ...] = ()
            more = source.parsed("matchers", _matchers, none, 'give matchers like job="a", path!="/b"')
            histogram = histogram.plus(*more)
        return cls(histogram, threshold_seconds=target, objective=form.objective(source))

    @property
    def metric_name(self) -> str:
        """The histogram's name."""
        return self.histogram.name

    def series(self, suffix: str) -> Selector:
        """Those of its series whose names end so: `_bucket`, `_count`."""
        return self.histogram.renamed(self.histogram.name + suffix)

    @property
    def percentile(self) -> float | None:
        """The percentile as a ratio."""
        return self.objective

    @property
    def expression(self) -> str | None:
        """None: it reads series."""
        return None

    @property
    def members(self) -> tuple[Member, ...]:
        """None: it is measured itself."""
        return ()

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The series that it reads."""
        return (Input("histogram", self.histogram, MetricType.HISTOGRAM),)

    @property
    def scraped(self) -> Selector:
        """The count is there at every scrape that succeeded."""
        return self.series("_count")

    def figures(self, grid: Grid) -> Mapping[str, str]:
        """What is asked of raw series; the percentile is for showing, the counts decide."""
        buckets = self.series("_bucket")
        total = promql.increase(str(self.scraped), grid)
        within = str(buckets.plus(promql.bucket_matcher(self.threshold_seconds)))
        return {
            GOOD_EVENTS: promql.zero_where(total, promql.increase(within, grid)),
            TOTAL_EVENTS: total,
            COVERAGE: promql.coverage(str(self.scraped), grid),
            ACTUAL_VALUE: promql.quantile(str(buckets), self.objective, grid),
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


def _histogram(text: str) -> Selector:
    found = parse_selector(text)
    for suffix in _SUFFIXES:
        if found.name.endswith(suffix):
            plain = found.renamed(found.name.removesuffix(suffix))
            raise ValueError(f"it ends in {suffix}; give {plain}")
    if any(each.label == "le" for each in found.matchers):
        raise ValueError("it selects buckets by `le`; leave that out, the target says which bucket it is")
    return found


def _matchers(text: str) -> tuple[Matcher, ...]:
    return _histogram(f"x{{{text}}}").matchers
