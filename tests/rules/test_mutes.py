"""The mail of an alert names what inhibit_rules mute while it fires, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from amlint.routing import Inhibitor

from rules.binaries import required, versions
from rules.mail_parts import DRILL, alert
from rules.mails import ROOT, Post, hurried, part, running_alertmanager

INHIBITOR = Inhibitor(
    yaml.safe_load((ROOT / "alertmanager" / "alertmanager.yml").read_text())["inhibit_rules"]
)
SHIPPED: dict[str, dict[str, str]] = {
    rule["alert"]: {name: rule["labels"][name] for name in ("severity", "component")}
    for path in sorted((ROOT / "prometheus" / "rules").rglob("*.yml"))
    for group in yaml.safe_load(path.read_text()).get("groups") or []
    for rule in group["rules"]
    if "alert" in rule
}
SAME = {"job": "shop", "instance": "a", "breaker": "crm-api"}
OF_AN_SLA = {"sla": "api", "title": "API"}
"""What a rule can ask two alerts to have in common; the second, of two about SLAs."""
SENTENCE = re.compile(r"While this lasts, (.*)\.")


def common(name: str) -> dict[str, str]:
    """The labels of a shipped alert, with all that it can share with others."""
    return SHIPPED[name] | SAME | (OF_AN_SLA if SHIPPED[name]["component"] == "sla" else {})


def muted_by(name: str) -> set[str]:
    """The shipped alerts that are muted by one, by inhibit_rules, when all is equal that can be."""
    source = common(name) | {"alertname": name}
    targets = {other: common(other) | {"alertname": other} for other in SHIPPED}
    return {
        other for other, labels in targets.items() if INHIBITOR.inhibited_by(labels, [source]) is not None
    }


def body(name: str, **labels: str) -> dict[str, Any]:
    """A shipped alert as Prometheus sends it."""
    return alert(name, **(common(name) | labels))


@pytest.fixture(scope="module", params=versions("alertmanager"))
def post(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    directory = tmp_path_factory.mktemp("alertmanager")
    with running_alertmanager(required(request.param, "alertmanager"), directory, unmuted) as running:
        yield running


def unmuted(smtp_port: int) -> dict[str, Any]:
    """The hurried configuration without inhibition: each alert is mailed, whatever else fires."""
    return hurried(smtp_port) | {"inhibit_rules": []}


def said_in(text: str) -> set[str]:
    """The alerts that a text names as muted."""
    found = SENTENCE.findall(text)
    assert len(found) <= 1
    return {word for sentence in found for word in re.findall(r"\w+", sentence) if word in SHIPPED}


def test_each_mail_says_what_its_alert_mutes_in_both_parts(post: Post) -> None:
    post.send([body(name) for name in SHIPPED])
    for name in SHIPPED:
        mail = post.mail_with("FIRING", name)
        assert str(mail["Subject"]).endswith(f" {name}: api" if "sla" in common(name) else f" {name}")
        for kind in ("plain", "html"):
            assert said_in(part(mail, kind)) == muted_by(name), (name, kind)


def test_some_alerts_mute_and_most_do_not() -> None:
    muting = {name for name in SHIPPED if muted_by(name)}
    assert muting == {
        "MultipleWorkersDown",
        "CircuitBreakerOpen",
        "WorkerUnhealthy",
        "DeadLetterQueueCritical",
        "HighLatencyP99",
        "SLABudgetBurnFast",
        "SLABudgetBurnSlow",
        "SLABudgetExhausted",
        "SLABudgetSoonGone",
        "SLABudgetBurnSteady",
    }


def test_a_drill_and_an_end_mute_nothing(post: Post) -> None:
    for job, labels, ended in (("drilled", DRILL, False), ("ended", {}, True)):
        if ended:
            post.mail_about(job, [alert("MultipleWorkersDown", job=job)])
        mail = post.mail_about(job, [alert("MultipleWorkersDown", ended=ended, job=job, **labels)])
        assert "While this lasts" not in part(mail, "plain") + part(mail, "html")


def test_every_critical_alert_that_can_be_muted_is_told_of_while_a_silence_is_active() -> None:
    # CriticalAlertMuted asks for the pairs of inhibit_rules, joined on the labels that their rule compares.
    rules = yaml.safe_load((ROOT / "alertmanager" / "alertmanager.yml").read_text())["inhibit_rules"]
    wanted = set()
    for source, target in ((cause, each) for cause in SHIPPED for each in muted_by(cause)):
        if SHIPPED[target]["severity"] == "critical":
            [equal] = [rule["equal"] for rule in rules if f'alertname="{source}"' in rule["source_matchers"]]
            wanted.add((target, ", ".join(equal), source))
    text = (ROOT / "prometheus" / "rules" / "monitoring.yml").read_text()
    [expression] = [
        rule["expr"]
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "CriticalAlertMuted"
    ]
    asked = re.findall(
        r'ALERTS\{alertname="(\w+)"[^}]*\}\s+and on \(([^)]*)\) ALERTS\{alertname="(\w+)"', expression
    )
    assert set(asked) == wanted
    assert len(wanted) == 2
