"""Reports as plain text: aligned columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from sla_worker.model import Budget, Line, LongReport, Report, SLAStatus
from sla_worker.render.format import (
    NONE,
    actual,
    beside,
    budget_left,
    burn_rate,
    compliance,
    correction_line,
    lasts,
    lingering_words,
    maintenance_line,
    moment,
    ratio,
    remark,
    score_word,
    target,
    verdict,
)
from sla_worker.render.lines import NOTHING_BEFORE, budget_parts, change, points
from sla_worker.render.room import WHERE, WHOLE, Room, more


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


def _budget_cells(status: SLAStatus, budgets: Mapping[tuple[str, str], Budget] | None) -> tuple[str, ...]:
    if budgets is None:
        return ()
    budget = budgets[status.key, status.component]
    return budget_left(budget.left_ratio), burn_rate(budget.burn_rate), lasts(budget)


def _beside(line: Line | None) -> tuple[str, ...]:
    """The change from the day before, and what is left of the month's error budget."""
    if line is None:
        return ()
    share, words = (NONE, "") if line.month is None else budget_parts(line.month)
    return change(line), share, words or NONE


def _day_before(day: LongReport) -> str:
    before = day.before
    count = len(before.measured)
    if not count:
        return NOTHING_BEFORE
    return (
        f"{ratio(before.score_ratio)} ({points(day.score_change)}), {before.meeting} of {count}"
        f" SLAs met their target, {ratio(before.coverage_ratio)} measured"
    )


def text_report(
    report: Report,
    zone: ZoneInfo,
    budgets: Mapping[tuple[str, str], Budget] | None = None,
    *,
    day: LongReport | None = None,
    room: Room = WHOLE,
) -> str:
    """The report as plain text; with `budgets`, by key and component, what is left of each as well.

    `day`: it is that of this day, and shows what stands beside it, as far as there is `room`.
    """
    heading = report.title
    shown = None if day is None else room.worst(day)
    statuses: list[SLAStatus] = []
    rest: list[SLAStatus] = []
    for each in report.failed_first:
        (statuses if shown is None or (each.key, each.component) in shown else rest).append(each)
    lines_of = {} if day is None else {(each.status.key, each.status.component): each for each in day.lines}
    facts = [
        ("Period", f"{moment(report.start, zone)} to {moment(report.end, zone)}"),
        ("Generated at", moment(report.generated_at, zone)),
        ("Overall compliance", f"{ratio(report.score_ratio)} ({score_word(report)})"),
        ("Coverage", f"{ratio(report.coverage_ratio)} of the time since each SLA began was measured"),
        ("Number of SLAs", f"{report.slas} ({report.meeting} meet their target)"),
        (
            "Active breaches",
            f"{len(report.active_breaches)} ({report.period_breaches or 'none'} in the period)",
        ),
    ]
    if day is not None:
        facts.insert(3, ("The day before", _day_before(day)))
    width = max(len(name) for name, _ in facts) + 1
    lines = [heading, "=" * len(heading), ""]
    lines += [f"{name + ':':<{width}}  {value}" for name, value in facts]
    rows = [
        (
            each.title,
            target(each.target, each.comparison, each.unit),
            actual(each),
            compliance(each),
            ratio(each.coverage_ratio),
            *_budget_cells(each, budgets),
            *_beside(lines_of.get((each.key, each.component))),
            verdict(each),
        )
        for each in statuses
    ]
    columns: tuple[str, ...] = ("SLA", "Target", "Actual", "Compliance", "Coverage")
    columns += () if budgets is None else ("Budget left", "Burn rate", "Gone in")
    columns += () if day is None else ("Change", "Budget left", "Still allowed")
    lines += ["", text_table((*columns, "Result"), rows, right=frozenset(range(1, len(columns))))]
    if rest:
        lines += ["", f"{more(rest)} {WHERE}"]
    if budgets is not None:
        lines += [
            "",
            "Gone in: at the burn rate of the last hour; a dash where the budget lasts",
        ]
    remarks = [f"{each.title}: {words}" for each in statuses if (words := remark(each, zone))]
    if remarks:
        lines += ["", *remarks]
    if report.active_breaches:
        active = room.breaches(report.active_breaches)
        breaches = [
            (
                each.title,
                each.severity,
                moment(each.started_at, zone),
                beside(each.worst, each.target, each.comparison, each.unit),
            )
            for each in active
        ]
        lines += ["", "Active breaches", ""]
        lines += [text_table(("SLA", "Severity", "Since", "Worst"), breaches, right=frozenset({3}))]
        lines += [
            f"{each.title}: {lingering_words(report.lingering[each.id], zone)}"
            for each in active
            if each.id in report.lingering
        ]
        unsaid = room.rest(report.active_breaches)
        lines += [f"… and {unsaid:,} more."] if unsaid else []
    if report.maintenance:
        lines += ["", "Maintenance (does not count)", ""]
        windows = [maintenance_line(each, report.generated_at, zone) for each in report.maintenance]
        lines += room.lines(windows)
    if report.corrections:
        corrections = [correction_line(each, zone) for each in report.corrections]
        lines += ["", "Corrected", "", *room.lines(corrections)]
    return "\n".join(lines) + "\n"
