"""Proposed credits over HTTP, and decisions about them."""

from __future__ import annotations

from sla_worker.web.api import changed, refused
from sla_worker.web.http import Answer, json_answer
from sla_worker.web.request import Parts, Request
from sla_worker.web.table import listed


def proposals(parts: Parts, request: Request) -> Answer:
    """Every proposal, those that were decided or superseded too."""
    with refused("month"):
        return listed(request, {"proposals": parts.pages.proposals(request.optional("month"))})


def decide(parts: Parts, request: Request) -> Answer:
    """What `sla_credits` asks of the service that has its ledger open."""
    return json_answer({"proposals": changed(parts.pages.decide, parts.ledger, request)})
