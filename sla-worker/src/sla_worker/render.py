"""From values to subject, text and HTML. The only place that rounds."""

from __future__ import annotations

import datetime as dt
import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sla_worker.conventions import SCORE_GOOD, SCORE_POOR
from sla_worker.model import Breach, Comparison, Mail, Report, Silence, SLAStatus, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    import jinja2

_NONE = "—"
GREEN, _AMBER, RED, _GREY = "#1a7f4b", "#b35c00", "#c62828", "#5f6b7a"


def ratio(value: float | None) -> str:
    """0.99931 as `99.93 %`; never rounded up to 100 % or down to 0 %; None as a dash."""
    if value is None:
        return _NONE
    percent = value * 100
    for digits in (2, 3, 4):
        text = f"{percent:.{digits}f}"
        if (float(text) == 100) == (value == 1) and (float(text) == 0) == (value == 0):  # noqa: PLR2004
            return f"{text} %"
    return "> 99.9999 %" if value > 0.5 else "< 0.0001 %"  # noqa: PLR2004 - near which end it is


def quantity(value: float | None, unit: str) -> str:
    """A value with its unit: a ratio in percent, seconds with up to three digits, None as a dash."""
    if value is None or not math.isfinite(value):
        return _NONE
    if unit == "ratio":
        return ratio(value)
    if unit == "seconds":
        return f"{value:.3g} s"
    return f"{value:g} {unit}"


def target(value: float, comparison: Comparison, unit: str) -> str:
    """A target with its side: `≥ 99.9 %`, `≤ 5 s`."""
    side = "≥" if comparison is Comparison.AT_LEAST else "≤"
    return f"{side} {value * 100:.6g} %" if unit == "ratio" else f"{side} {quantity(value, unit)}"


def actual(status: SLAStatus) -> str:
    """The period's figure in the target's terms; of a percentile, what the counts say of it."""
    if status.percentile is not None and status.compliance_ratio is not None:
        return f"{ratio(status.compliance_ratio)} within {quantity(status.target, status.unit)}"
    return ratio(status.period_actual) if status.unit == "ratio" else quantity(status.actual, status.unit)


def verdict(status: SLAStatus) -> str:
    """pass, fail, or why it cannot be said."""
    if status.meets_target is None:
        return "no data" if status.coverage_ratio == 0 else "no traffic"
    return "pass" if status.meets_target else "fail"


def verdict_colour(status: SLAStatus) -> str:
    """The colour beside the word of `verdict`."""
    return {True: GREEN, False: RED, None: _GREY}[status.meets_target]


def score_word(report: Report) -> str:
    """The overall score in a word."""
    score = report.score_ratio
    if score is None:
        return "no data"
    if score >= SCORE_GOOD:
        return "all targets met"
    return "some targets missed" if score >= SCORE_POOR else "targets missed"


def score_colour(report: Report) -> str:
    """The colour beside `score_word`."""
    score = report.score_ratio
    if score is None:
        return _GREY
    return GREEN if score >= SCORE_GOOD else _AMBER if score >= SCORE_POOR else RED


def status_colour(status: Status) -> str:
    """The colour beside a status word."""
    if status in (Status.EXCELLENT, Status.GOOD):
        return GREEN
    return {Status.POOR: _AMBER, Status.CRITICAL: RED}.get(status, _GREY)


def moment(epoch: int | None, zone: ZoneInfo) -> str:
    """A time as people read it, with its zone: `2026-03-01 09:00 UTC`."""
    if epoch is None:
        return _NONE
    return dt.datetime.fromtimestamp(epoch, zone).strftime("%Y-%m-%d %H:%M %Z")


def length(seconds: int) -> str:
    """A duration in its two largest units: `1 h 5 min`."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds} s"
    minutes, hours, days = seconds // 60 % 60, seconds // 3600 % 24, seconds // 86400
    parts = [f"{days} d"] * bool(days) + [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return " ".join(parts[:2])


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int]) -> str:
    """Columns aligned by spaces; those in `right` to the right."""
    widths = [max(len(line[column]) for line in (header, *rows)) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        aligned = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(aligned).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *(line(row) for row in rows)])


def text_report(report: Report, zone: ZoneInfo) -> str:
    """The report as plain text."""
    heading = report.title
    facts = [
        ("Period", f"{moment(report.start, zone)} to {moment(report.end, zone)}"),
        ("Generated at", moment(report.generated_at, zone)),
        ("Overall compliance", f"{ratio(report.score_ratio)} ({score_word(report)})"),
        ("Coverage", f"{ratio(report.coverage_ratio)} of the time since each SLA began was measured"),
        ("Number of SLAs", f"{len(report.statuses)} ({report.meeting} meet their target)"),
        ("Active breaches", str(len(report.active_breaches))),
    ]
    width = max(len(name) for name, _ in facts) + 1
    lines = [heading, "=" * len(heading), ""]
    lines += [f"{name + ':':<{width}}  {value}" for name, value in facts]
    rows = [
        (
            each.name,
            target(each.target, each.comparison, each.unit),
            actual(each),
            ratio(each.compliance_ratio),
            ratio(each.coverage_ratio),
            verdict(each),
        )
        for each in report.statuses
    ]
    header = ("SLA", "Target", "Actual", "Compliance", "Coverage", "Result")
    lines += ["", text_table(header, rows, right=frozenset({1, 2, 3, 4}))]
    if report.active_breaches:
        breaches = [
            (each.name, each.severity, moment(each.started_at, zone), quantity(each.worst, each.unit))
            for each in report.active_breaches
        ]
        lines += ["", "Active breaches", ""]
        lines += [text_table(("SLA", "Severity", "Since", "Worst"), breaches, right=frozenset({3}))]
    return "\n".join(lines) + "\n"


def daily_mail(report: Report, zone: ZoneInfo, links: dict[str, str]) -> Mail:
    """The daily report. `links` are words and where they lead."""
    text = text_report(report, zone) + "\n" + "".join(f"{word}: {url}\n" for word, url in links.items())
    html = template("daily.html").render(report=report, zone=zone, links=links)
    day = dt.datetime.fromtimestamp(report.end, zone).strftime("%Y-%m-%d")
    subject = f"Daily SLA report {day}: {score_word(report)}, {_breaches(len(report.active_breaches))}"
    return Mail(subject, text, html)


def _breaches(count: int) -> str:
    return {0: "no active breach", 1: "1 active breach"}.get(count, f"{count} active breaches")


def breach_mail(breach: Breach, now: int, zone: ZoneInfo, links: dict[str, str]) -> Mail:
    """The mail that goes out at once when a critical or high SLA is breached."""
    facts = [
        ("SLA", breach.name),
        ("Since", moment(breach.started_at, zone)),
        ("Target", target(breach.target, breach.comparison, breach.unit)),
        ("Worst actual", quantity(breach.worst, breach.unit)),
        ("Severity", breach.severity),
        ("Description", breach.description or _NONE),
    ]
    if breach.ended_at is not None:  # the mail server may have been away longer than the breach lasted
        facts.insert(
            2, ("Ended", f"{moment(breach.ended_at, zone)}, after {length(breach.duration_seconds(now))}")
        )
    lines = [f"SLA breached: {breach.name}", ""]
    lines += [f"{name + ':':<14}{value}" for name, value in facts]
    lines += ["", *(f"{word}: {url}" for word, url in links.items())]
    html = template("breach.html").render(breach=breach, facts=facts, links=links)
    return Mail(f"[{breach.severity}] SLA breached: {breach.name}", "\n".join(lines) + "\n", html)


def alerting_line(silence: Silence | None, last_received: int | None, now: int) -> str:
    """A few words about whether alerts arrive, for the status page."""
    if silence is not None:
        return f"alerting is silent, no Watchdog for {length(silence.duration_seconds(now))}"
    if last_received is None:
        return "no Watchdog yet"
    return f"last Watchdog {length(max(now - last_received, 0))} ago"


def status_page(
    report: Report,
    *,
    zone: ZoneInfo,
    last_pass: str,
    well: bool,
    links: dict[str, str],
    silence: Silence | None = None,
    last_watchdog: int | None = None,
) -> str:
    """The status page; `last_pass` is a sentence about the last pass, `silence` the one that lasts."""
    now = report.generated_at
    return template("status.html").render(
        report=report,
        zone=zone,
        last_pass=last_pass,
        well=well,
        links=links,
        now=now,
        silence=silence,
        alerting=alerting_line(silence, last_watchdog, now),
    )


def runbook_page(name: str, markdown: str) -> str:
    """A runbook as a page; HTML inside the Markdown is shown, not obeyed."""
    import mistune  # noqa: PLC0415 - only people who read runbooks need it

    render = mistune.create_markdown(escape=True, plugins=["table"])
    return template("runbook.html").render(title=name, body=render(markdown), names=None)


def runbook_index(names: Sequence[str]) -> str:
    """The list of runbooks, by alert name."""
    return template("runbook.html").render(title="Runbooks", body="", names=names)


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - a worker that shows and mails nothing does without

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sla_worker"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    helpers: dict[str, Any] = {
        each.__name__: each
        for each in (
            ratio, quantity, target, actual, verdict, verdict_colour, score_word,
            score_colour, status_colour, moment, length,
        )
    }  # fmt: skip
    environment.globals.update(helpers)
    return environment


def template(name: str) -> jinja2.Template:
    """A template of this package, with the functions above as its helpers."""
    return _environment().get_template(name)


def file_name(subject: str) -> str:
    """A subject as a file name without an ending."""
    return re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")
