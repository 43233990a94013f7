"""`python -m benchmarks.reports`: what reports, their mails, charts and PDFs cost, with 36 and 3,600 SLAs.

A report is made from the ledger as in the worker, a mail as it is sent; charts and PDF are drawn by the child
process, whose start counts. Sizes are those on the wire, attachments apart. Times are those of this program.
Memory is that of a worker of its own for each kind, which has definitions, ledger and metrics in memory as
the service has: at rest, and at most while it makes the report, its mail and what is kept of it; and of the
child that draws. Meanwhile another thread of it asks the ledger, as a pass does: the longest wait is printed.
`--slas 36,3600` chooses how many SLAs; up to 360 have a year of hours (`--days`), more have 33 days.
With `--database postgresql` the ledger is in a server of its own, whose CPU counts as well.
It judges nothing: times drift.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.places import Ledger, asked_for, ledger
from benchmarks.report_worker import made
from benchmarks.year import DAY, END, ZONE, many, year
from sla_worker.database import SLADatabase
from sla_worker.delivery.kinds import Sources
from sla_worker.delivery.message import message
from sla_worker.draw import draw
from sla_worker.model import Drawn, Mail, Sheet
from sla_worker.settings import Settings, read_settings

MADE_SECONDS, DRAWN_SECONDS, HTML_KILOBYTES = 0.3, 3, 100
MAIL_KILOBYTES = {"daily": 50, "weekly": 100, "monthly": 150}
WORKER_MEGABYTES = 45  # with 36 SLAs, reports included
NOW = END + 9 * 3600
MONTH_END = int(dt.datetime.fromtimestamp(END, ZONE).replace(day=1).timestamp())
SHORT_END, SHORT_DAYS = MONTH_END + DAY, 33
"""A Monday too: its last week and its last month end there and the day before."""

FEW = 360  # so many SLAs have a year
REPEATS = {True: 5, False: 2}  # by whether they are few
_PAGE = re.compile(rb"/Type /Page\b")


@dataclass(frozen=True, slots=True)
class World:
    """A ledger that was made: so many SLAs over so many days before `end`, and the definitions of them."""

    slas: int
    days: int
    end: int
    definitions: Path
    place: Path | str

    @property
    def now(self) -> int:
        return self.end + 9 * 3600

    @property
    def ends(self) -> dict[str, int]:
        """Where the period of each kind ends."""
        return {"daily": self.end, "weekly": self.end, "monthly": MONTH_END}

    def environ(self) -> dict[str, str]:
        """The settings of a worker on it."""
        where = {"SLA_DATABASE_PATH": str(self.place)}
        if isinstance(self.place, str):
            where = {"SLA_DATABASE_URL": self.place}
        return {
            **where,
            "SLA_DEFINITIONS": str(self.definitions),
            "SLA_INTERVAL_SECONDS": "3600",  # a row an hour, as the ledger has
            "REPORT_TIMEZONE": ZONE.key,
        }


@dataclass(frozen=True, slots=True)
class Made:
    """What one kind of mail costs: seconds, bytes, and mebibytes of a worker and of the child that draws."""

    wall: float
    cpu: float
    html: int
    mail: int
    files: int
    memory: Mapping[str, float] = field(default_factory=dict)


def timed(
    action: Callable[[], object], server_cpu: Callable[[], float], repeats: int = 5
) -> tuple[float, float]:
    """Median seconds on the wall, and of CPU of this process, its children and the server of the ledger."""
    walls, cpus = [], []
    for _ in range(repeats):
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


def _message(mail: Mail, now: int) -> EmailMessage:
    return message(mail, sender="a@example.com", recipients=["b@example.com"], key="k", now=now, zone=ZONE)


def _of_worker(world: World, kind: str) -> dict[str, float]:
    """What a worker takes, in a process of its own for each kind: no peak hides another one."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.report_worker", kind, str(world.ends[kind]), str(world.now)],
        env={**os.environ, **world.environ()},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(run.stdout)
    return found


# --- The table -------------------------------------------------------------------------------------------


def measure(console: Console, slas: int, days: int | None, database: str) -> dict[str, Made]:
    """Print what so many SLAs cost; by kind."""
    with tempfile.TemporaryDirectory() as name, ledger(database, Path(name)) as kept:
        definitions = many(Path(name) / "slas.yml", slas)
        end, most = (END, 365) if slas <= FEW else (SHORT_END, SHORT_DAYS)
        world = World(slas, most if days is None else days, end, definitions, kept.place)
        settings = read_settings({"REPORT_TIMEZONE": ZONE.key})
        with closing(year(world.place, world.days, world.end, world.definitions)) as filled:
            drawn, sheets = _timed_all(world, filled, settings, kept)
        found = {
            kind: Made(each.wall, each.cpu, each.html, each.mail, each.files, _of_worker(world, kind))
            for kind, each in drawn.items()
        }
        console.print(_table(found, sheets, world, database))
        return found


def _timed_all(
    world: World, database: SLADatabase, settings: Settings, kept: Ledger
) -> tuple[dict[str, Made], list[Sheet]]:
    """What each kind takes and weighs, and the sheets that were drawn."""
    few = world.slas <= FEW
    sheets: list[Sheet] = []

    def nothing(_sheet: Sheet) -> Drawn:
        return Drawn()

    def keeping(sheet: Sheet) -> Drawn:
        sheets.append(sheet)
        return draw(sheet)

    bare, real = (Sources(database, settings, world.now, how) for how in (nothing, keeping))
    found = {}
    for kind, end in world.ends.items():
        wall, cpu = timed(partial(made, bare, kind, end), kept.server_cpu, REPEATS[few])
        sent = _message(made(real, kind, end), world.now)
        mail = made(bare, kind, end)
        whole = without_attachments(sent)
        found[kind] = Made(wall, cpu, len(mail.html.encode()), whole, len(sent.as_bytes()) - whole)
    return found, sheets


def _table(found: Mapping[str, Made], sheets: Sequence[Sheet], world: World, database: str) -> Table:
    rows = len(sheets[-1].report.lines)
    title = f"{world.slas} SLAs, {rows} rows, {world.days} days, in {database}"
    columns = ("What", "Wall", "CPU", "Size", "Worker, at most", "Child", "Wait", "Budget")
    table = Table(*columns, title=title)
    table.add_row(
        "worker at rest",
        "",
        "",
        "",
        f"{max(each.memory['rest'] for each in found.values()):.0f} MiB",
        "",
        "",
        "",
    )
    for kind, each in found.items():
        sizes = ("HTML", each.html), ("mail", each.mail), ("files", each.files)
        size = ", ".join(f"{what} {count / 1000:.0f} KB" for what, count in sizes)
        child = f"{each.memory['child']:.0f} MiB" if each.memory["child"] else ""
        table.add_row(
            f"{kind} report and mail",
            f"{each.wall:.3f} s",
            f"{each.cpu:.3f} s",
            size,
            f"{each.memory['peak']:.0f} MiB",
            child,
            f"{each.memory['wait'] * 1000:.0f} ms",
            f"{MADE_SECONDS} s; {HTML_KILOBYTES}, {MAIL_KILOBYTES[kind]} KB; {WORKER_MEGABYTES} MB",
        )
    report = sheets[-1].report
    for what, sheet in (
        ("charts of the monthly mail", Sheet(report, ZONE.key, "x", pdf=False)),
        ("its PDF", Sheet(report, ZONE.key, "x", charts=False)),
    ):
        wall, cpu = timed(partial(draw, sheet), float, 3)
        drawn = draw(sheet)
        size = f"{(sum(map(len, drawn.charts.values())) + len(drawn.pdf or b'')) / 1000:.0f} KB"
        if drawn.pdf:
            size += f", {len(_PAGE.findall(drawn.pdf))} pages"
        elif sheet.pdf:
            size = drawn.trouble or "no PDF"
        table.add_row(what, f"{wall:.2f} s", f"{cpu:.2f} s", size, "", "", "", f"{DRAWN_SECONDS} s")
    return table


def _growth(sizes: Mapping[int, Mapping[str, Made]]) -> Table:
    """How many times as much each takes as with the first number of SLAs."""
    first, kinds = next(iter(sizes)), next(iter(sizes.values()))
    table = Table(
        "SLAs", "times", *(f"{kind}: CPU, HTML, memory" for kind in kinds), title="Growth, as ratios"
    )
    for slas, found in sizes.items():
        cells = []
        for each, one in zip(found.values(), sizes[first].values(), strict=True):
            memory = each.memory["peak"] / one.memory["peak"]
            cells.append(f"{each.cpu / one.cpu:.0f}, {each.html / one.html:.1f}, {memory:.1f}")
        table.add_row(str(slas), f"{slas / first:.0f}", *cells)
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reports", description=__doc__)
    parser.add_argument("--slas", default="36", help="how many, with commas between them (default: 36)")
    parser.add_argument(
        "--days", type=int, help="days of the ledger (default: 365; of more than 360 SLAs 33)"
    )
    asked_for(parser)
    options = parser.parse_args(argv)
    console = Console(width=150)
    sizes = {
        each: measure(console, each, options.days, options.database)
        for each in map(int, options.slas.split(","))
    }
    if len(sizes) > 1:
        console.print(_growth(sizes))
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
