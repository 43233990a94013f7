"""`python -m benchmarks.reports`: what the reports of a year of the shipped SLAs cost, beside their budgets.

A report is made from the ledger as in the worker, a mail as it is sent; charts and PDF are drawn by the child
process, whose start counts. Sizes are those on the wire, attachments apart. With `--database postgresql` the
ledger is in a server of its own, whose CPU counts as well. It judges nothing: times drift.
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.places import asked_for, ledger
from benchmarks.year import END, ZONE, year
from sla_worker.delivery.kinds import Sources, daily, long
from sla_worker.delivery.message import message
from sla_worker.draw import draw
from sla_worker.model import Drawn, Mail, Sheet
from sla_worker.periodic import long_report
from sla_worker.settings import read_settings

REPEATS = 5
MADE_SECONDS, DRAWN_SECONDS, HTML_KILOBYTES = 0.3, 3, 100
MAIL_KILOBYTES = {"daily": 50, "weekly": 100, "monthly": 150}
NOW = END + 9 * 3600
MONTH_END = int(dt.datetime.fromtimestamp(END, ZONE).replace(day=1).timestamp())


def timed(action: Callable[[], object], server_cpu: Callable[[], float]) -> tuple[float, float]:
    """Median seconds on the wall, and of CPU of this process, its children and the server of the ledger."""
    walls, cpus = [], []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), _cpu() + server_cpu()
        action()
        walls.append(time.perf_counter() - wall)
        cpus.append(_cpu() + server_cpu() - cpu)
    return statistics.median(walls), statistics.median(cpus)


def _cpu() -> float:
    used = [resource.getrusage(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def without_attachments(sent: EmailMessage) -> int:
    """The bytes of a message on the wire, its files left out."""
    files = sum(len(each.as_bytes()) for each in sent.iter_attachments())
    return len(sent.as_bytes()) - files


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reports", description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    asked_for(parser)
    options = parser.parse_args(argv)
    table = Table("What", "Wall", "CPU", "Size", "Budget")
    settings = read_settings({"REPORT_TIMEZONE": ZONE.key})
    drawn: list[Drawn] = []

    def nothing(_sheet: Sheet) -> Drawn:
        return Drawn()

    def keeping(sheet: Sheet) -> Drawn:
        drawn.append(draw(sheet))
        return drawn[-1]

    with (
        tempfile.TemporaryDirectory() as name,
        ledger(options.database, Path(name)) as kept,
        closing(year(kept.place, options.days)) as database,
    ):
        bare, real = (Sources(database, settings, NOW, how) for how in (nothing, keeping))
        kinds: dict[str, Callable[[Sources], Mail]] = {
            "daily": lambda sources: daily(sources, END),
            "weekly": lambda sources: long(sources, "weekly", END),
            "monthly": lambda sources: long(sources, "monthly", MONTH_END),
        }
        for kind, make in kinds.items():
            wall, cpu = timed(lambda make=make: make(bare), kept.server_cpu)  # type: ignore[misc]
            mail = make(real)
            sent = message(
                mail, sender="a@example.com", recipients=["b@example.com"], key="k", now=NOW, zone=ZONE
            )
            budget = f"{MADE_SECONDS} s; {HTML_KILOBYTES}, {MAIL_KILOBYTES[kind]} KB"
            html, whole = len(mail.html.encode()), without_attachments(sent)
            size = f"HTML {html / 1000:.0f} KB, mail {whole / 1000:.0f} KB"
            table.add_row(f"{kind} report and mail", f"{wall:.3f} s", f"{cpu:.3f} s", size, budget)
        report = long_report(database, kind="monthly", title="M", end=MONTH_END, now=NOW, zone=ZONE)
    for what, sheet in (
        ("charts of the monthly mail", Sheet(report, ZONE.key, "x", pdf=False)),
        ("its PDF", Sheet(report, ZONE.key, "x", charts=False)),
    ):
        wall, cpu = timed(lambda sheet=sheet: draw(sheet), float)  # type: ignore[misc]
        made = draw(sheet)
        drawn_bytes = sum(map(len, made.charts.values())) + len(made.pdf or b"")
        size = f"{drawn_bytes / 1000:.0f} KB"
        table.add_row(what, f"{wall:.2f} s", f"{cpu:.2f} s", size, f"{DRAWN_SECONDS} s")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    table.add_row("memory of the child", "", "", f"{peak:.0f} MB", "")
    Console(width=110).print(
        f"{len(report.lines)} SLAs and components, {options.days} days, in {options.database}",
        highlight=False,
    )
    Console(width=110).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
