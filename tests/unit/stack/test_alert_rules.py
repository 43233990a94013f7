"""Alerting rules, read and rehearsed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stack import alert_rules
from stack.alert_rules import AlertRule
from stack.errors import StackError

ROOT = Path(__file__).resolve().parents[3]
RULE = AlertRule(
    name="DiskFull",
    expression='disk_used_bytes{job="a"} / disk_size_bytes > 0.9',
    labels={"severity": "critical", "component": "system"},
    annotations={
        "summary": "{{ $value | humanizePercentage }} of {{ $labels.disk }} is used",
        "description": "Look at {{ $labels.instance }} ({{ $labels.unknown }}).",
        "runbook_url": "{{ $externalLabels.sla_worker_url }}/runbooks/DiskFull",
    },
)


def test_a_drill_has_the_labels_of_the_rule_and_says_what_it_is() -> None:
    series = {"disk": "sda", "instance": "a:9090"}
    made = RULE.rehearsed(series, {"sla_worker_url": "http://localhost:8080"})
    assert made["labels"] == {
        "alertname": "DiskFull",
        "severity": "critical",
        "component": "system",
        "disk": "sda",
        "instance": "a:9090",
        "drill": "true",
    }
    assert made["annotations"] == {
        "summary": "[DRILL] (the value) of sda is used",
        "description": "Look at a:9090 ().",
        "runbook_url": "http://localhost:8080/runbooks/DiskFull",
    }


OF_A_TEAM = AlertRule(
    name="SLABreachActive",
    expression="sla_breach_start_timestamp_seconds",
    labels={"severity": "warning", "team": '{{ or $labels.team "platform" }}'},
    annotations={"summary": "{{ $labels.title }} is in breach"},
)


@pytest.mark.parametrize(
    ("series", "team"),
    [({"title": "API"}, "platform"), ({"title": "API", "team": "payments"}, "payments")],
)
def test_a_label_that_the_series_lacks_has_what_the_rule_says_else(series: dict[str, str], team: str) -> None:
    assert OF_A_TEAM.rehearsed(series, {})["labels"]["team"] == team
    assert alert_rules.labels_of(OF_A_TEAM.labels, series) == {"severity": "warning", "team": team}
    assert OF_A_TEAM.asked_labels == {"title", "team"}
    assert OF_A_TEAM.optional_labels == {"team"}


def test_the_shipped_alerts_on_slas_say_platform_where_no_team_is() -> None:
    about_slas = [
        rule
        for rule in alert_rules.load(ROOT / "prometheus").values()
        if rule.labels.get("component") == "sla"
    ]
    assert about_slas
    for rule in about_slas:
        assert alert_rules.labels_of(rule.labels, {})["team"] == "platform"
        assert alert_rules.labels_of(rule.labels, {"team": "payments"})["team"] == "payments"


def test_it_knows_the_labels_that_its_texts_name_and_the_names_in_its_expression() -> None:
    assert RULE.asked_labels == {"disk", "instance", "unknown"}
    assert RULE.words >= {"disk_used_bytes", "disk_size_bytes"}


def test_all_rule_files_that_prometheus_loads_are_read() -> None:
    shipped = {
        rule["alert"]
        for path in (ROOT / "prometheus" / "rules").rglob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"] or []
        for rule in group["rules"]
        if "alert" in rule
    }
    assert alert_rules.load(ROOT / "prometheus").keys() == shipped


def test_without_a_name_it_is_said_where_the_names_stand() -> None:
    with pytest.raises(StackError, match="no alert was named") as caught:
        alert_rules.pick({"DiskFull": RULE, "Watchdog": RULE}, "")
    assert caught.value.fix == (
        "make drill ALERT=WorkerUnhealthy, or another: each alert has a page in runbooks/"
    )


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("DiskFul", "did you mean DiskFull or DisksFull? each alert has a page in runbooks/"),
        ("diskfull", "did you mean DiskFull or DisksFull? each alert has a page in runbooks/"),
        ("DiskFulls", "did you mean DiskFull or DisksFull? each alert has a page in runbooks/"),
        ("Zzz", "each alert has a page in runbooks/"),
    ],
)
def test_an_unknown_name_is_named_with_near_ones(name: str, fix: str) -> None:
    rules = dict.fromkeys(("DiskFull", "DisksFull", "Watchdog"), RULE)
    with pytest.raises(StackError, match=f"no alert is called '{name}'") as caught:
        alert_rules.pick(rules, name)
    assert caught.value.fix == fix


def test_rules_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="cannot be read"):
        alert_rules.load(tmp_path)
