"""The weekly and the monthly report as a mail, and a report over any range: text, HTML and files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from sla_worker.conventions import MONTHLY_MAIL, WEEKLY_MAIL, WORST
from sla_worker.model import Attachment, Drawn, Incident, Line, LongReport, Mail
from sla_worker.render import signs
from sla_worker.render.charts import BURN_DOWN, SCORES, burn_down_words, scores_words
from sla_worker.render.data import files
from sla_worker.render.format import (
    GREEN,
    GREY,
    NONE,
    RED,
    cause_words,
    compliance,
    correction_line,
    length,
    maintenance_line,
    moment,
    ratio,
    remark,
    score_word,
    target,
    verdict,
    whole,
)
from sla_worker.render.lines import NOTHING_BEFORE, budget, change, points
from sla_worker.render.promises import policy_words
from sla_worker.render.room import WHERE, WHOLE, Room, fitted, groups
from sla_worker.render.sections import sections
from sla_worker.render.signs import MET, MISSED, QUIET, SIGNS, SO_FAR, sign
from sla_worker.render.summary import recommendations, summary
from sla_worker.render.tables import text_table
from sla_worker.render.templates import template

NOTHING_DRAWN = Drawn()
NO_PICTURES: Mapping[str, str] = {}
POLICY = (
    "Compliance of an SLA is good events ÷ all events of the period, never a mean of percentages; the"
    " figure on top is the share of SLAs with events that kept their target. Average is that of all days"
    " together, min and max are those of the worst and the best day that had events. A day ends at"
    " midnight of the timezone. Change is in percentage points of compliance against the period before;"
    " where a new version of an SLA began in one of the two, they are not compared."
    " Downtime is the time in which at least one availability SLA was in breach. The error budget is"
    " what the target allows to be bad. Unmeasured time is no uptime: coverage is the measured share of"
    " the time since each SLA began, and below 90 % a pass is only a pass so far. Maintenance does not"
    " count, unless an SLA counts it as good. A slot without events judges nothing."
)


def long_mail(
    report: LongReport, zone: ZoneInfo, links: dict[str, str], drawn: Drawn = NOTHING_DRAWN
) -> Mail:
    """The report as a mail with its table as CSV and JSON, and with what was drawn.

    `links` are words and where they lead.
    """
    name = file_name(report, zone)
    pdf = [] if drawn.pdf is None else [Attachment(f"{name}.pdf", "application/pdf", drawn.pdf)]
    pictures = tuple(Attachment(each, "image/png", content) for each, content in drawn.charts.items())
    sources = {each.name: f"cid:{each.name}" for each in pictures}
    html, room = fitted(lambda room: long_html(report, zone, links, sources, drawn.trouble, room=room))
    return Mail(
        subject=f"{report.whole.title} {period_name(report, zone)}: {score_word(report.whole)},"
        f" {counted(len(report.incidents), 'breach', 'breaches')}",
        text=long_text(report, zone, drawn.trouble, room)
        + "\n"
        + "".join(f"{word}: {url}\n" for word, url in links.items()),
        html=html,
        pictures=pictures,
        attachments=(*pdf, *files(report, zone, name)),
    )


def long_html(
    report: LongReport,
    zone: ZoneInfo,
    links: dict[str, str],
    pictures: Mapping[str, str] = NO_PICTURES,
    trouble: str | None = None,
    *,
    room: Room = WHOLE,
) -> str:
    """The report as one HTML page, as far as there is room.

    `pictures` are the charts by name and where each is found, `trouble` is why something could not be drawn.
    """
    over, advice = report.whole, recommendations(report)
    return template("mail/periodic.html").render(
        report=report,
        zone=zone,
        links=links,
        period=period_name(report, zone),
        kpis=kpis(report),
        charts=chart_words(report, zone),
        pictures=pictures,
        trouble=trouble,
        summary=summary(report, zone),
        sections=sections(report, zone),
        recommendations=room.of(advice),
        more_recommendations=room.rest(advice),
        credits=room.lines(report.credits),
        maintenance=room.lines(_maintenance(report, zone)),
        corrections=room.lines([correction_line(each, zone) for each in over.corrections]),
        groups=groups(report, room),
        note=note(report, room),
        weekly=report.kind == WEEKLY_MAIL,
        monthly=report.kind != WEEKLY_MAIL,
        day_names=[f"{dt.datetime.fromtimestamp(each.start, zone):%a %d}" for each in report.days],
        day_cell=day_cell,
        runs=runs,
        facts_of=line_facts,
        not_drawn=not_drawn,
        counted=counted,
        worst=report.worst(WORST),
        cause_of=cause_of,
        burned=burned,
        signs=SIGNS,
        policy=POLICY,
        exceptions=room.lines(exceptions(report)),
        frozen=frozen_words(report, zone) if report.kind == MONTHLY_MAIL else None,
    )


def note(report: LongReport, room: Room) -> str:
    """That not all SLAs are shown, which ones are, and where all of them are; empty where they are here."""
    some, every = len(room.of(report.lines)), len(report.lines)
    if some == every:
        return ""
    return f"Of {every:,} SLAs and components these are the {some} to look at first. {WHERE}"


def _maintenance(report: LongReport, zone: ZoneInfo) -> list[str]:
    whole = report.whole
    return [maintenance_line(each, whole.generated_at, zone) for each in whole.maintenance]


def chart_words(report: LongReport, zone: ZoneInfo) -> list[tuple[str, str, str]]:
    """The charts that the report has: the name of each, its heading, and what it shows in words."""
    found = [
        (BURN_DOWN, "Error budget left", burn_down_words(report)),
        (SCORES, "The last twelve months", scores_words(report, zone)),
    ]
    return [each for each in found if each[2]]


def file_name(report: LongReport, zone: ZoneInfo) -> str:
    """`sla-weekly-2026-11-16`: by the first day of the period."""
    return f"sla-{report.kind}-{dt.datetime.fromtimestamp(report.whole.start, zone):%Y-%m-%d}"


def period_name(report: LongReport, zone: ZoneInfo) -> str:
    """`2026-10` for a month, else the first and the last day."""
    first, last = (
        dt.datetime.fromtimestamp(each, zone) for each in (report.whole.start, report.whole.end - 1)
    )
    if report.kind == MONTHLY_MAIL:
        middle = dt.datetime.fromtimestamp((report.whole.start + report.whole.end) // 2, zone)
        return f"{middle:%Y-%m}"
    return f"{first:%Y-%m-%d}" if first.date() == last.date() else f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"


def frozen_words(report: LongReport, zone: ZoneInfo) -> str:
    """Whether the figures of a month are final, and how to get the evidence of them."""
    month = report.frozen
    if month is None:
        return (
            "Not yet: not all of the month is final, and figures may change. A mail that answers this one"
            " says when they are."
        )
    return (
        f"Revision {month.revision}, {moment(month.frozen_at, zone)}: {month.reason}. SHA-256 {month.sha256}."
        f" Evidence that anybody can check: make sla-evidence m={month.month}, or the link below."
    )


def counted(count: int, one: str, many: str) -> str:
    """`no breach`, `1 breach`, `7 breaches`."""
    return {0: f"no {one}", 1: f"1 {one}"}.get(count, f"{count} {many}")


def kpis(report: LongReport) -> list[tuple[str, str, str]]:
    """The four cards: what, its figure, and how it was before."""
    measured, meeting = len(report.whole.measured), report.whole.meeting
    before = report.before
    found = [
        ("Compliance", ratio(report.whole.score_ratio), points(report.score_change)),
        ("SLAs met", f"{meeting} of {measured}", f"before {before.meeting} of {len(before.measured)}"),
        ("Breaches", str(len(report.incidents)), f"before {report.before_breaches}"),
        ("Downtime", length(report.down_seconds), f"before {length(report.before_down_seconds)}"),
    ]
    if before.measured:
        return found
    return [(name, value, NOTHING_BEFORE) for name, value, _ in found]


def strip(line: Line) -> str:
    """The days of an SLA, a sign each."""
    return "".join(sign(each) for each in line.days)


def runs(line: Line) -> list[tuple[str, str]]:
    """The strip of an SLA as runs of the same sign, each with its colour."""
    return signs.runs(strip(line))


def day_cell(met: int, measured: int, sure: bool) -> tuple[str, str]:  # noqa: FBT001 - as `days_of` gives it
    """What a day says of a category, and its colour: `✓`, or `✗ 2` where two missed their target."""
    if not measured:
        return QUIET, GREY
    if met < measured:
        return f"{MISSED}\N{NO-BREAK SPACE}{measured - met}", RED
    return (MET, GREEN) if sure else (SO_FAR, GREY)


def burned(value: float | None) -> str:
    """A share of the error budget that an incident burned."""
    return NONE if value is None else f"{value * 100:.1f} %"


def line_facts(line: Line, zone: ZoneInfo) -> str:
    """What stands below an SLA: change, budget, minutes, and what lowers or changed it."""
    status = line.status
    facts = [
        "no change" if line.change == 0 else f"change {change(line)}",
        f"error budget left {budget(line)}",
        f"in breach {whole(line.down_seconds / 60)} of {whole(status.period_seconds / 60)} min,"
        f" {whole(status.excluded_seconds / 60)} min excluded",
    ]
    return "; ".join([*facts, *filter(None, [remark(status, zone)])])


def exceptions(report: LongReport) -> list[str]:
    """The SLAs whose policy is not the default one, each once, in words."""
    found = {
        line.status.key: (line.status.name, policy_words(replace(line.policy, public=False)))  # counts alike
        for line in report.lines
    }
    return [f"{name}: {words}" for name, words in found.values() if words != NONE]


HEADER = ("SLA", "Target", "Min", "Average", "Max", "Coverage", "Result")


def cells(line: Line) -> tuple[str, ...]:
    """The row of an SLA, under HEADER."""
    status = line.status
    return (
        status.title,
        target(status.target, status.comparison, status.unit),
        ratio(line.lowest_ratio),
        compliance(status),
        ratio(line.highest_ratio),
        ratio(status.coverage_ratio),
        verdict(status),
    )


def long_text(report: LongReport, zone: ZoneInfo, trouble: str | None = None, room: Room = WHOLE) -> str:
    """The report as plain text, as far as there is room; `trouble` is why something could not be drawn."""
    over = report.whole
    heading = f"{over.title} {period_name(report, zone)}"
    lines = [heading, "=" * len(heading), ""]
    lines += [f"Period:        {moment(over.start, zone)} to {moment(over.end, zone)}"]
    lines += [f"Generated at:  {moment(over.generated_at, zone)}"]
    lines += [f"Coverage:      {ratio(over.coverage_ratio)} of the time since each SLA began was measured"]
    lines += [f"{name + ':':<13}  {value} ({before})" for name, value, before in kpis(report)]
    if report.kind == MONTHLY_MAIL:
        lines += [f"{'Frozen:':<13}  {frozen_words(report, zone)}"]
    if report.kind != WEEKLY_MAIL:
        lines += ["", "Summary", "", *summary(report, zone)]
    if report.kind == WEEKLY_MAIL:
        lines += ["", *_days_by_category(report, zone)]
    for _, heading, words in chart_words(report, zone):
        lines += ["", heading, "", words]
    if trouble:
        lines += ["", not_drawn(trouble)]
    lines += ["", said] if (said := note(report, room)) else []
    for group in groups(report, room):
        lines += ["", group.category.capitalize(), ""]
        if group.lines:
            rows = [cells(each) for each in group.lines]
            lines += [text_table(HEADER, rows, right=frozenset({1, 2, 3, 4, 5})), ""]
        lines += [f"{each.status.title}: {strip(each)}; {line_facts(each, zone)}" for each in group.lines]
        lines += [group.more] if group.more else []
    lines += ["", "Breaches", "", *_breaches(report, zone)]
    advice = [f"{title}: {words}" for title, words in recommendations(report)]
    blocks = [
        *sections(report, zone),
        ("Recommendations", room.lines(advice)),
        ("Credits", room.lines(report.credits)),
        ("Maintenance (does not count)", room.lines(_maintenance(report, zone))),
        ("Corrected", room.lines([correction_line(each, zone) for each in over.corrections])),
    ]
    for name, sentences in blocks:
        lines += ["", name, "", *sentences] if sentences else []
    lines += ["", "How it was counted", "", POLICY, *room.lines(exceptions(report))]
    lines += [f"Days: {SIGNS}.", f"Definitions: {report.revision}"]
    return "\n".join(lines) + "\n"


def not_drawn(trouble: str) -> str:
    """That a PDF or a chart is missing, and why: the reader is not left to wonder."""
    return f"The PDF or a chart could not be made ({trouble}). All figures stand in the CSV and the JSON."


def _days_by_category(report: LongReport, zone: ZoneInfo) -> Sequence[str]:
    names = [f"{dt.datetime.fromtimestamp(each.start, zone):%a %d}" for each in report.days]
    rows = [
        [name.capitalize(), *(day_cell(*each)[0] for each in report.days_of(name))]
        for name, _ in report.by_category
    ]
    return [text_table(["Category", *names], rows, right=frozenset())]


def _breaches(report: LongReport, zone: ZoneInfo) -> list[str]:
    if not report.incidents:
        return ["None in the period."]
    lines = [
        f"{severity}: {counted(count, 'breach', 'breaches')}, {length(seconds)} in total"
        for severity, count, seconds in report.by_severity
    ]
    rows = [
        (
            each.breach.title,
            each.breach.severity,
            moment(each.breach.started_at, zone),
            length(each.seconds) + (" so far" if each.breach.ended_at is None else ""),
            burned(each.burned),
        )
        for each in report.worst(WORST)
    ]
    header = ("SLA", "Severity", "Since", "In the period", "Budget burned")
    worst = "The worst, by the error budget that they burned:"
    causes = likely_causes(report, zone)
    table = text_table(header, rows, right=frozenset({4}))
    return [*lines, "", worst, "", table, *([""] if causes else []), *causes]


def cause_of(incident: Incident, report: LongReport, zone: ZoneInfo) -> str | None:
    """The likely cause of one of the worst incidents; None where nobody has asked for it."""
    causes = report.causes.get(incident.breach.id)
    return None if causes is None else f"likely cause: {cause_words(causes, zone)}"


def likely_causes(report: LongReport, zone: ZoneInfo) -> list[str]:
    """The same of all of them, a sentence each."""
    return [
        f"{each.breach.title}, {moment(each.breach.started_at, zone)}: {words}"
        for each in report.worst(WORST)
        if (words := cause_of(each, report, zone)) is not None
    ]
