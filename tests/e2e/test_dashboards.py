"""The dashboards on a live Prometheus: queries have data, and nothing is green once the program is gone."""

from __future__ import annotations

import math

import pytest

from contract.appearance import QUERIES, STATS, color, settings
from dashboards.panels import GREEN
from dashboards.queries import DashboardQuery, all_queries
from demo_app.catalogue import METRICS_GONE
from e2e.live import Stack
from waiting import wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

AFTER_AN_EVENT = {
    "Failed replays": "a dead letter is replayed",
    "Replays that fail": "a dead letter is replayed",
    "Average session duration": "a session ends",
}
"""Panels that have no value until something happens, which no test waits for here."""


@pytest.mark.parametrize("query", all_queries(), ids=lambda query: f"{query.path.stem}: {query.panel}")
def test_every_query_runs_on_the_live_prometheus(stack: Stack, query: DashboardQuery) -> None:
    stack.query(query.expr)  # raises when Prometheus refuses it


def test_every_query_about_the_program_has_data(healthy: Stack) -> None:
    def without() -> list[str]:
        return [
            f"{uid}, panel {panel['id']} {panel['title']!r}: {expr}"
            for uid, panel, expr in QUERIES
            if panel["title"] not in AFTER_AN_EVENT and not measured(healthy, expr)
        ]

    wait_for([], without, "queries without data", seconds=60)


def test_nothing_is_green_once_the_program_is_gone(healthy: Stack) -> None:
    def green() -> list[str]:
        found = []
        for uid, panel, field, expr in STATS:
            values: list[float | None] = [float(each["value"][1]) for each in healthy.query(expr)]
            shown = [color(settings(panel, field), value) for value in values or [None]]
            found += [f"{uid}, {panel['title']!r}, {field!r}: {values}"] if GREEN in shown else []
        return found

    assert green()  # the program is there, and well
    healthy.start_fault(METRICS_GONE)
    wait_for(0, lambda: healthy.value('min(up{job="demo-app"})'), "up of the demo-app", seconds=30)
    # At once: the window of a rate, which still holds the program, is not over yet.
    assert green() == []


def measured(stack: Stack, expr: str) -> bool:
    """Whether the answer has a number."""
    return any(not math.isnan(float(each["value"][1])) for each in stack.query(expr))
