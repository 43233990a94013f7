"""A good mail passes; each thing that can be wrong with it is named."""

from __future__ import annotations

import dataclasses
from urllib.parse import quote

import httpx
import pytest

from alerts import mailcheck
from alerts.errors import ProofError
from alerts.shipped import Alert
from e2e.live import Mail
from unit.alerts.made_up import stack_of

ALERT = Alert("Bad", {"severity": "critical"}, 60, 0, ("critical",), {"critical": "c@example.com"})
RUNBOOK = "http://sla-worker/runbooks/Bad"
EXPRESSION = "http://prometheus/graph?g0.expr=up+%3D%3D+0&g0.tab=1"
SILENCE = "http://alertmanager/#/silences/new?filter=" + quote('{alertname="Bad"}')
DASHBOARD = "http://grafana/d/insa-worker-health?viewPanel=21"
CONDITION_AT = 1000.1239


def page(*urls: str, words: str = "Bad is FIRING") -> str:
    anchors = "".join(f'<a href="{url}">x</a>' for url in urls)
    return f"<html><body><div>{words}</div>{anchors}</body></html>"


GOOD = Mail(
    received_at=1008,
    recipients=("c@example.com",),
    subject="[FIRING:1] CRITICAL Bad",
    html=page(RUNBOOK, EXPRESSION, SILENCE, DASHBOARD),
    text="Bad\nImpact: some\nLikely causes: some\nFirst steps: some\n",
)


def answer(request: httpx.Request) -> httpx.Response:
    """A runbook that names the alert, and a Prometheus on which `up == 0` held at 1000.123."""
    if request.url.host == "sla-worker":
        return (
            httpx.Response(200, text="Bad: Diagnosis")
            if request.url.path.endswith("/Bad")
            else httpx.Response(404)
        )
    held = "time=1000.123" in request.content.decode() and "up" in request.content.decode()
    result = [{"metric": {}, "value": [1000.123, "0"]}] if held else []
    return httpx.Response(200, json={"status": "success", "data": {"resultType": "vector", "result": result}})


def check(mail: Mail, condition_at: float = CONDITION_AT) -> None:
    mailcheck.check_firing(stack_of(answer), mail, "c@example.com", ALERT, condition_at)


def test_a_good_mail_passes() -> None:
    check(GOOD)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recipients": ("c@example.com", "d@example.com")}, "went to c@example.com, d@example.com"),
        ({"text": GOOD.text.replace("Bad", "")}, "the text part .* does not name Bad"),
        ({"text": GOOD.text.replace("Impact", "")}, "does not tell: Impact"),
        ({"html": page(RUNBOOK, words="Bad <no value>")}, "the HTML part .* holds '<no value>'"),
        ({"html": GOOD.html.replace("<div>", "<script>1</script><div>")}, "holds <script>"),
        ({"html": page(EXPRESSION, SILENCE, DASHBOARD)}, "no link to a runbook"),
        ({"html": page(RUNBOOK, SILENCE, DASHBOARD)}, "no link to the expression"),
        ({"html": page(RUNBOOK, EXPRESSION, DASHBOARD)}, "no link to a silence"),
        ({"html": page(RUNBOOK, EXPRESSION, SILENCE)}, "no link to a panel of a dashboard"),
        (
            {"html": page(RUNBOOK, EXPRESSION, SILENCE, DASHBOARD.partition("?")[0])},
            "no link to a panel of a dashboard",
        ),
        (
            {"html": GOOD.html.replace("http://prometheus/", "http://prometheus:1/")},
            "http://prometheus:1/.* is not this Prometheus",
        ),
    ],
)
def test_what_is_wrong_with_a_mail_is_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(ProofError, match=words):
        check(dataclasses.replace(GOOD, **change))  # type: ignore[arg-type]  # by the name of the field


def test_a_linked_expression_that_did_not_hold_is_named() -> None:
    with pytest.raises(ProofError, match=r"the linked expression did not hold at 2000\.000"):
        check(GOOD, 2000.0)


def test_a_runbook_that_is_not_there_is_an_error() -> None:
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        check(dataclasses.replace(GOOD, html=GOOD.html.replace("/runbooks/Bad", "/runbooks/Good")))


def test_a_resolved_mail_must_say_so_in_both_parts() -> None:
    good = dataclasses.replace(GOOD, html=page(words="Bad is RESOLVED"), text="RESOLVED: Bad")
    mailcheck.check_resolved(good, "c@example.com", ALERT)
    with pytest.raises(ProofError, match="does not say RESOLVED"):
        mailcheck.check_resolved(dataclasses.replace(good, text="Bad"), "c@example.com", ALERT)
