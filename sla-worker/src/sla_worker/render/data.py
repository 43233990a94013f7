"""A report over one or more days as CSV and JSON: a row an SLA, with figures that nobody has rounded."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo

from sla_worker.conventions import DAILY_MAIL
from sla_worker.model import Attachment, Line, LongReport
from sla_worker.render.format import verdict
from sla_worker.render.lines import no_change_because

_BEGINS = "=+\\-@＝＋－＠"  # noqa: RUF001 - wide ones too
_UNSEEN = "\\s\ufeff\u200b-\u200f\u2060"
_FORMULA = re.compile(f"[{_UNSEEN}]*[{_BEGINS}]|[\t\r\n]")
_NEXT_CELL = re.compile(f"([;\t][{_UNSEEN}]*)(?=[{_BEGINS}])")

LARGE: Final = 256 * 1024
"""So many bytes a file may have that goes with a mail as it is: with 3,600 SLAs they would be megabytes."""

ZIP: Final = "application/zip"
_LEVEL = 9


def files(report: LongReport, zone: ZoneInfo, name: str) -> tuple[Attachment, Attachment]:
    """The CSV and the JSON that go with a mail. Half a surrogate pair becomes a question mark in them."""
    return (
        _file(f"{name}.csv", "text/csv", as_csv(report, zone).encode("utf-8-sig", "replace")),
        _file(f"{name}.json", "application/json", as_json(report, zone).encode("utf-8", "replace")),
    )


def _file(name: str, media_type: str, content: bytes) -> Attachment:
    """As it is, or in an archive of its own where it is large. The same content gives the same bytes."""
    if len(content) <= LARGE:
        return Attachment(name, media_type, content)
    import zipfile  # noqa: PLC0415 - only who has hundreds of SLAs needs it

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, _LEVEL)
    return Attachment(f"{name}.zip", ZIP, made.getvalue())


def unzipped(file: Attachment, media_type: str) -> Attachment:
    """The only file of such an archive, which has that type."""
    import zipfile  # noqa: PLC0415 - see above

    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        [name] = archive.namelist()
        return Attachment(name, media_type, archive.read(name))


def _rows(report: LongReport) -> Iterator[tuple[Line, dict[str, Any]]]:
    """A row an SLA and component, in the order of the definitions; None is what is not known."""
    for each in report.lines:
        yield each, _row(each) | (_month(each) if report.kind == DAILY_MAIL else {})


def _month(line: Line) -> dict[str, Any]:
    """What a day has beside the others: the error budget of its month so far, in events."""
    month = line.month
    return {
        "month_compliance_ratio": None if month is None else month.status.compliance_ratio,
        "month_bad": None if month is None else month.bad,
        "month_allowed": None if month is None else month.allowed,
        "month_budget_left_ratio": None if month is None else month.status.budget_left_ratio,
    }


def _row(line: Line) -> dict[str, Any]:
    status = line.status
    return {
        "sla": status.key,
        "name": status.name,
        "component": status.component,
        "category": status.category,
        "severity": status.severity,
        "comparison": str(status.comparison),
        "target": status.target,
        "unit": status.unit,
        "objective_ratio": status.held_to_ratio,
        "good": status.good,
        "total": status.total,
        "compliance_ratio": status.compliance_ratio,
        "lowest_day_ratio": line.lowest_ratio,
        "highest_day_ratio": line.highest_ratio,
        "compliance_change": line.change,
        "no_change_because": no_change_because(line),
        "coverage_ratio": status.coverage_ratio,
        "budget_left_ratio": status.budget_left_ratio,
        "breaches": line.breaches,
        "down_seconds": line.down_seconds,
        "excluded_seconds": status.excluded_seconds,
        "period_seconds": status.period_seconds,
        "result": verdict(status),
    }


def as_csv(report: LongReport, zone: ZoneInfo) -> str:
    """The rows, after their period. A text that a table program would calculate gets a quote before it."""
    written = io.StringIO()
    period = {
        "period_start": _moment(report.whole.start, zone),
        "period_end": _moment(report.whole.end, zone),
    }
    out = csv.writer(written, lineterminator="\r\n")
    for number, (_, each) in enumerate(_rows(report)):
        row = period | each
        if not number:
            out.writerow(row)
        out.writerow(map(harmless, row.values()))
    if not report.lines:
        out.writerow(period)
    return written.getvalue()


def harmless(value: object) -> object:
    """A text that a table program would calculate gets a quote before it; all else is as it was.

    So does what would begin another cell of it, where a semicolon or a tab separates cells.
    """
    if not isinstance(value, str):
        return value
    quoted = _NEXT_CELL.sub(r"\1'", value)
    return f"'{quoted}" if _FORMULA.match(value) else quoted


def as_json(report: LongReport, zone: ZoneInfo) -> str:
    """The whole report: period, totals, rows, days and breaches, a line each."""
    whole = report.whole
    content = {
        "report": report.kind,
        "start": _moment(whole.start, zone),
        "end": _moment(whole.end, zone),
        "generated_at": _moment(whole.generated_at, zone),
        "definitions": report.revision,
        "frozen": None
        if report.frozen is None
        else {
            "month": report.frozen.month,
            "revision": report.frozen.revision,
            "sha256": report.frozen.sha256,
        },
        "slas": whole.slas,
        "slas_measured": len(whole.measured),
        "slas_met": whole.meeting,
        "compliance_ratio": whole.score_ratio,
        "coverage_ratio": whole.coverage_ratio,
        "down_seconds": report.down_seconds,
        "rows": (
            row | {"days": [None if day is None else day.compliance_ratio for day in line.days]}
            for line, row in _rows(report)
        ),
        "days": [_moment(each.start, zone) for each in report.days],
        "breaches": (
            {
                "id": each.breach.id,
                "sla": each.breach.key,
                "component": each.breach.component,
                "severity": each.breach.severity,
                "started_at": _moment(each.breach.started_at, zone),
                "ended_at": None if each.breach.ended_at is None else _moment(each.breach.ended_at, zone),
                "seconds_in_period": each.seconds,
                "bad_events": each.bad,
                "budget_burned_ratio": each.burned,
            }
            for each in report.incidents
        ),
    }
    lines = [f" {json.dumps(name)}: {_written(value)}" for name, value in content.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _written(value: object) -> str:
    """A value as JSON; of many, one is written after the other, which takes less memory than all at once."""
    if not isinstance(value, Iterator):
        return json.dumps(value, ensure_ascii=False)
    items = ",\n  ".join(json.dumps(each, ensure_ascii=False) for each in value)
    return f"[\n  {items}\n ]" if items else "[]"


def _moment(epoch: int, zone: ZoneInfo) -> str:
    return dt.datetime.fromtimestamp(epoch, zone).isoformat()
