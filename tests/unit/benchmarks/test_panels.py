"""Which query the benchmark of the panels sends, and how far back it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest

from benchmarks.panel_world import everything, of_the_worker
from benchmarks.panels import Asked, chosen_by, queries, reach_of, step_of, window
from contract.exported import ROOT, known_metrics
from contract.promql_names import metric_names, selectors
from sla_worker.sla_metrics import LABELS


@pytest.mark.parametrize(
    ("seconds", "columns", "step"),
    [
        (86_400, 24, 60),  # 1268.8 pixels: 68 s a pixel
        (86_400, 12, 120),  # 630.4 pixels: 137 s
        (86_400, 8, 120),  # 417.6 pixels: 207 s
        (86_400, 6, 300),  # 311.2 pixels: 278 s
        (3600, 24, 15),  # 2.8 s, below the scrape interval
        (30 * 86_400, 12, 3600),  # 4112 s
    ],
)
def test_the_step_is_the_one_that_grafana_takes(seconds: int, columns: int, step: int) -> None:
    assert step_of(seconds, columns) == step


@pytest.mark.parametrize(
    ("expr", "seconds"),
    [
        ("a", 0),
        ("a offset 1h", 3600),
        ("sum(rate(a[5m])) / sum(rate(a[1h]))", 3600),
        ("max_over_time(rate(a[5m] offset 1h)[1d:5m])", 86_400 + 300 + 3600),
        ("time() - (a > 0)", 0),
    ],
)
def test_how_far_back_an_expression_reads(expr: str, seconds: int) -> None:
    assert window(promql_parser.parse(expr)).total_seconds() == seconds


def test_the_world_has_every_metric_of_the_slas_with_its_labels() -> None:
    labels: dict[str, set[str]] = {}
    for each in of_the_worker({}):
        labels.setdefault(each.name, set()).update(each.labels.keys() - {"job", "instance"})
    assert {name: labels[name] for name in LABELS} == {name: set(has) for name, has in LABELS.items()}


def panel(kind: str, expr: str, **more: object) -> dict[str, Any]:
    target = {"expr": expr, "instant": kind == "stat"}
    return {"type": kind, "title": kind, "gridPos": {"w": 12}, "targets": [target], **more}


def test_queries_have_the_range_of_their_panel() -> None:
    dashboard = {
        "title": "Board",
        "time": {"from": "now-24h", "to": "now"},
        "panels": [
            panel("stat", "sla_worker_slot_seconds"),
            panel("timeseries", "rate(insa_agent_requests_total[$__rate_interval])"),
            panel("timeseries", "sla_actual", timeFrom="7d"),
            panel("timeseries", "sla_status", interval="5m"),
            panel("stat", 'sla_coverage_ratio{sla=~"$sla"}', repeat="sla"),
        ],
        "templating": {"list": [{"name": "sla", "current": {"value": "$__all"}}]},
    }
    asked = list(queries(dashboard))
    assert [(each.expr, each.step, each.range) for each in asked] == [
        ("sla_worker_slot_seconds", 120, 0),
        ("rate(insa_agent_requests_total[135s])", 120, 86_400),  # the step and a scrape interval
        ("sla_actual", 900, 7 * 86_400),  # 959 s a pixel
        ("sla_status", 300, 86_400),  # no finer than the panel's own interval
        ('sla_coverage_ratio{sla=~"platform-uptime"}', 120, 0),
    ]
    assert reach_of(asked) == {
        "up": 600,
        "sla_worker_slot_seconds": 300,
        "insa_agent_requests_total": 86_400 + 300 + 135,
        "sla_actual": 7 * 86_400 + 300,
        "sla_status": 86_400 + 300,
        "sla_coverage_ratio": 300,
    }


def holds(matcher: promql_parser.Matcher, value: str) -> bool:
    """Whether a label's value is one that is asked for."""
    match matcher.op:
        case promql_parser.MatchOp.Equal:
            return bool(value == matcher.value)
        case promql_parser.MatchOp.NotEqual:
            return bool(value != matcher.value)
        case promql_parser.MatchOp.Re:
            return re.fullmatch(matcher.value, value) is not None
        case _:
            return re.fullmatch(matcher.value, value) is None


def found(asked: Asked, world: dict[str, list[dict[str, str]]]) -> Iterator[bool]:
    """Of each metric that a query reads: whether it has a series with the labels that are asked for."""
    for selector in selectors(promql_parser.parse(asked.expr)):
        matchers = [each for each in selector.matchers.matchers if each.name != "__name__"]
        for name in metric_names(selector, known_metrics()):
            yield any(
                all(holds(each, labels.get(each.name, "")) for each in matchers)
                for labels in world.get(name, ())
            )


def test_every_query_finds_series_in_the_world() -> None:
    """One without data would cost nothing, and seem to be within its budget."""
    files = (ROOT / "grafana" / "dashboards" / "json").glob("*.json")
    asked = [each for file in files for each in queries(json.loads(file.read_text(encoding="utf-8")))]
    world: dict[str, list[dict[str, str]]] = {}
    for series in everything(chosen_by(asked)):
        world.setdefault(series.name, []).append(dict(series.labels))
    assert [each for each in asked if not all(found(each, world))] == []
