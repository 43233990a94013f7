"""`python -m benchmarks.ledger`: a simulated year of the ledger: how large it gets, and how fast it is read.

Stores every slot of so many SLAs as the worker does, a day in each transaction, mails what is due (daily,
weekly and monthly reports with their charts and PDFs, and breaches) and deletes what is older than it is
kept. After a day, after the 35 days for which slots are kept, and at the end it measures the size of every
table and the CPU of a pass (the median of twelve slots, each in a transaction of its own; then the windows
that metrics show), of what pages ask and of the reports of a month and a year; then that of
maintenance which is added when all of it is over, and revoked. Prints each with how many times as much it has
become, and with several sizes how a pass and the reports grow from one to the next.

`--sizes 36x365,360x36,3600x4` chooses SLAs and days, `--slot-seconds 3600` shows a large ledger whose slots
are as few as its hours; `--no-mails` mails nothing, `--no-exclusions` excludes nothing. `--trim-at-end`
deletes nothing until the end, so that a year of every slot is measured, what it takes to delete it, and what
is left. With `--database postgresql` the ledger is in a server of its own, whose CPU counts as well; it waits
for no disk (fsync=off), which takes no CPU, and its tables are as large as they are with it.
"""

from __future__ import annotations

import argparse
import math
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.filling import BEGIN, DAY, UTC, Spent, Year
from benchmarks.places import asked_for, ledger
from sla_worker import windows
from sla_worker.model import Report
from sla_worker.periodic import long_report
from sla_worker.reports import report_between
from sla_worker.spans import month_start

REPEATS = 7
SLOTS_KEPT_DAYS = 35
PASSES = 12
PASS, OWN, WINDOWS, MONTH, YEAR = (
    "storing the slot of a pass",
    "… of that the worker's",
    "then six windows",
    "report of the last month",
    "report of the year",
)
SHIPPED = 36  # SLAs, which have budgets
STATUS_MILLISECONDS = {"status over a year": 10}
MEGABYTES = 30
SHOWN_MEGABYTES = 0.1


@dataclass(frozen=True, slots=True)
class Point:
    """What a ledger is like at some time: milliseconds of CPU, megabytes by table, how many slots it has."""

    name: str
    costs: Mapping[str, float]
    megabytes: float
    tables: Mapping[str, float]
    slots: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A ledger of so many SLAs, from its first day to the end."""

    slas: int
    days: int
    points: Sequence[Point]
    others: Sequence[tuple[str, str]]


def point(year: Year, name: str) -> Point:
    """Measure a ledger as it is now. It has some slots more afterwards."""
    megabytes, tables = year.home.megabytes(), year.home.tables()
    slots = year.database.counts()["measurements"]
    passes = [year.store() for _ in range(PASSES)]
    costs = {
        PASS: statistics.median(each.both for each in passes) * 1000,
        OWN: statistics.median(each.here for each in passes) * 1000,
    }

    def add(what: str, action: Callable[[], object]) -> None:
        costs[what] = statistics.median(year.cost(action).both for _ in range(REPEATS)) * 1000

    add(WINDOWS, lambda: windows.read(year.database, UTC, year.now))
    for what, hours in (("24 hours", 24), ("30 days", 720), ("a year", 8760)):
        add(f"status over {what}", lambda hours=hours: year.database.get_current_sla_status(hours))  # type: ignore[misc]
    month = month_start(int(year.now), UTC)
    if month > BEGIN:
        add(MONTH, lambda: monthly(year, month))
    add(YEAR, lambda: yearly(year))
    return Point(name, costs, megabytes, tables, slots)


def monthly(year: Year, end: int) -> object:
    """The report of the month that ends then."""
    return long_report(year.database, kind="monthly", title="M", end=end, now=int(year.now), zone=UTC)


def yearly(year: Year) -> Report:
    """The report of the 365 days that end with the newest slot."""
    return report_between(
        year.database, title="Y", start=year.newest - 365 * DAY, end=year.newest, now=int(year.now)
    )


def measure(
    slas: int,
    days: int,
    *,
    database: str,
    slot_seconds: int,
    mails: bool,
    trim_at_end: bool,
    exclusions: bool,
    show: Callable[[Measured], None],
) -> Measured:
    """Fill a ledger, and measure it on the way; `show` gets the points before time is excluded."""
    points: list[Point] = []
    others: list[tuple[str, str]] = []
    spent, stored = Spent(0, 0), 0
    with tempfile.TemporaryDirectory() as directory, ledger(database, Path(directory)) as home:
        year = Year(home, slas, slot_seconds, mails=mails)
        for day in sorted({min(each, days) for each in (1, SLOTS_KEPT_DAYS, days)}):
            stored -= year.newest
            spent += year.fill(day, trim=not trim_at_end)
            stored += year.newest
            points.append(point(year, f"{day} day" + "s" * (day > 1)))
        spent /= stored / slot_seconds
        others.append(("CPU of a slot, stored with its day", f"{spent.both * 1000:.2f} ms"))
        others.append(("… of that the worker's", f"{spent.here * 1000:.2f} ms"))
        if trim_at_end:
            whole = yearly(year)
            cost = year.cost(year.trim)
            others.append(("CPU of deleting what is older than it is kept", f"{cost.both:.2f} s"))
            if yearly(year).statuses != whole.statuses:
                raise RuntimeError("the year's report says something else once its slots are deleted")
            points.append(point(year, "then trimmed"))
        for kind, number, size in year.kept():
            others.append((f"{kind} mails as they were sent, {number:,}", f"{size:.2f} MB"))
        show(Measured(slas, days, points, others))
        for name, cost in year.excluded(days) if exclusions else ():
            others.append((f"CPU of {name}", f"{cost.both:.2f} s"))
        others.append(("size of the ledger at the very end", f"{home.megabytes():.1f} MB"))
        year.database.close()
    return Measured(slas, days, points, others)


def times(before: float, after: float) -> str:
    """How many times as much it has become."""
    return f"{after / before:.2f}" if before else ""


def sizes_of(found: Measured) -> Table:
    """Every table's megabytes at every point."""
    table = Table(title=f"{found.slas:,} SLAs: MB", title_justify="left")
    _columns(table, found)
    first, last = found.points[0], found.points[-1]
    budget = str(MEGABYTES) if found.slas == SHIPPED else ""
    every = ("the ledger", [each.megabytes for each in found.points], budget)
    names = [
        name for name, size in last.tables.items() if max(size, first.tables.get(name, 0)) >= SHOWN_MEGABYTES
    ]
    by_table = [(name, [each.tables.get(name, 0.0) for each in found.points], "") for name in names]
    for name, values, limit in (every, *by_table):
        table.add_row(name, *(f"{each:.1f}" for each in values), times(values[0], values[-1]), limit)
    slots = [each.slots for each in found.points]
    table.add_row("slots", *(f"{each:,}" for each in slots), times(slots[0], slots[-1]), "")
    return table


def costs_of(found: Measured) -> Table:
    """Every cost at every point."""
    table = Table(title=f"{found.slas:,} SLAs: milliseconds of CPU", title_justify="left")
    _columns(table, found)
    for name in found.points[-1].costs:
        values = [each.costs.get(name) for each in found.points]
        known = [each for each in values if each is not None]
        limit = STATUS_MILLISECONDS.get(name) if found.slas == SHIPPED else None
        table.add_row(
            name,
            *("" if each is None else f"{each:.2f}" for each in values),
            times(known[0], known[-1]),
            str(limit or ""),
        )
    return table


def _columns(table: Table, found: Measured) -> None:
    table.add_column("")
    for each in (*(each.name for each in found.points), "times", "budget"):
        table.add_column(each, justify="right")


def growth(sizes: Sequence[Measured]) -> Table:
    """What each size costs, and how many times as much as the first one."""
    table = Table(title="Growth with the SLAs, at the end of each ledger", title_justify="left")
    names = ("SLAs", "days", "pass and windows", "MB", "bytes a slot", "month's report", "year's report")
    for name in names:
        table.add_column(name, justify="right")
    for name in ("SLAs", "a pass", "the year's report"):
        table.add_column(f"{name}: times", justify="right")

    def passing(one: Measured) -> float:
        return one.points[-1].costs[PASS] + one.points[-1].costs[WINDOWS]

    first = sizes[0]
    for one in sizes:
        last = one.points[-1]
        fullest = max(one.points, key=lambda each: each.slots)
        of_slots = fullest.tables.get("sla_measurements", math.nan) * 1e6 / fullest.slots
        month = last.costs.get(MONTH)
        table.add_row(
            f"{one.slas:,}",
            str(one.days),
            f"{passing(one):.1f} ms",
            f"{last.megabytes:.1f}",
            "" if math.isnan(of_slots) else f"{of_slots:.0f}",
            "" if month is None else f"{month:.0f} ms",
            f"{last.costs[YEAR]:.0f} ms",
            times(first.slas, one.slas),
            times(passing(first), passing(one)),
            times(first.points[-1].costs[YEAR], last.costs[YEAR]),
        )
    return table


def main(argv: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ledger",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sizes", default="36x365", help="SLAs x days, with commas (default: 36x365)")
    parser.add_argument("--slot-seconds", type=int, default=300)
    parser.add_argument("--no-mails", action="store_true")
    parser.add_argument("--no-exclusions", action="store_true")
    parser.add_argument("--trim-at-end", action="store_true")
    asked_for(parser)
    options = parser.parse_args(argv)
    console, measured = Console(width=120), []

    def show(found: Measured) -> None:
        what = f"{found.slas:,} SLAs, {found.days} days, slots of {options.slot_seconds} s"
        console.print(f"{what}, in {options.database}", highlight=False)
        for table in (sizes_of(found), costs_of(found)):
            console.print(table)

    for size in options.sizes.split(","):
        slas, days = map(int, size.split("x"))
        found = measure(
            slas,
            days,
            database=options.database,
            slot_seconds=options.slot_seconds,
            mails=not options.no_mails,
            trim_at_end=options.trim_at_end,
            exclusions=not options.no_exclusions,
            show=show,
        )
        measured.append(found)
        others = Table("What", "Measured", show_header=False)
        for line in found.others:
            others.add_row(*line)
        console.print(others)
    if len(measured) > 1:
        console.print(growth(measured))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"peak memory of this program: {math.ceil(peak)} MB", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
