"""/feed.atom: incidents and maintenance, an entry each, with every update of it."""

from __future__ import annotations

import datetime as dt
import re
from html import escape
from typing import Final
from urllib.parse import urlsplit
from xml.sax.saxutils import escape as as_text

from sla_worker.public import Event
from sla_worker.web.http import Answer
from sla_worker.web.operations import ATOM
from sla_worker.web.request import Parts, Request

_MOST = 100
# What no XML 1.0 may hold, escaped or not.
_NOT_XML: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def atom(parts: Parts, _request: Request) -> Answer:
    """The feed, what changed last first."""
    found = parts.pages.public()
    url = parts.pages.public_url(open_to_all=parts.public)
    site = parts.pages.site_url(open_to_all=parts.public)
    # A tag (RFC 4151) stays the same wherever the feed is read.
    tag = f"tag:{urlsplit(url).hostname},2026:sla-worker"
    events = sorted(
        (*found.incidents, *found.maintenance, *found.revoked), key=lambda each: (each.updated_at, each.id)
    )
    newest = events[: -_MOST - 1 : -1]
    updated = max((each.updated_at for each in newest), default=0)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<id>{_text(tag)}</id>",
        "<title>SLA status: incidents and maintenance</title>",
        f"<updated>{_when(updated)}</updated>",
        "<author><name>SLA status</name></author>",
        f'<link rel="alternate" type="text/html" href="{_attribute(url)}"/>',
        f'<link rel="self" type="application/atom+xml" href="{_attribute(site)}/feed.atom"/>',
        *(_entry(each, tag, url) for each in newest),
        "</feed>",
    ]
    headers = {"Access-Control-Allow-Origin": "*"} if parts.public else {}
    return Answer(("\n".join(lines) + "\n").encode("utf-8", "replace"), ATOM, 200, headers)


def _entry(event: Event, tag: str, url: str) -> str:
    body = "".join(
        f"<p><strong>{escape(each.state.replace('_', ' ').capitalize())}</strong>,"
        f" {dt.datetime.fromtimestamp(each.at, dt.UTC):%Y-%m-%d %H:%M} UTC: {escape(each.words)}</p>"
        for each in reversed(event.updates)
    )
    return (
        f"<entry><id>{_text(tag)}:{event.id}</id><title>{_text(event.title)}</title>"
        f"<updated>{_when(event.updated_at)}</updated><published>{_when(event.created_at)}</published>"
        f'<link rel="alternate" type="text/html" href="{_attribute(url)}#{event.id}"/>'
        f'<category term="{event.impact}"/><content type="html">{_text(body)}</content></entry>'
    )


def _when(epoch: int) -> str:
    return f"{dt.datetime.fromtimestamp(epoch, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _text(text: str) -> str:
    return as_text(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _attribute(text: str) -> str:
    return as_text(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text), {'"': "&quot;"})
