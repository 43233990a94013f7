"""/maintenance.ics: maintenance of public SLAs as an iCalendar (RFC 5545), for who subscribes to it.

Each time of a recurring window is an event of its own, in UTC: that is when it counts, whatever became of the
rule or of the clocks since. One that was taken back is cancelled, so that it vanishes from calendars.

Written by hand: the package icalendar takes more memory than this worker has left.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Final

from sla_worker.public import Event
from sla_worker.web.http import Answer
from sla_worker.web.operations import CALENDAR
from sla_worker.web.request import Parts, Request

_LINE = 75  # octets, as the format allows
_ESCAPED: Final = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": ""})
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def maintenance(parts: Parts, _request: Request) -> Answer:
    """The calendar, oldest first."""
    found = parts.pages.public()
    url = parts.pages.public_url(open_to_all=parts.public)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//sla-worker//maintenance//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Maintenance",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ]
    for each in reversed((*found.maintenance, *found.revoked)):
        lines += _event(each, url)
    lines.append("END:VCALENDAR")
    text = "".join(f"{part}\r\n" for line in lines for part in _folded(line))
    return Answer(
        text.encode("utf-8", "replace"),
        CALENDAR,
        200,
        {"Content-Disposition": 'inline; filename="maintenance.ics"'},
    )


def _event(event: Event, url: str) -> Iterable[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{event.id}@sla-worker"
    yield f"DTSTAMP:{_when(event.created_at)}"
    yield f"LAST-MODIFIED:{_when(event.updated_at if event.revoked else event.created_at)}"
    yield f"SEQUENCE:{int(event.revoked)}"
    yield f"DTSTART:{_when(event.begins)}"
    yield f"DTEND:{_when(event.ends or event.begins)}"
    yield f"SUMMARY:{_text(event.title)}"
    yield f"STATUS:{'CANCELLED' if event.revoked else 'CONFIRMED'}"
    yield "TRANSP:TRANSPARENT"
    yield f"URL:{url}#{event.id}"
    yield "END:VEVENT"


def _when(epoch: int) -> str:
    return f"{dt.datetime.fromtimestamp(epoch, dt.UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    return _CONTROL.sub("", text).translate(_ESCAPED)


def _folded(line: str) -> Iterable[str]:
    """The line in pieces of at most 75 octets, none of which ends within a character."""
    piece, size = "", 0
    for each in line:
        octets = len(each.encode("utf-8", "replace"))
        if size + octets > _LINE:
            yield piece
            piece, size = " ", 1
        piece, size = piece + each, size + octets
    yield piece
