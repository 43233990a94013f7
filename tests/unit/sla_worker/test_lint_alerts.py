"""Alerts that can never fire: what lint says of them, and of none that may."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from sla_worker.definitions import read_definitions
from sla_worker.lint import server
from sla_worker.lint.alerts import Alert, useless

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = read_definitions(ROOT / "sla-worker" / "sla_thresholds.yml")
DAY = 86400


def said(query: str, kept_days: float | None = 15) -> list[str]:
    kept = None if kept_days is None else kept_days * DAY
    return [str(each) for each in useless([Alert("Mine", "own.yml", query)], SHIPPED, kept)]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        # Of API Response Time P95 5 % may be slow: 20 at most. Of the cache's lookups 20 % may miss: 5.
        (
            'sla_burn_rate{sla="api-response-time-p95",window="1h"} > 20',
            "at most 20, and would have to be > 20",
        ),
        (
            '20 < max by (sla) (sla_burn_rate{sla="api-response-time-p95"})',
            "at most 20, and would have to be > 20",
        ),
        ('sla_burn_rate{sla="cache-hit-rate"} >= 5.1', "at most 5, and would have to be >= 5.1"),
        ('avg_over_time(sla_sustained_burn_rate{sla=~"cache-hit-.*"}[5m]) == 6', "would have to be == 6"),
        # 100 %: nothing to burn.
        ('sla_burn_rate{sla="backup-success-rate"} > 0', "at most 0"),
        # 14.4 times a tenth of the events are more than all of them.
        ("1 - sla_compliance_ratio > 14.4 * (1 - 0.9)", "is at most 1, and would have to be > 1.44"),
        ("sla_error_budget_remaining_ratio > 1", "at most 1"),
        # All of it is needed, or nothing of it is possible.
        ('up == 0 and on () (sla_burn_rate{sla="cache-hit-rate"} > 6)', "> 6"),
        ("sla_compliance_ratio > 1 or sla_coverage_ratio > 2", "> 1; and "),
        ('sla_compliance_ratio > 1 or -group(ALERTS{alertname="Mine"})', "> 1\n"),
        ("sum(sla_compliance_ratio > 1) / 2 unless on () up", "> 1"),
    ],
)
def test_a_threshold_out_of_reach_is_named(query: str, why: str) -> None:
    [found] = said(query)
    assert found.startswith("warning: own.yml: alert Mine can never fire: ")
    assert why in found


@pytest.mark.parametrize(
    "query",
    [
        'sla_burn_rate{sla="api-response-time-p95"} > 19.9',
        'sla_burn_rate{window="1h"} > 14.4',  # some SLAs can
        'sla_burn_rate{sla="cache-hit-rate"} < 5',
        'sla_burn_rate{sla="cache-hit-rate"} != 6',
        'sla_burn_rate{sla="cache-hit-rate"} > bool 6',  # 0 is a value too
        'sum(sla_burn_rate{sla="cache-hit-rate"}) > 6',  # of several caches
        "sla_compliance_ratio > 1 or up == 0",
        'sla_compliance_ratio > 1 or ALERTS{alertname="Other"}',
        "up == 0 unless sla_compliance_ratio > 1",
        "absent(sla_compliance_ratio > 1)",
        "sla_error_budget_remaining_ratio < -3",
        "rate(requests_total[5m]) > 1e6",
        "increase(requests_total[15d]) > 0",
        "a_function_of_tomorrow(up) > 0",
    ],
)
def test_what_may_fire_is_not(query: str) -> None:
    assert said(query) == []


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("increase(requests_total[30d]) > 5", "30d"),
        ("max_over_time((up == 0)[10d:1h] offset 6d) > 0", "16d"),
        ("up == 0 or sum(rate(requests_total[20d])) > 1", "20d"),
    ],
)
def test_a_window_longer_than_the_retention_is_named(query: str, days: str) -> None:
    [found] = said(query)
    assert f"own.yml: alert Mine reads {days} back, and Prometheus keeps 15d\n" in found
    assert said(query, 30) == []
    assert said(query, None) == []


def test_no_shipped_alert_is_among_them() -> None:
    alerts = [
        Alert(rule["alert"], path.name, rule["expr"])
        for path in (ROOT / "prometheus" / "rules").rglob("*.yml")
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert len(alerts) > 50
    assert list(useless(alerts, SHIPPED, 15 * DAY)) == []
    # Where every target is loose, those on burn rates are named.
    loose = [each for each in SHIPPED if each.key == "cache-hit-rate"]
    named = {each.what.split()[1] for each in useless(alerts, loose, 15 * DAY)}
    assert named == {"SLABudgetBurnFast", "SLABudgetBurnSlow"}


class Pages:
    """A server that says these texts of itself, and 404 elsewhere."""

    def __init__(self, **texts: object) -> None:
        self._texts = {f"/api/v1/{path.replace('__', '/')}": text for path, text in texts.items()}

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        text = self._texts.get(path.partition("?")[0])
        if text is None:
            return 404, {}, b"no such page"
        return 200, {}, text.encode() if isinstance(text, str) else json.dumps({"data": text}).encode()


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("15d or 10GiB", 15 * DAY), ("1w12h", 7.5 * DAY), ("10GiB", None), ("", None), ("0s", None)],
)
def test_the_retention_is_read_from_the_server(said: str, seconds: float | None) -> None:
    assert server.kept_seconds(Pages(status__runtimeinfo={"storageRetention": said})) == seconds


def test_the_rules_are_read_from_the_server() -> None:
    rules = [{"name": "Mine", "query": "up == 0"}, {"name": "a:record"}]
    groups = [{"file": "config/rules/own.yml", "rules": rules}, {"file": "empty.yml"}]
    assert server.alerts(Pages(rules={"groups": groups})) == [Alert("Mine", "own.yml", "up == 0")]


@pytest.mark.parametrize("pages", [Pages(), Pages(rules="{", status__runtimeinfo="[]")])
def test_an_engine_that_says_nothing_of_itself_has_no_findings(pages: Pages) -> None:
    assert server.alerts(pages) == []
    assert server.kept_seconds(pages) is None
