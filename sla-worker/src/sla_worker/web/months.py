"""Frozen months over HTTP: what was frozen is handed out as it was frozen."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sla_worker.errors import DatabaseError, SLAWorkerError
from sla_worker.web.http import HTML, JSON, TEXT, Answer, HTTPError
from sla_worker.web.request import Parts, Request
from sla_worker.web.table import listed as as_list

if TYPE_CHECKING:
    from sla_worker.model import FrozenMonth


def listed(parts: Parts, request: Request) -> Answer:
    """Every revision of every month, oldest first."""
    return as_list(request, {"months": [asdict(each) for each in parts.pages.months()]})


def page(parts: Parts, _request: Request) -> Answer:
    """The same as a page, the newest first."""
    return Answer(parts.pages.months_page().encode("utf-8", "replace"), HTML)


def document(parts: Parts, request: Request) -> Answer:
    """A month as JSON, byte by byte as it was frozen; `revision=N`, by default the newest."""
    month = found(parts, request)
    body = parts.pages.frozen(month, as_json=True).encode()
    return Answer(body, JSON, 200, {"ETag": f'"{month.sha256}"'})


def text(parts: Parts, request: Request) -> Answer:
    """The same as text."""
    return Answer(parts.pages.frozen(found(parts, request), as_json=False).encode(), TEXT)


def found(parts: Parts, request: Request) -> FrozenMonth:
    """The month that a request names. Raises HTTPError."""
    revision = request.optional_number("revision")
    try:
        return parts.pages.month(request.text("month"), revision)
    except DatabaseError:
        raise
    except SLAWorkerError as error:
        raise HTTPError(400 if str(error).startswith("invalid") else 404, str(error)) from error
