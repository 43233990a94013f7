"""Badges: an SLA's figure and verdict of the last 30 days, for shields' endpoint and as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from sla_worker.model import SLAStatus
from sla_worker.render.format import compliance, verdict, verdict_colour
from sla_worker.web.http import Answer, HTTPError, json_answer
from sla_worker.web.operations import SVG
from sla_worker.web.request import Parts, Request

_WORST_FIRST = ("fail", "no data", "pass so far", "pass")
_LONGEST = 40  # letters of a name
# Widths in tenths of a pixel of Verdana at 11 px, from space to tilde.
_WIDTHS: Final = (
    *(39, 43, 50, 90, 70, 118, 80, 30, 50, 50, 70, 90, 40, 50, 40, 50),
    *(70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 50, 50, 90, 90, 90, 60),
    *(110, 75, 75, 77, 85, 70, 63, 85, 83, 46, 50, 76, 61, 93, 82, 87),
    *(66, 87, 76, 75, 68, 81, 75, 109, 75, 68, 75, 50, 50, 50, 90, 70),
    *(70, 66, 69, 57, 69, 66, 39, 69, 70, 30, 38, 65, 30, 107, 70, 67),
    *(69, 69, 47, 57, 43, 70, 65, 90, 65, 65, 58, 70, 50, 70, 90),
)
_OTHER_WIDTH = 140  # of what is not ASCII: as wide as an emoji, so that nothing is cut off
_PADDING = 10
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; sandbox; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


def endpoint(parts: Parts, request: Request) -> Answer:
    """In the schema of shields' endpoint badge."""
    name, message, colour = _badge(parts, request.text("sla"))
    return json_answer(
        {"schemaVersion": 1, "label": name, "message": message, "color": colour, "cacheSeconds": 300},
        headers=_headers(parts),
    )


def svg(parts: Parts, request: Request) -> Answer:
    """As a picture; it loads nothing and runs nothing."""
    name, message, colour = _badge(parts, request.text("sla"))
    picture = _picture(name, message, colour)
    return Answer(
        picture.encode("utf-8", "replace"),
        SVG,
        200,
        {
            **_headers(parts),
            "Content-Security-Policy": _POLICY,
            "Cross-Origin-Resource-Policy": "cross-origin",  # a badge stands on pages of others
        },
    )


def _headers(parts: Parts) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": "*"} if parts.public else {}


def _badge(parts: Parts, key: str) -> tuple[str, str, str]:
    """The name, what is said of it, and the colour. Raises 404 for an SLA that may not be known here."""
    statuses = parts.pages.badge_statuses(key, open_to_all=parts.public)
    if not statuses:
        raise HTTPError(404, f"there is no badge for {key[:80]}; give the key of an SLA")
    worst = worst_of(statuses)
    said = verdict(worst)
    name = worst.name if len(worst.name) <= _LONGEST else f"{worst.name[: _LONGEST - 1]}…"
    message = said if worst.compliance_ratio is None else f"{compliance(worst)} {said}"
    return name, message, verdict_colour(worst)


def worst_of(statuses: Sequence[SLAStatus]) -> SLAStatus:
    """The component that an SLA is judged by: one that failed, one without data, then the lowest."""

    def rank(status: SLAStatus) -> tuple[int, float]:
        said = verdict(status)
        place = _WORST_FIRST.index(said) if said in _WORST_FIRST else len(_WORST_FIRST)
        return place, 2.0 if status.compliance_ratio is None else status.compliance_ratio

    return min(statuses, key=rank)


def width(text: str) -> int:
    """The width of a text in whole pixels, or a little more."""
    tenths = sum(_WIDTHS[ord(each) - ord(" ")] if " " <= each <= "~" else _OTHER_WIDTH for each in text)
    return -(-tenths // 10)


def _picture(label: str, message: str, colour: str) -> str:
    left, right = width(label) + _PADDING, width(message) + _PADDING
    said = escape(f"{label}: {message}")
    texts = "".join(
        f'<text x="{start + size / 2:g}" y="14" text-anchor="middle" textLength="{size - _PADDING}"'
        f' lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
        for text, start, size in ((label, 0, left), (message, left, right))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{said}"><title>{said}</title>'
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#444c56"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{texts}</g></svg>\n'
    )
