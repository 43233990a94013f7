"""A report over any range of days, for the terminal: text, HTML, CSV or JSON."""

from __future__ import annotations

import datetime as dt

from sla_worker.database.periods import midnight_of
from sla_worker.delivery.kinds import Sources
from sla_worker.errors import SLAWorkerError
from sla_worker.links import report_links
from sla_worker.periodic import report_of_days
from sla_worker.render.data import as_csv, as_json
from sla_worker.render.periodic import long_html, long_text

FORMATS = ("text", "html", "csv", "json")
_MOST_DAYS = 400
_RANGE = "range"


def range_report(sources: Sources, begin: str, until: str, form: str) -> str:
    """The report from the day `begin` to the end of the day `until`, as far as it is over.

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
    if form == "csv":
        return as_csv(report, zone)
    if form == "json":
        return as_json(report, zone)
    if form == "html":
        return long_html(report, zone, report_links(sources.settings))
    return long_text(report, zone)


def _day(option: str, text: str) -> dt.date:
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        found = dt.date.max
    if not dt.MINYEAR < found.year < dt.MAXYEAR:  # its neighbours are looked at too
        raise SLAWorkerError(f"{option} {text[:40]!r}: give a day like 2026-03-01")
    return found
