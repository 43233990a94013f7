"""The report for customers, as HTML, text and JSON."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sla_worker.model import Comparison
from sla_worker.model.customer import CustomerReport, Incident, Kept, Noted
from sla_worker.render.format import GREEN, GREY, NONE, RED, apart, figure, length, moment, ratio, target
from sla_worker.render.tables import text_table
from sla_worker.render.templates import template

_NO_FIGURE = {"no data": "not measured", "no traffic": "not used"}


def customer_text(report: CustomerReport) -> str:
    """The report as plain text."""
    heading = title(report)
    lines = [heading, "=" * len(heading), "", f"{period(report)}", standing(report), summary(report), ""]
    rows = [
        (each.name, promised(each), achieved(each), ratio(each.measured_ratio), result(each, report))
        for each in report.promises
    ]
    lines.append(text_table(("SLA", "Target", "Achieved", "Measured", "Result"), rows, right=frozenset({3})))
    for name, said in sections(report):
        lines += ["", name, "", *said]
    return "\n".join([*lines, "", note(report)]) + "\n"


def customer_html(report: CustomerReport) -> str:
    """The report as a page that mail programs show as well."""
    rows = [
        {
            "name": each.name,
            "target": promised(each),
            "measured": ratio(each.measured_ratio),
            "achieved": achieved(each),
            "result": result(each, report),
            "colour": _colour(each, report),
        }
        for each in report.promises
    ]
    return template("mail/customer.html").render(
        title=title(report),
        period=period(report),
        standing=standing(report),
        summary=summary(report),
        colour=RED if report.missed else GREEN if report.final and _all_kept(report) else GREY,
        rows=rows,
        sections=sections(report),
        note=note(report),
        links={},
    )


def customer_json(report: CustomerReport) -> str:
    """The report for programs; times with their offset, ratios from 0 to 1."""
    return json.dumps(_values(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _values(report: CustomerReport) -> dict[str, Any]:
    def at(epoch: int) -> str:
        return dt.datetime.fromtimestamp(epoch, report.zone).isoformat()

    def noted(some: Sequence[Noted]) -> list[dict[str, Any]]:
        return [{"start": at(each.start), "end": at(each.end), "slas": each.names} for each in some]

    return {
        "month": report.month,
        "timezone": report.zone.key,
        "start": at(report.start),
        "end": at(report.end),
        "final": report.final,
        "revision": report.revision,
        "generated_at": at(report.generated_at),
        "slas": [
            {
                "name": each.name,
                "category": each.category,
                "target": promised(each),
                "achieved": achieved(each),
                "kept_ratio": each.kept_ratio,
                "measured_ratio": each.measured_ratio,
                "result": result(each, report),
            }
            for each in report.promises
        ],
        "incidents": [
            {
                "sla": each.name,
                "start": at(each.start),
                "end": None if each.lasts else at(each.end),
                "seconds": each.end - each.start,
            }
            for each in report.incidents
        ],
        "maintenance_not_counted": noted(report.left_out),
        "maintenance_counted_as_kept": noted(report.counted),
        "corrected": noted(report.corrected),
        "credits": [{"sla": name, "percent": percent} for name, percent in report.credits],
        "claims": [{"until": day.isoformat(), "slas": names} for day, names in report.claims],
    }


# --- words


def title(report: CustomerReport) -> str:
    """Service levels in March 2026."""
    return f"Service levels in {dt.date.fromisoformat(f'{report.month}-01'):%B %Y}"


def period(report: CustomerReport) -> str:
    """From when to when."""
    return f"{moment(report.start, report.zone)} to {moment(report.end, report.zone)}"


def standing(report: CustomerReport) -> str:
    """Whether the figures stand."""
    if report.revision is None:
        what = (
            "the month is over, and its last figures are not final yet" if report.over else "the month so far"
        )
        return f"An estimate: {what}"
    return "Final figures" if report.revision == 1 else f"Final figures, revision {report.revision}"


def summary(report: CustomerReport) -> str:
    """How many promises were kept, and how many incidents there were."""
    missed = f"{report.missed} of {len(report.promises)} missed" if report.missed else _kept(report)
    incidents = {0: "no incident", 1: "1 incident"}.get(
        len(report.incidents), f"{len(report.incidents)} incidents"
    )
    said = f"{missed}, {incidents}"
    return said[0].upper() + said[1:]


def promised(each: Kept) -> str:
    """`≥ 99.9 %`; of a percentile `95 % within 5 s`."""
    if each.percentile is None:
        return target(each.target, each.comparison, each.unit)
    return f"{each.percentile * 100:.10g} % {_side(each)} {figure(each.target, each.unit)}"


def achieved(each: Kept) -> str:
    """What the month counted, in the terms of the target."""
    if each.kept_ratio is None:
        return NONE
    if each.unit == "ratio" and each.percentile is None:
        value = each.bad_ratio if each.comparison is Comparison.AT_MOST else each.kept_ratio
        return apart(value, each.target, each.comparison)
    kept = ratio(each.kept_ratio) if each.percentile is None else apart(each.kept_ratio, each.percentile)
    return f"{kept} {_side(each)} {figure(each.target, each.unit)}"


def _side(each: Kept) -> str:
    return "within" if each.comparison is Comparison.AT_MOST else "at least"


def result(each: Kept, report: CustomerReport) -> str:
    """Kept or missed, or why that cannot be said."""
    if each.result == "pass":
        return "kept" if report.final else "kept so far"
    if each.result == "pass so far":
        return "kept as far as measured"
    return "missed" if each.result == "fail" else _NO_FIGURE.get(each.result, "does not count")


def sections(report: CustomerReport) -> list[tuple[str, list[str]]]:
    """What stands below the promises: a heading and its lines."""
    found = [("Incidents", [_incident(each, report) for each in report.incidents] or ["None."])]
    found.append(("Maintenance that does not count", [_noted(each, report) for each in report.left_out]))
    found.append(("Maintenance that counts as kept", [_noted(each, report) for each in report.counted]))
    found.append(("Figures corrected after review", [_noted(each, report) for each in report.corrected]))
    found.append(
        ("Credits", [f"{name}: {percent} % of the month's price" for name, percent in report.credits])
    )
    claims = [f"until {day.isoformat()}: {', '.join(names)}" for day, names in report.claims]
    found.append(("Credits can be claimed", claims))
    return [(name, lines) for name, lines in found if lines]


def note(report: CustomerReport) -> str:
    """What a reader should know."""
    return (
        f"Times are those of {report.zone.key}. Measured is the share of the time in which there are figures."
        f" A credit is listed once it is granted. Made {moment(report.generated_at, report.zone)}."
    )


def _incident(each: Incident, report: CustomerReport) -> str:
    start = moment(each.start, report.zone)
    if each.lasts:
        beyond = "lasts beyond the month" if report.over else "still lasts"
        return f"{each.name}: {start}, {beyond}, {length(each.end - each.start)} of it in this period"
    return f"{each.name}: {start} to {moment(each.end, report.zone)}, {length(each.end - each.start)}"


def _noted(each: Noted, report: CustomerReport) -> str:
    times = f"{moment(each.start, report.zone)} to {moment(each.end, report.zone)}"
    return f"{times}, {length(each.end - each.start)}: {', '.join(each.names)}"


def _all_kept(report: CustomerReport) -> bool:
    return all(each.result == "pass" for each in report.promises)


def _kept(report: CustomerReport) -> str:
    if not _all_kept(report):
        return "none missed"
    return "all kept" if report.final else "all kept so far"


def _colour(each: Kept, report: CustomerReport) -> str:
    if each.result == "fail":
        return RED
    return GREEN if each.result == "pass" and report.final else GREY


RENDER: Final[Mapping[str, Callable[[CustomerReport], str]]] = {
    "html": customer_html,
    "text": customer_text,
    "json": customer_json,
}
