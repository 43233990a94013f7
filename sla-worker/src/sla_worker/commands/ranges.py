"""A report over any range of days, for the terminal: text, HTML, CSV, JSON or PDF."""

from __future__ import annotations

import base64
import datetime as dt

from sla_worker.database.periods import midnight_of
from sla_worker.delivery.kinds import Sources, brand, sender_name
from sla_worker.errors import SLAWorkerError
from sla_worker.links import report_links
from sla_worker.model import LongReport, Sheet
from sla_worker.periodic import report_of_days
from sla_worker.render.data import as_csv, as_json
from sla_worker.render.periodic import long_html, long_text

FORMATS = ("text", "html", "csv", "json", "pdf")
PDF = "pdf"
_MOST_DAYS = 400
_RANGE = "range"


def range_report(sources: Sources, begin: str, until: str, form: str) -> bytes:
    """The report from the day `begin` to the end of the day `until`, as far as it is over, as a file.

    Raises SLAWorkerError.
    """
    zone, database = sources.settings.timezone, sources.database
    first, last = _day("--from", begin), _day("--to", until)
    if last < first:
        raise SLAWorkerError(f"--to {until}: lies before --from {begin}; give a later day")
    if (last - first).days >= _MOST_DAYS:
        raise SLAWorkerError(f"--from {begin} --to {until}: give {_MOST_DAYS} days at most")
    end = database.period_end(sources.now)
    count = (last - first).days + 1
    edges = [midnight_of(first + dt.timedelta(days=number), zone) for number in range(count + 1)]
    edges = [each for each in edges if each < end] + ([edges[-1]] if edges[-1] <= end else [end])
    if len(edges) < 2 or edges[0] >= end:  # noqa: PLR2004 - a span has two ends
        raise SLAWorkerError(f"--from {begin}: that day has not come; give one that has begun")
    report = report_of_days(
        database, kind=_RANGE, title="SLA report", edges=edges, zone=zone, now=sources.now
    )
    if form == PDF:
        return _pdf(sources, report)
    if form == "csv":
        return as_csv(report, zone).encode()
    if form == "json":
        return as_json(report, zone).encode()
    if form == "html":
        return _html(sources, report).encode()
    return long_text(report, zone).encode()


def _pdf(sources: Sources, report: LongReport) -> bytes:
    """Raises SLAWorkerError where it cannot be made: nothing else was asked for."""
    zone = sources.settings.timezone
    settings = sources.settings
    sheet = Sheet(report, zone.key, sender_name(settings), charts=False, brand=brand(settings))
    drawn = sources.draw(sheet)
    if drawn.pdf is None:
        raise SLAWorkerError(f"--format pdf: {drawn.trouble}; try again, or --format html")
    return drawn.pdf


def _html(sources: Sources, report: LongReport) -> str:
    """A page that needs no other file: the charts are in it."""
    zone = sources.settings.timezone
    drawn = sources.draw(Sheet(report, zone.key, sender_name(sources.settings), pdf=False))
    charts = {
        name: f"data:image/png;base64,{base64.b64encode(content).decode()}"
        for name, content in drawn.charts.items()
    }
    return long_html(report, zone, report_links(sources.settings), charts, drawn.trouble)


def _day(option: str, text: str) -> dt.date:
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        found = dt.date.max
    if not dt.MINYEAR < found.year < dt.MAXYEAR:  # its neighbours are looked at too
        raise SLAWorkerError(f"{option} {text[:40]!r}: give a day like 2026-03-01")
    return found
