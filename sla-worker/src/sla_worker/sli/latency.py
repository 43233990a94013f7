"""Latency: requests within the target, which is a bucket of a histogram, of all requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sla_worker import promql
from sla_worker.evaluation import allowance_used
from sla_worker.model import Comparison, Definition, Figures, Input, Judgement, Member, MetricType, Promise
from sla_worker.needs import Asked, Counts, Expression, Kind, Need
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
            "histogram",
            form.unfolded(source, "histogram", _histogram),
            form.NOTHING,
            "give the histogram's name without _bucket",
        )
        if source.has("matchers"):
            none: tuple[Matcher, ...] = ()
            parse = form.unfolded(source, "matchers", _matchers)
            more = source.parsed("matchers", parse, none, 'give matchers like job="a", path!="/b"')
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

    def asked(self, _slot_seconds: int) -> str | None:
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

    def needs(self, definition: Definition) -> tuple[Need, ...]:
        """The count of all requests, and the bucket at the target."""
        return (
            Need(self.series("_count"), Kind.COUNTER, definition.by, baseline=definition.baseline),
            Need(
                self.series("_bucket"),
                Kind.COUNTER,
                definition.by,
                bound=self.threshold_seconds,
                baseline=definition.baseline,
            ),
        )

    def expressions(self, definition: Definition, slot_seconds: int) -> tuple[Expression, ...]:
        """The percentile, for showing; the counts decide."""
        buckets = str(self.series("_bucket"))
        text = promql.quantile(buckets, self.objective, slot_seconds, definition.by)
        return (Expression(text, definition.by),)

    def measure(self, _definition: Definition, asked: Asked, counts: Counts) -> Mapping[str, list[Figures]]:
        """Requests within the target, of all; without a bucket there the counts are refused."""
        needs = asked.needs
        within = counts.increases(needs[1])
        lacking = counts.without_bucket(needs[0], needs[1])
        shown = counts.values(asked.expressions[0])
        found = {}
        for component, totals in counts.increases(needs[0]).items():
            if component in lacking:
                found[component] = [Figures(refused=self._refusal(lacking[component]))] * len(totals)
                continue
            good = within.get(component) or [0.0] * len(totals)
            coverage = counts.coverage(needs, component)
            values = shown.get(component) or [None] * len(totals)
            found[component] = [Figures(*each) for each in zip(good, totals, coverage, values, strict=True)]
        return found

    def _refusal(self, nearest: str) -> str:
        there = f"; the nearest are {nearest}" if nearest else ""
        return (
            f"{self.histogram.name} has no bucket at {self.threshold_seconds:g}{there}: set the target to a"
            " bucket or add one there (native histograms cannot be counted)"
        )

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
