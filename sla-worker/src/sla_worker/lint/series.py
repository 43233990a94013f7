"""What lint asks Prometheus, each thing once."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping

from sla_worker.errors import PrometheusError
from sla_worker.prometheus import PrometheusClient
from sla_worker.selectors import LABEL, Selector

_SOME = 50  # series
_OF_A_REPLICA = re.compile(r"^prometheus$|(?:^|_)replica(?:_|$)")
"""What external labels of replicas are called: replica, prometheus_replica, __replica__, prometheus."""


class Asked:
    """Answers about series as they are at `now`, in epoch seconds. All of it may raise PrometheusError."""

    def __init__(self, client: PrometheusClient, now: float) -> None:
        self._client = client
        self._now = now
        self._counts: dict[Selector, int] = {}

    def check(self) -> None:
        """Whether Prometheus answers at all."""
        self._client.query("vector(1)", self._now)

    def evaluate(self, expression: str) -> list[Mapping[str, str]]:
        """The labels of an expression's series."""
        return [each.labels for each in self._client.query(expression, self._now).series]

    def count(self, selector: Selector) -> int:
        """How many series there are."""
        if selector not in self._counts:
            value = self._number(f"count({selector})")
            self._counts[selector] = int(value or 0)
        return self._counts[selector]

    def increase(self, selector: Selector) -> float | None:
        """By how much they rose within an hour, about."""
        return self._number(f"sum(increase({selector}[1h]))")

    def is_native(self, histogram: Selector) -> bool:
        """Whether the histogram is a native one; an engine that refuses to say (VictoriaMetrics) has none."""
        try:
            return bool(self._number(f"count(histogram_count({histogram}))"))
        except PrometheusError as error:
            if not error.refused:
                raise
            return False

    def bounds(self, histogram: Selector) -> dict[str, set[float]]:
        """The finite bounds of the buckets, by job and instance."""
        buckets = histogram.renamed(f"{histogram.name}_bucket")
        found: dict[str, set[float]] = {}
        for labels in self.evaluate(f"group by (job, instance, le) ({buckets})"):
            where = f"{labels.get('job', '')} {labels.get('instance', '')}".strip()
            bound = _bound(labels.get("le", ""))
            found.setdefault(where, set()).update({bound} if math.isfinite(bound) else ())
        return found or {"": set()}

    def labels(self, selector: Selector) -> set[str]:
        """The labels that all of its series have; some of them speak for all."""
        found = self._label_sets(selector)
        return set.intersection(*found) if found else set()

    def _label_sets(self, selector: Selector) -> list[set[str]]:
        """The labels of some of its series, of each."""
        return [set(each) - {"__name__"} for each in self.evaluate(f"topk({_SOME}, {selector})")]

    def doubled(self, selector: Selector) -> dict[str, int]:
        """The labels of replicas in which alone series differ, and how many of them differ so at most.

        One of the replicas may have no such label.
        """
        named = {matcher.label for matcher in selector.matchers if matcher.operator == "="}
        there = set[str]().union(*self._label_sets(selector))
        labels = sorted(label for label in there - named if _OF_A_REPLICA.search(label))
        found = {label: self._number(f"max(count without ({label}) ({selector}))") for label in labels}
        return {label: int(count) for label, count in found.items() if count and count > 1}

    def values(self, name: str, label: str) -> set[str]:
        """The values of a label; the empty one where it is not there. Labels of UTF-8 are not asked for."""
        if not LABEL.fullmatch(label):
            return set()
        return {each.get(label, "") for each in self.evaluate(f"group by ({label}) ({Selector(name)})")}

    def falls(self, selector: Selector) -> int:
        """How often the one that falls most fell within an hour."""
        return int(self._number(f"max(resets({selector}[1h]))") or 0)

    def was_there(self, name: str) -> bool:
        """Whether the metric had a series within the last day."""
        return bool(self._number(f"count(last_over_time({Selector(name)}[1d]))"))

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """The names of all metrics that there are."""
        found = self.evaluate('group by (__name__) ({__name__!=""})')
        return frozenset(each["__name__"] for each in found)

    def _number(self, expression: str) -> float | None:
        series = self._client.query(expression, self._now).series
        value = series[0].values[0] if series and series[0].values else math.nan
        return value if math.isfinite(value) else None


def _bound(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
