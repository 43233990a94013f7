"""A silenced cause goes on muting; the critical alert that it mutes reaches somebody all the same.

Real programs, oldest and newest, with the shipped rules, routes and inhibition at a 60th of their durations.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from compression.files import rules_tree
from rules.binaries import required
from rules.chain import pairs, running_prometheus, serving_application
from rules.mails import ROOT, Post, part, running_alertmanager, shipped
from waiting import patience, poll

FACTOR = 60
ALERTS = ("WorkerUnhealthy", "MultipleWorkersDown", "CriticalAlertMuted")


def rules() -> dict[str, Any]:
    """The three alerts as they are shipped, at a 60th of their durations."""
    found = []
    for name in ("worker_health", "monitoring"):
        tree = yaml.safe_load((ROOT / "prometheus" / "rules" / f"{name}.yml").read_text())
        chosen = [
            rule
            for group in rules_tree(tree, FACTOR)["groups"]
            for rule in group["rules"]
            if rule.get("alert") in ALERTS
        ]
        found.append({"name": name, "rules": chosen})
    return {"groups": found}


def quick(smtp_port: int) -> dict[str, Any]:
    """The shipped routes and inhibition, with waits of a second."""
    tree = shipped(smtp_port)
    for route in (tree["route"], *tree["route"]["routes"]):
        route |= {name: "1s" for name in ("group_wait", "group_interval") if name in route}
    return tree


@pytest.fixture(scope="module", params=pairs())
def post(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    """Two workers of a job are down, and a silence covers MultipleWorkersDown."""
    prometheus, alertmanager = request.param
    with (
        serving_application() as application,
        running_alertmanager(
            required(alertmanager, "alertmanager"), tmp_path_factory.mktemp("alertmanager"), quick
        ) as running,
    ):
        running.silence(alertname="MultipleWorkersDown")
        for worker in ("worker-1", "worker-2"):
            application.samples[f'insa_worker_health_status{{worker_name="{worker}"}}'] = 0
        with running_prometheus(
            required(prometheus, "prometheus"),
            tmp_path_factory.mktemp("prometheus"),
            rules=rules(),
            post=running,
            targets={"shop": application.address, "alertmanager": running.url.removeprefix("http://")},
        ):
            yield running


def states(post: Post, name: str) -> set[str]:
    """How Alertmanager holds the alerts of a name."""
    return {alert["status"]["state"] for alert in post.alerts_matching(f'alertname="{name}"')}


def test_alertmanager_lets_the_silenced_cause_mute(post: Post) -> None:
    # The reason for the alert. Should Alertmanager change its mind, CriticalAlertMuted can go.
    cause = poll(lambda: post.alerts_matching('alertname="MultipleWorkersDown"'), "the cause", seconds=20)[0]
    assert cause["status"]["silencedBy"]
    poll(lambda: states(post, "WorkerUnhealthy") == {"suppressed"}, "the workers' alerts muted", seconds=20)
    for alert in post.alerts_matching('alertname="WorkerUnhealthy"'):
        assert alert["status"]["inhibitedBy"] == [cause["fingerprint"]]


@pytest.mark.parametrize("to", ["critical-alerts@example.com", "infrastructure-alerts@example.com"])
def test_the_muted_alert_reaches_somebody(post: Post, to: str) -> None:
    mail = post.mail_with("FIRING", "CRITICAL CriticalAlertMuted", to=to)
    text = part(mail, "plain")
    assert "WorkerUnhealthy of shop is muted by MultipleWorkersDown, which may be silenced" in text
    assert "worker_name = worker-1" in text or "worker_name = worker-2" in text
    assert not [mail for mail in post.sink.mails if "MultipleWorkersDown" in str(mail["Subject"])]


def test_it_is_over_when_the_silence_is(post: Post) -> None:
    seen = len(post.sink.mails)
    silences = httpx.get(f"{post.url}/api/v2/silences", trust_env=False, timeout=patience(5)).json()
    for each in silences:
        httpx.delete(
            f"{post.url}/api/v2/silence/{each['id']}", trust_env=False, timeout=patience(5)
        ).raise_for_status()
    post.mail_with("RESOLVED", "CriticalAlertMuted", seen=seen)
    post.mail_with("FIRING", "MultipleWorkersDown", seen=seen)
