"""Limits on the dashboards are those of the alert rules and of the SLAs, and written nowhere else."""

from __future__ import annotations

import ast
import decimal
import json
import pathlib
import re

import promql_parser
import pytest

from dashboards import limits
from dashboards.definitions import DashboardError, Sla, load
from dashboards.limits import Limit, Measure, Scale, latency, of_alert, outermost_comparison, scale, value
from dashboards.panels import GREEN, MISSING, RED, YELLOW
from dashboards.queries import panels

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "grafana" / "dashboards" / "json"


def high(number: str, *, alerting: bool = False) -> Limit:
    return Limit(decimal.Decimal(number), low_is_bad=False, alerting=alerting, source="x")


def low(number: str, *, alerting: bool = False) -> Limit:
    return Limit(decimal.Decimal(number), low_is_bad=True, alerting=alerting, source="x")


@pytest.mark.parametrize(
    ("alert", "number", "low_is_bad"),
    [
        # As the contract with the user names them.
        ("HighErrorRate", "0.05", False),
        ("HighTimeoutRate", "0.02", False),
        ("HighLatencyP95", "10", False),
        ("HighLatencyP99", "30", False),
        ("WorkerHighQueueDepth", "100", False),
        ("WorkerFrequentRestarts", "3", False),
        ("MultipleWorkersDown", "2", False),
        ("LowCacheHitRate", "0.7", True),
        ("CircuitBreakerFlapping", "5", False),
        ("DeadLetterQueueGrowing", "50", False),
        ("DeadLetterQueueCritical", "200", False),
        ("HighDLQReplayFailureRate", "0.5", False),
        ("LowRetrySuccessRate", "0.5", True),
        ("HighDatabaseErrorRate", "0.01", False),
        ("SlowDatabaseQueries", "1", False),
        ("HighMemoryUsage", "0.9", False),
        ("HighCPUUsage", "0.8", False),
        ("DiskSpaceLow", "0.9", False),
    ],
)
def test_the_limit_of_an_alert_is_read_out_of_its_rule(
    alert: str,
    number: str,
    low_is_bad: bool,  # noqa: FBT001 - of the table above
) -> None:
    limit = of_alert(alert)
    assert (limit.value, limit.low_is_bad, limit.alerting) == (decimal.Decimal(number), low_is_bad, True)


@pytest.mark.parametrize(
    ("expr", "wanted"),
    [
        ("a > 5", (">", "5")),
        ("a / (b > 0) >= 0.9", (">=", "0.9")),
        ("(a > 1 or b > 2) < 0.5", ("<", "0.5")),
        ("a > 100 or max_over_time(a[5m]) > 100 and b", (">", "100")),
        ("a > b", None),
        ("a == 0", None),
        ("absent(a)", None),
    ],
)
def test_the_comparison_that_decides_is_found(expr: str, wanted: tuple[str, str] | None) -> None:
    found = outermost_comparison(promql_parser.parse(expr))
    assert found == (None if wanted is None else (wanted[0], decimal.Decimal(wanted[1])))


def test_an_alert_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(DashboardError, match="no alert Nothing, whose limit a dashboard draws: take it out"):
        of_alert("Nothing")
    with pytest.raises(DashboardError, match="TargetVanished compares with no number"):
        of_alert("TargetVanished")


def test_a_high_figure_is_yellow_beyond_the_target_and_red_beyond_the_alert() -> None:
    both = Scale((high("0.001"), high("0.05", alerting=True)))
    assert both.graph_steps() == [(None, GREEN), (0.001, YELLOW), (0.05, RED)]
    assert both.number_steps() == [(None, MISSING), (0, GREEN), (0.001, YELLOW), (0.05, RED)]


def test_a_low_figure_is_red_below_the_alert_and_yellow_up_to_the_target() -> None:
    both = Scale((low("0.8"), low("0.7", alerting=True)))
    assert both.graph_steps() == [(None, RED), (0.7, YELLOW), (0.8, GREEN)]
    assert both.number_steps() == [(None, MISSING), (0, RED), (0.7, YELLOW), (0.8, GREEN)]


def test_a_target_alone_is_never_red_and_no_limit_has_no_colour() -> None:
    assert Scale((high("0.8"),)).graph_steps() == [(None, GREEN), (0.8, YELLOW)]
    assert Scale().number_steps() == [(None, MISSING)]


def sla(name: str, target: str, unit: str, reads: str, kind: str = "value") -> Sla:
    return Sla(
        key=name,
        name=name,
        category="performance",
        description="It is fast.",
        severity="high",
        unit=unit,
        target=decimal.Decimal(target),
        higher_is_better=False,
        kind=kind,
        metric="a",
        percentile=None,
        reads=(reads,),
    )


def test_an_sla_is_found_by_what_it_measures() -> None:
    slas = [sla("other", "3", "tasks", "max(b)"), sla("queue", "50", "tasks", "avg_over_time(a[$slot])")]
    assert [limit.source for limit in scale(slas, sla=value("a[")).limits] == ["SLA queue"]
    assert scale(slas, sla=value("c")).limits == ()
    # Alert and target with the same value are one line: 100 tasks.
    same = scale([sla("queue", "100", "tasks", "a")], "WorkerHighQueueDepth", sla=value("a"))
    assert [(limit.value, limit.source) for limit in same.limits] == [
        (100, "SLA queue and alert WorkerHighQueueDepth")
    ]
    assert same.graph_steps() == [(None, GREEN), (100.0, RED)]


def test_a_target_in_another_unit_than_the_panel_s_is_not_drawn() -> None:
    days = scale([sla("fresh", "2", "days", "a")], sla=value("a"))
    assert days.shown_in("h").limits == ()
    assert len(days.shown_in("none").limits) == 1


def test_a_promise_of_successes_is_a_limit_of_failures() -> None:
    # At least 90 % of the replays succeed: at most 10 % fail.
    replays = ("insa_dlq_replayed_total", 'insa_dlq_replayed_total{result="success"}')
    (target, alert) = scale(
        load(), "HighDLQReplayFailureRate", sla=Measure("events", replays, complement=True)
    ).limits
    assert (target.value, target.low_is_bad, target.source) == (
        decimal.Decimal("0.1"),
        False,
        "SLA DLQ Processing Rate",
    )
    assert alert.value == decimal.Decimal("0.5")


def test_a_share_is_not_drawn_among_counts() -> None:
    fill = scale([sla("fill", "0.8", "ratio", "a / b")], "WorkerHighQueueDepth", sla=value("a"))
    assert fill.shown_in("none").values == (100,)
    assert fill.shown_in("percentunit").values[0] == pytest.approx(0.8)


def test_a_figure_cannot_be_bad_on_both_sides() -> None:
    with pytest.raises(DashboardError, match="one is a lower limit, one an upper"):
        scale([sla("hits", "0.1", "ratio", "a")], "LowCacheHitRate", sla=value("a"))


def test_the_shipped_targets_find_their_panels() -> None:
    (found,) = scale(load(), sla=latency("insa_agent_request_duration_seconds", "0.95")).limits
    assert (found.value, found.source) == (5, "SLA API Response Time P95")


def test_every_shipped_sla_on_a_figure_of_these_dashboards_is_a_limit_there() -> None:
    """By hand: all on the instruments, but uptimes (state timelines), letters, failed backups, retention."""
    named = {
        name
        for uid in ("insa-agent-performance", "insa-worker-health", "insa-error-handling")
        for panel in panels(json.loads((DASHBOARDS / f"{uid}.json").read_text()))
        for name in re.findall(r"\(SLA (.+?)(?: and alert \w+)?\)", panel["description"])
    }
    assert named == {
        *(f"API Response Time P{percentile}" for percentile in (50, 95, 99)),
        *(f"Database Query Time P{percentile}" for percentile in (95, 99)),
        "Message Processing Time P95",
        *("API Error Rate", "API Timeout Rate", "Database Error Rate", "Retry Success Rate"),
        "DLQ Processing Rate",
        *("Circuit Breaker Stability", "Worker Task Success", "Cache Hit Rate", "Cache Eviction Rate"),
        *("Worker Queue Depth", "Worker Utilization", "Request Throughput", "Average Session Duration"),
        *("Concurrent Active Sessions", "Backup Freshness", "Security Scan Coverage"),
    }


def test_every_dashboard_names_its_limits_in_words() -> None:
    board = json.loads((DASHBOARDS / "insa-agent-performance.json").read_text())
    (panel,) = [panel for panel in panels(board) if panel["id"] == 13]
    assert (
        "Yellow from 0.1 % (SLA API Error Rate), red from 5 % (alert HighErrorRate)." in panel["description"]
    )


def test_no_limit_is_typed_into_a_dashboard() -> None:
    """Numbers of alerts that are not small counts: none of them stands in the code of a dashboard."""
    numbers = {0.05, 0.02, 0.7, 0.9, 0.8, 50.0, 100.0, 200.0, 10.0, 30.0}
    typed = {}
    for folder in ("agents", "workers", "errors"):
        for file in (ROOT / "grafana" / "src" / "dashboards" / folder).glob("*.py"):
            ids = {"number", "lines", "table", "count_of_bad", "states", "Section"}
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ids:
                    node.args = node.args[1:]  # the panel's id
                    if any(isinstance(each, ast.Constant) and each.value in numbers for each in node.args):
                        typed[file.name] = ast.unparse(node)
    assert typed == {}
    assert limits.alerts()["HighErrorRate"].file == "prometheus/rules/request_performance.yml"


def test_the_window_of_an_alert_is_the_one_over_which_it_counts() -> None:
    # Beside ranges that reach over failed scrapes ([1m]) or into the past ([5m] offset …).
    assert limits.window("CircuitBreakerFlapping") == "10m"
    assert limits.window("BackupFailed") == "15m"
    with pytest.raises(DashboardError, match="no alert DiskSpaceLow with one window"):
        limits.window("DiskSpaceLow")
