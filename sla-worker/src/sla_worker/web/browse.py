"""Lists to page through: measurements, breaches, and the mails that were owed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sla_worker.model import Breach, Measurement
from sla_worker.web.api import refused
from sla_worker.web.http import Answer, HTTPError
from sla_worker.web.request import Parts, Request
from sla_worker.web.table import listed


def measurements(parts: Parts, request: Request) -> Answer:
    """The rows of one SLA, newest first; of a composite with the member whose compliance is lowest."""
    key, limit = request.text("sla"), request.number("limit")
    start, end = _range(parts, request)
    with refused("cursor"):
        rows, more = parts.pages.browser.measurements(
            key, start, end, after=request.optional("cursor"), limit=limit
        )
    if not rows and not parts.pages.browser.measurements(key, 0, end, limit=1)[0]:
        raise HTTPError(404, f"sla={key}: no measurement has this key; sla_thresholds.yml lists the keys")
    lowest = parts.pages.lowest_member(key)
    beside = parts.pages.beside(rows) if rows else ()
    found = [_row(each) | more_of_it for each, more_of_it in zip(rows, beside, strict=True)]
    whole = {"measurements": found, "next": more, **({"lowest": lowest} if lowest else {})}
    return listed(request, whole)


def breaches(parts: Parts, request: Request) -> Answer:
    """Breaches, newest first, each with its likely cause."""
    start, end = _range(parts, request)
    state, team = request.optional("state"), request.optional("team")
    with refused("team"):
        parts.pages.keys_of(team)
    with refused("cursor"):
        found, more = parts.pages.browser.breaches(
            after=request.optional("cursor"),
            limit=request.number("limit"),
            start=start,
            end=end,
            lasting=None if state is None else state == "open",
            key=request.optional("sla"),
            severity=request.optional("severity"),
            category=request.optional("category"),
            team=team,
        )
    causes = {
        number: asdict(each) for number, each in parts.pages.causes([each.id for each in found]).items()
    }
    open_now, now = parts.pages.open_breaches(), parts.pages.now()
    rows = [_breach(each, open_now, now) | {"causes": causes.get(each.id)} for each in found]
    return listed(request, {"breaches": rows, "next": more})


def reports(parts: Parts, request: Request) -> Answer:
    """Which mails were owed, when they were sent, and to how many."""
    with refused("cursor"):
        found, more = parts.pages.browser.mails(
            after=request.optional("cursor"), limit=request.number("limit"), kind=request.optional("type")
        )
    return listed(
        request, {"reports": [asdict(each) | {"state": each.state} for each in found], "next": more}
    )


def _range(parts: Parts, request: Request) -> tuple[int, int]:
    text = request.range()
    if text is None:
        return 0, 2**53
    with refused("from, to"):
        span = parts.pages.span(text)
    return span.start, span.end if request.optional("to") is not None else 2**53


def _breach(breach: Breach, open_now: frozenset[int], now: int) -> dict[str, Any]:
    return {
        "id": breach.id,
        "sla": breach.key,
        "name": breach.name,
        "component": breach.component,
        "description": breach.description,
        "severity": breach.severity,
        "state": "open" if breach.id in open_now else "over",
        "started_at": breach.started_at,
        "ended_at": breach.ended_at,
        "duration_seconds": breach.duration_seconds(now)
        if breach.ended_at is not None or breach.id in open_now
        else None,
        "comparison": breach.comparison,
        "target": breach.target,
        "unit": breach.unit,
        "worst": breach.worst,
    }


def _row(row: Measurement) -> dict[str, object]:
    """A row of the ledger with its state and status in words; `slot` is the slot's end in epoch seconds."""
    words = {"sla": row.key, "state": row.state.word, "status": row.status.label}
    return words | {name: value for name, value in asdict(row).items() if name not in {"key", *words}}
