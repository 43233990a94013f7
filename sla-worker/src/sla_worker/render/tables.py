"""Reports as plain text: aligned columns."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sla_worker.model import Report
from sla_worker.render.format import (
    actual,
    maintenance_line,
    moment,
    quantity,
    ratio,
    remark,
    score_word,
    target,
    verdict,
)


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
        ("Number of SLAs", f"{report.slas} ({report.meeting} meet their target)"),
        ("Active breaches", str(len(report.active_breaches))),
    ]
    width = max(len(name) for name, _ in facts) + 1
    lines = [heading, "=" * len(heading), ""]
    lines += [f"{name + ':':<{width}}  {value}" for name, value in facts]
    rows = [
        (
            each.title,
            target(each.target, each.comparison, each.unit),
            actual(each),
            ratio(each.compliance_ratio),
            ratio(each.coverage_ratio),
            verdict(each),
        )
        for each in report.failed_first
    ]
    header = ("SLA", "Target", "Actual", "Compliance", "Coverage", "Result")
    lines += ["", text_table(header, rows, right=frozenset({1, 2, 3, 4}))]
    remarks = [f"{each.title}: {words}" for each in report.failed_first if (words := remark(each, zone))]
    if remarks:
        lines += ["", *remarks]
    if report.active_breaches:
        breaches = [
            (each.title, each.severity, moment(each.started_at, zone), quantity(each.worst, each.unit))
            for each in report.active_breaches
        ]
        lines += ["", "Active breaches", ""]
        lines += [text_table(("SLA", "Severity", "Since", "Worst"), breaches, right=frozenset({3}))]
    if report.maintenance:
        lines += ["", "Maintenance (does not count)", ""]
        lines += [maintenance_line(each, report.generated_at, zone) for each in report.maintenance]
    return "\n".join(lines) + "\n"
