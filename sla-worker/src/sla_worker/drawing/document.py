"""A weekly or monthly report, or one over a range, as a PDF: the same figures and words as the mail's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import closing
from zoneinfo import ZoneInfo

from sla_worker.conventions import MONTHLY_MAIL
from sla_worker.drawing import charts
from sla_worker.drawing.letters import BOX, lines_of, width
from sla_worker.drawing.paper import (
    INK,
    MARGIN,
    MM,
    ROOM,
    SHADE,
    SOFT,
    WHITE,
    WIDE,
    Column,
    Paper,
    Part,
)
from sla_worker.drawing.rows import SlaRow, sla_columns
from sla_worker.drawing.sender import sender_row
from sla_worker.model import PRINTED, Brand, LongReport
from sla_worker.render.charts import burn_down
from sla_worker.render.format import (
    correction_line,
    length,
    maintenance_line,
    moment,
    ratio,
    score_colour,
    score_word,
)
from sla_worker.render.periodic import (
    POLICY,
    burned,
    counted,
    exceptions,
    frozen_words,
    kpis,
    likely_causes,
    period_name,
)
from sla_worker.render.sections import sections
from sla_worker.render.signs import SIGNS
from sla_worker.render.summary import recommendations, summary

_MOST_INCIDENTS = 50
_MOST_LISTED = 100
_UNIT = ROOM / charts.WIDE
_BAND = 54.0


def pdf_of(report: LongReport, zone: ZoneInfo, sender: str, brand: Brand) -> bytes:
    """The report as a file; `sender` is who it comes from. The same report gives the same bytes."""
    period = spoken_period(report, zone)
    name = f"{report.whole.title}, {period}"
    made_at = dt.datetime.fromtimestamp(report.whole.generated_at, zone)
    with closing(Paper(title=name, author=sender, made_at=made_at)) as paper:
        below = sender_row(paper, brand)
        _cover(paper, report, zone, sender if brand.name is None else "", period, below=below)
        _write(paper, report, zone)
        foot = (
            f"{period_name(report, zone)}   ·   definitions {report.revision}   ·   generated"
            f" {moment(report.whole.generated_at, zone)}"
        )
        return paper.finish((f"{report.whole.title} · {sender}", period), foot)


def _write(paper: Paper, report: LongReport, zone: ZoneInfo) -> None:
    """All that stands below the title."""
    _cards(paper, report)
    paper.heading("Summary")
    for each in summary(report, zone):
        paper.paragraph(each, indent=4, sign="•")
    _charts(paper, report, zone)
    _slas(paper, report, zone)
    _incidents(paper, report, zone)
    for heading, sentences in sections(report, zone):
        _listed(paper, heading, sentences)
    _recommendations(paper, report)
    _listed(paper, "Credits", report.credits)
    now = report.whole.generated_at
    _listed(paper, "Maintenance", [maintenance_line(each, now, zone) for each in report.whole.maintenance])
    _listed(paper, "Corrected", [correction_line(each, zone) for each in report.whole.corrections])
    if report.kind == MONTHLY_MAIL:
        _listed(paper, "Frozen", [frozen_words(report, zone)])
    _counted(paper, report)


def spoken_period(report: LongReport, zone: ZoneInfo) -> str:
    """`October 2026` for a month, else the first and the last day."""
    if report.kind == MONTHLY_MAIL:
        middle = dt.datetime.fromtimestamp((report.whole.start + report.whole.end) // 2, zone)
        return f"{middle:%B %Y}"
    return period_name(report, zone)


def _cover(
    paper: Paper, report: LongReport, zone: ZoneInfo, sender: str, period: str, *, below: float
) -> None:
    """The band on top of the first page: what, of when, by whom, and how it went; from `below` on."""
    whole = report.whole
    paper.box(0, below, WIDE, _BAND, score_colour(whole))
    if sender:
        paper.text(MARGIN, below + 15, lines_of(sender, 9 * MM, ROOM * 0.55, most=1)[0], 9, WHITE)
    size = 26.0 if width(period, 26 * MM, bold=True) < ROOM * 0.6 else 15.0
    paper.text(MARGIN, below + 31, period, size, WHITE, bold=True)
    paper.text(MARGIN, below + 39, whole.title, 12, WHITE)
    reach = (
        f"{moment(whole.start, zone)} to {moment(whole.end, zone)}, {ratio(whole.coverage_ratio)} measured"
    )
    paper.text(MARGIN, below + 49, reach, 8.5, WHITE)
    paper.right(WIDE - MARGIN, below + 31, ratio(whole.score_ratio), 30, WHITE, bold=True)
    paper.right(WIDE - MARGIN, below + 39, score_word(whole), 12, WHITE)
    paper.y = below + _BAND + 6


def _cards(paper: Paper, report: LongReport) -> None:
    """The four figures, each with how it was before."""
    gap = 4.0
    wide = (ROOM - 3 * gap) / 4
    for number, (label, value, before) in enumerate(kpis(report)):
        x = MARGIN + number * (wide + gap)
        paper.box(x, paper.y, wide, 23, SHADE, round_=True)
        paper.text(x + 4, paper.y + 6.5, label, 8, SOFT)
        paper.text(x + 4, paper.y + 14.5, value, 15, INK, bold=True)
        paper.text(x + 4, paper.y + 19.8, before, 7.5, SOFT)
    paper.y += 23


def _charts(paper: Paper, report: LongReport, zone: ZoneInfo) -> None:
    """The burn-down of the worst error budgets, and the scores of the last months."""
    if curves := burn_down(report):
        high = charts.BURN_DOWN_HIGH * _UNIT
        paper.heading("Error budget left, day by day", high)
        part = Part(paper.pdf, (MARGIN, paper.y), _UNIT)
        charts.draw_burn_down(part, curves, report, zone)
        paper.y += high
    if report.history:
        high = charts.SCORES_HIGH * _UNIT
        paper.heading("SLAs that kept their target, the last twelve months", high)
        charts.draw_scores(Part(paper.pdf, (MARGIN, paper.y), _UNIT), report.history, zone)
        paper.y += high


def _slas(paper: Paper, report: LongReport, zone: ZoneInfo) -> None:
    """Every SLA, by category: figures, days, and what stands behind them; of very many the worst."""
    paper.heading("All SLAs" if len(report.lines) <= PRINTED else "SLAs", 90)
    paper.paragraph(f"Days: {SIGNS}.", 7.5, SOFT)
    paper.columns(sla_columns(_days(report, zone)))
    printed = {id(each) for each in report.worst_first[:PRINTED]}
    for category, lines in report.by_category:
        for number, line in enumerate(each for each in lines if id(each) in printed):
            row = SlaRow(line, zone)
            if not number:
                paper.group = None
                paper.heading(category.capitalize(), row.high, level=1)
                paper.group = category.capitalize()
            paper.room(row.high)
            row.draw(paper)
    paper.end_columns()
    rest = len(report.lines) - PRINTED
    if rest > 0:
        paper.paragraph(
            f"The {PRINTED} to look at first; {rest:,} more are in the CSV and the JSON, in the order of the"
            " definitions.",
            8,
        )


def _days(report: LongReport, zone: ZoneInfo) -> str:
    """`01 Oct to 31 Oct`: what the strips are about."""
    first, last = (
        dt.datetime.fromtimestamp(each, zone) for each in (report.whole.start, report.whole.end - 1)
    )
    return f"{first:%d %b} to {last:%d %b}"


def _incidents(paper: Paper, report: LongReport, zone: ZoneInfo) -> None:
    """The breaches, by what they burned."""
    paper.heading("Breaches", 20)
    if not report.incidents:
        paper.paragraph("None in the period.")
        return
    for severity, count, seconds in report.by_severity:
        paper.paragraph(f"{severity}: {counted(count, 'breach', 'breaches')}, {length(seconds)} in total")
    columns = (
        Column("SLA", 70),
        Column("Severity", 20),
        Column("Since", 40),
        Column("In the period", 26, right=True),
        Column("Budget burned", 22, right=True),
    )
    paper.y += 2
    paper.columns(columns)
    for each in report.worst(_MOST_INCIDENTS):
        lasts = " so far" if each.breach.ended_at is None else ""
        cells = (
            each.breach.title, each.breach.severity, moment(each.breach.started_at, zone),
            length(each.seconds) + lasts, burned(each.burned),
        )  # fmt: skip
        paper.row(columns, cells)
    paper.end_columns()
    for cause in likely_causes(report, zone):
        paper.paragraph(cause, 7.5, SOFT)
    rest = len(report.incidents) - _MOST_INCIDENTS
    if rest > 0:
        paper.paragraph(f"The {_MOST_INCIDENTS} that burned most; {rest} more are in the JSON.", 7.5, SOFT)


def _recommendations(paper: Paper, report: LongReport) -> None:
    found = recommendations(report)
    if not found:
        return
    paper.heading("Recommendations", 15)
    columns = (Column("SLA", 60), Column("What to do", ROOM - 60))
    paper.columns(columns)
    for title, words in found[:_MOST_LISTED]:
        paper.row(columns, (title, words))
    paper.end_columns()
    _more(paper, len(found) - _MOST_LISTED)


def _listed(paper: Paper, name: str, lines: Sequence[str]) -> None:
    if lines:
        paper.heading(name, 10)
        for each in lines[:_MOST_LISTED]:
            paper.paragraph(each, 8, indent=4, sign="•")
        _more(paper, len(lines) - _MOST_LISTED)


def _more(paper: Paper, rest: int) -> None:
    if rest > 0:
        paper.paragraph(f"… and {rest:,} more.", 8, SOFT)


def _counted(paper: Paper, report: LongReport) -> None:
    """The accounting policy."""
    paper.heading("How it was counted", 20)
    paper.paragraph(POLICY, 8)
    others = exceptions(report)
    for each in others[:_MOST_LISTED]:
        paper.paragraph(each, 8, indent=4, sign="•")
    _more(paper, len(others) - _MOST_LISTED)
    paper.paragraph(
        f"{BOX} stands for a letter that the font of this file lacks, and a key for its name as a whole;"
        " mail, CSV and JSON have it.",
        8,
    )
