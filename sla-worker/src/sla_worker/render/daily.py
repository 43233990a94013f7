"""The daily report as a mail."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from sla_worker.model import LongReport, Mail, SoFar
from sla_worker.render.data import files
from sla_worker.render.format import correction_line, maintenance_line, ratio, score_word
from sla_worker.render.lines import NOTHING_BEFORE, budget_colour, budget_parts, change, points
from sla_worker.render.room import WHERE, WHOLE, Room, fitted, more
from sla_worker.render.sections import outlook_lines
from sla_worker.render.tables import text_report
from sla_worker.render.templates import template

COUNTED = (
    "Compliance is good events ÷ all events of the 24 hours; change is in percentage points of it against the"
    " 24 hours before, unless a new version of the SLA began in one of the two. Budget left is what is left"
    " of the error budget of the month so far: 1 − bad ÷ allowed, and how many of the bad events or minutes"
    " that its target allows. Coverage is the share of the time since each SLA began that was measured; below"
    " 90 % a pass is only a pass so far."
)


def daily_mail(report: LongReport, zone: ZoneInfo, links: dict[str, str]) -> Mail:
    """The daily report, with its table as CSV and JSON. `links` are words and where they lead."""
    html, room = fitted(lambda room: daily_html(report, zone, links, room))
    whole = report.whole
    day = dt.datetime.fromtimestamp(whole.end, zone).strftime("%Y-%m-%d")
    outlook = outlook_lines(report.outlook, zone)
    text = text_report(whole, zone, day=report, room=room) + "\n"
    text += "".join(f"{each}\n" for each in (["Until the month ends", *outlook, ""] if outlook else []))
    text += "".join(f"{each}\n" for each in ("How it was counted", COUNTED, ""))
    text += "".join(f"{word}: {url}\n" for word, url in links.items())
    name = f"sla-daily-{day}"
    return Mail(
        subject=f"{whole.title} {day}: {score_word(whole)}, {_breaches(len(whole.active_breaches))}",
        text=text,
        html=html,
        attachments=files(report, zone, name),
    )


def daily_html(report: LongReport, zone: ZoneInfo, links: dict[str, str], room: Room = WHOLE) -> str:
    """The report as one HTML page, as far as there is room."""
    whole, shown = report.whole, room.worst(report)
    lines = [each for each in report.failed_first if (each.status.key, each.status.component) in shown]
    rest = [each for each in whole.failed_first if (each.key, each.component) not in shown]
    maintenance = [maintenance_line(each, whole.generated_at, zone) for each in whole.maintenance]
    return template("mail/daily.html").render(
        report=whole,
        lines=lines,
        more=f"{more(rest)} {WHERE}" if rest else "",
        breaches=room.breaches(whole.active_breaches),
        more_breaches=room.rest(whole.active_breaches),
        cards=_cards(report),
        score_change=points(report.score_change) if report.before.measured else None,
        change=change,
        budget_parts=_budget_parts,
        budget_colour=budget_colour,
        zone=zone,
        links=links,
        outlook=outlook_lines(report.outlook, zone),
        maintenance=room.lines(maintenance),
        corrections=room.lines([correction_line(each, zone) for each in whole.corrections]),
        counted=COUNTED,
    )


def _budget_parts(of: SoFar) -> tuple[str, str]:
    """The same, with its unit in one line."""
    share, words = budget_parts(of)
    for unit in (" min", " events"):
        words = words.replace(unit, unit.replace(" ", "\N{NO-BREAK SPACE}"))
    return share, words


def _cards(report: LongReport) -> list[tuple[str, str, str]]:
    """The four cards: what, its figure, and how it was the day before."""
    whole, before = report.whole, report.before
    known = bool(before.measured)
    return [
        ("SLAs", str(whole.slas), f"before {before.slas}" if known else NOTHING_BEFORE),
        ("Meeting target", str(whole.meeting), f"before {before.meeting}" if known else NOTHING_BEFORE),
        ("Active breaches", str(len(whole.active_breaches)), f"{whole.period_breaches} in the period"),
        (
            "Coverage",
            ratio(whole.coverage_ratio),
            f"before {ratio(before.coverage_ratio)}" if known else NOTHING_BEFORE,
        ),
    ]


def _breaches(count: int) -> str:
    return {0: "no active breach", 1: "1 active breach"}.get(count, f"{count} active breaches")
