"""Pages, health, metrics and the webhook."""

from __future__ import annotations

import logging

from sla_worker.web import webhook as calls
from sla_worker.web.api import known_sla, refused
from sla_worker.web.http import FORM_POLICY, HTML, Answer, HTTPError, json_answer
from sla_worker.web.operations import METRICS
from sla_worker.web.request import Parts, Request

_log = logging.getLogger(__name__)


def status(parts: Parts, request: Request) -> Answer:
    """The status page."""
    window, team = request.optional("window"), request.optional("team")
    with refused("team"):
        parts.pages.keys_of(team)
    with refused("window"):
        page = parts.pages.status_page(
            window,
            whole=request.given("all"),
            search=request.optional("q"),
            category=request.optional("category"),
            team=team,
            exclusions=request.text("exclusions") == "on",
            number=request.number("page"),
            refresh=request.optional("refresh") is not None,
        )
    return Answer(page.encode("utf-8", "replace"), HTML, 200, {"Content-Security-Policy": FORM_POLICY})


def explanation(parts: Parts, request: Request) -> Answer:
    """Where the figures of one SLA come from, as a page."""
    key = known_sla(parts, request)
    with refused("period"):
        page = parts.pages.explanation_page(key, request.text("period"))
    return Answer(page.encode("utf-8", "replace"), HTML)


def runbooks(parts: Parts, _request: Request) -> Answer:
    """The list of runbooks."""
    return parts.runbooks.index()


def runbook(parts: Parts, request: Request) -> Answer:
    """One of them."""
    return parts.runbooks.page(request.text("name"))


def metrics(parts: Parts, _request: Request) -> Answer:
    """The metrics as text."""
    return Answer(parts.pages.metrics(), METRICS)


def health(parts: Parts, _request: Request) -> Answer:
    """Whether the worker is healthy, and why not; where there may be several, which of them leads."""
    reason, role = parts.pages.health(), parts.pages.role()
    if reason is None:
        warnings = parts.pages.warnings()
        return json_answer({"status": "ok", **role, **({"warnings": warnings} if warnings else {})})
    return json_answer({"status": "unhealthy", **role, "reason": reason}, 503)


def webhook(parts: Parts, request: Request) -> Answer:
    """Takes the alerts of Alertmanager."""
    try:
        call = calls.parse(request.body(), parts.pages.now())
    except HTTPError as error:  # Alertmanager does not say it again: what is refused is lost
        _log.error("webhook refused status=%d error=%s", error.status, error)
        raise
    if call.truncated:
        _log.warning("webhook truncated stored=%d left_out=%d", len(call.alerts), call.truncated)
    parts.pages.receive(call.alerts, call.truncated)
    return json_answer({"stored": len(call.alerts)})
