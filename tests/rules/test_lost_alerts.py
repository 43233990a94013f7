"""An alert whose Prometheus was frozen or killed is not called over: real programs, oldest and newest."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from rules.binaries import required
from rules.chain import Application, Prometheus, pairs, running_prometheus, serving_application
from rules.contrast import shown_texts
from rules.mails import Post, part, running_alertmanager

LOST = "NO LONGER REPORTED"
MAY_GO_ON = "Prometheus stopped reporting this and reported no end, so it may still be going on."
NAMES = ("Over", "Frozen", "Killed")


def rule(name: str) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": f'trouble{{name="{name}"}} == 1',
        "labels": {"severity": "critical", "component": "worker"},
        "annotations": {"summary": f"{name} is in trouble"},
    }


@dataclasses.dataclass(frozen=True)
class Chain:
    """An application, the Prometheus that watches it, and the Alertmanager that mails."""

    application: Application
    prometheus: Prometheus
    post: Post

    def trouble(self, name: str, value: float) -> None:
        self.application.samples[f'trouble{{name="{name}"}}'] = value

    def mail(self, *words: str, seen: int = 0) -> EmailMessage:
        return self.post.mail_with(*words, seen=seen)

    def firing(self, name: str) -> int:
        """Have an alert fire and be mailed; the number of mails by then."""
        self.trouble(name, 1)
        self.mail("[FIRING:1]", name)
        return len(self.post.sink.mails)


@pytest.fixture(scope="module", params=pairs())
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    prometheus, alertmanager = request.param
    rules = {"groups": [{"name": "trouble", "rules": [rule(name) for name in NAMES]}]}
    with (
        serving_application() as application,
        running_alertmanager(
            required(alertmanager, "alertmanager"), tmp_path_factory.mktemp("alertmanager")
        ) as post,
        running_prometheus(
            required(prometheus, "prometheus"),
            tmp_path_factory.mktemp("prometheus"),
            rules=rules,
            post=post,
            targets={"shop": application.address},
        ) as server,
    ):
        yield Chain(application, server, post)


def test_an_end_that_the_rule_reports_is_resolved(chain: Chain) -> None:
    seen = chain.firing("Over")
    chain.trouble("Over", 0)
    mail = chain.mail("[RESOLVED:1] CRITICAL Over", seen=seen)
    text = part(mail, "plain")
    assert text.startswith("RESOLVED - CRITICAL - Over")
    assert "1 resolved" in text
    assert LOST not in text
    assert "No longer firing. It lasted" in part(mail, "html")


def assert_lost(mail: EmailMessage, name: str) -> None:
    """The mail claims no end, in subject, text and HTML."""
    assert mail["Subject"] == f"[{LOST}:1] CRITICAL {name}"
    text = part(mail, "plain")
    shown = " ".join(each.text for each in shown_texts(part(mail, "html")))
    for words in (text, shown):
        assert LOST in words
        assert MAY_GO_ON in words
        assert "1 no longer reported" in words
        assert "given up" in words.lower()
        for claim in ("RESOLVED", "resolved", "Ended", "lasted", "over"):
            assert claim not in words.replace("Alertmanager", ""), claim
    assert "#15703a" not in part(mail, "html")  # the green of an end
    assert "line-through" not in part(mail, "html")


def test_frozen_then_thawed(chain: Chain) -> None:
    seen = chain.firing("Frozen")
    chain.prometheus.signal(signal.SIGSTOP)
    try:
        assert_lost(chain.mail(LOST, "Frozen", seen=seen), "Frozen")
    finally:
        chain.prometheus.signal(signal.SIGCONT)
    # It goes on, and is reported again.
    seen = len(chain.post.sink.mails)
    chain.mail("[FIRING:1] CRITICAL Frozen", seen=seen)
    chain.trouble("Frozen", 0)
    chain.mail("[RESOLVED:1] CRITICAL Frozen", seen=seen)


def test_killed_and_ended_after_a_restart(chain: Chain) -> None:
    seen = chain.firing("Killed")
    chain.prometheus.kill()
    assert_lost(chain.mail(LOST, "Killed", seen=seen), "Killed")
    seen = len(chain.post.sink.mails)
    chain.prometheus.start()
    chain.mail("[FIRING:1] CRITICAL Killed", seen=seen)
    chain.trouble("Killed", 0)
    chain.mail("[RESOLVED:1] CRITICAL Killed", seen=seen)
