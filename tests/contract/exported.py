"""Every metric that is exported, with its labels: asked of the programs' own code, not written down twice."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from contract.promql_names import Labels, labels_of, parse
from demo_app.catalogue import SPECS
from demo_app.metrics import Metrics, add_runtime_collectors
from sla_worker.definitions import read_definitions
from sla_worker.delivery.kinds import KINDS
from sla_worker.exporter import Exporter
from sla_worker.grid import Grid
from sla_worker.links import addresses
from sla_worker.settings import read_settings
from sla_worker.sla_metrics import LABELS

ROOT = Path(__file__).resolve().parents[2]
SCRAPED = frozenset({"job", "instance"})
"""The labels which every scraped series has from Prometheus."""

SUFFIXES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "counter": {"_total": ()},
    "gauge": {"": ()},
    "histogram": {"_bucket": ("le",), "_count": (), "_sum": ()},
}
"""The series of an instrument by its type: what is added to its name, and to its labels."""


@functools.cache
def known_metrics() -> Mapping[str, Labels]:
    """Every metric that can be asked for, with the labels that it can have, at most."""
    known = _demo_app() | exported_by_the_worker() | _of_others()
    # A recording rule may read another one: each file is read after those that it needs, by name.
    for rule in _rules("record"):
        known[rule["record"]] = known.get(rule["record"], frozenset()) | _result_labels(rule, known)
    known["ALERTS"] = frozenset({"alertname", "alertstate"}).union(
        *(_result_labels(rule, known) for rule in _rules("alert"))
    )
    return known


def others() -> Mapping[str, Mapping[str, list[str]]]:
    """The committed list of metrics that the bundle does not export itself, by program."""
    listed: Mapping[str, Mapping[str, list[str]]] = yaml.safe_load(
        (Path(__file__).parent / "metrics_of_others.yml").read_text()
    )
    return listed


class _Remembering(CollectorRegistry):
    """A registry that remembers its collectors: a labelled instrument may have no sample."""

    def __init__(self) -> None:
        super().__init__()
        self.collectors: list[Collector] = []

    def register(self, collector: Collector) -> None:
        super().register(collector)
        self.collectors.append(collector)


def _demo_app() -> dict[str, Labels]:
    registry = _Remembering()
    add_runtime_collectors(registry)
    Metrics(registry, [spec.name for spec in SPECS])
    return _collected(registry.collect()) | _instruments(registry.collectors)


def exported_by_the_worker() -> dict[str, Labels]:
    definitions = read_definitions(ROOT / "sla-worker" / "sla_thresholds.yml")
    exporter = Exporter(definitions, Grid(300, 15), KINDS, addresses(read_settings({})))
    # What it sets once and forgets is in its text alone.
    shown = text_string_to_metric_families(exporter.text().decode())
    listed = {name: SCRAPED.union(labels) for name, labels in LABELS.items()}
    return listed | _collected(shown) | _instruments(vars(exporter).values())


def _of_others() -> dict[str, Labels]:
    return {name: SCRAPED.union(labels) for listed in others().values() for name, labels in listed.items()}


def _collected(families: Iterable[Metric]) -> dict[str, Labels]:
    known: dict[str, Labels] = {}
    for family in families:
        for sample in family.samples:
            known[sample.name] = known.get(sample.name, SCRAPED).union(sample.labels)
    return known


def _instruments(values: Iterable[Any]) -> dict[str, Labels]:
    """The series of instruments, those too without a sample; only a private attribute tells their labels."""
    known: dict[str, Labels] = {}
    for each in values:
        if isinstance(each, MetricWrapperBase):
            name, labels = each._name, SCRAPED.union(each._labelnames)
            known |= {name + suffix: labels.union(more) for suffix, more in SUFFIXES[str(each._type)].items()}
    return known


def _rules(kind: str) -> list[dict[str, Any]]:
    files = sorted((ROOT / "prometheus" / "rules").rglob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text()).get("groups") or []]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def _result_labels(rule: Mapping[str, Any], known: Mapping[str, Labels]) -> Labels:
    return labels_of(parse(rule["expr"]), known).union(rule.get("labels", {})) - {"__name__"}
