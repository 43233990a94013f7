"""`python -m benchmarks.months`: what closing a month costs, and its evidence, with 36 and 3,600 SLAs.

The month has every hour of every SLA and no days, so that all 744 hours of each are read: more than a worker
reads, which has days. Prints the time of freezing, of writing the evidence (checked before it is handed out)
and of checking it, and the sizes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from benchmarks.statements import many_slas
from sla_worker.database import SLADatabase
from sla_worker.database.counts import Book, HourCounts
from sla_worker.definitions import read_definitions
from sla_worker.evidence import verify, write_evidence
from sla_worker.grid import Grid
from sla_worker.months import Months

ZONE = ZoneInfo("UTC")
START = int(dt.datetime(2026, 3, 1, tzinfo=ZONE).timestamp())
END = int(dt.datetime(2026, 4, 1, tzinfo=ZONE).timestamp())


def _ledger(directory: Path, name: str, now: float) -> SLADatabase:
    return SLADatabase(directory / name, grid=Grid(300, 15), zone=ZONE, clock=lambda: now)


def _hours(keys: Sequence[tuple[str, str]]) -> Iterator[HourCounts]:
    for start in range(START, END, 3600):
        for number, (key, component) in enumerate(keys):
            total = 1000.0 + (start // 3600 * 7 + number * 13) % 997
            good = total - (number + start // 3600) % 3
            yield HourCounts(start, start + 3600, key, component, 1, good, total, 12.0, 0, good, total)


def filled(directory: Path, slas: int) -> SLADatabase:
    """A ledger with a month of so many SLAs."""
    many_slas(directory / "slas.yml", slas)
    definitions = read_definitions(directory / "slas.yml")
    with closing(_ledger(directory, "definitions.db", START - 86_400)) as before:
        before.sync_definitions(definitions)
        book = before.books.book([each.key for each in definitions], START, END)
    keys = [(each.key, each.component) for each in book.definitions]
    made = _ledger(directory, "sla.db", END + 7200)
    taken = Book(
        tuple(replace(each, from_file=True) for each in book.definitions),
        book.versions,
        dict.fromkeys(keys, START),
        {},
    )
    made.books.take(taken, _hours(keys), START, END)
    return made


def _timed(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the wall, and of CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(slas: int) -> list[tuple[str, str]]:
    """What was measured, in words."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        target = directory / "evidence.zip"
        with closing(filled(directory, slas)) as database:
            months = Months(database, ZONE, unread=dict, provisional=lambda _: {})
            figures = [("closing", _timed(lambda: months.turn(END + 7200)))]
            month = database.months.get("2026-03")
            if month is None:
                raise RuntimeError("the month was not frozen")
            figures.append(("evidence", _timed(lambda: write_evidence(database, month, target))))
            size = len(database.months.document(month)) + len(database.months.content(month))
        figures.append(("check", _timed(lambda: verify(target))))
        said = [(what, f"{wall:.2f} s, {cpu:.2f} s of CPU") for what, (wall, cpu) in figures]
        return [
            *said,
            ("in the ledger", f"{size / 1024:.0f} KiB"),
            ("archive", f"{target.stat().st_size / 1024:.0f} KiB"),
        ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--slas", default="36,3600", help="how many, with commas between them")
    counts = [int(each) for each in options.parse_args(arguments).slas.split(",")]
    table = Table("", *(f"{count} SLAs" for count in counts), title="A month is closed")
    measured = [measure(count) for count in counts]
    for line in zip(*measured, strict=True):
        table.add_row(line[0][0], *(each for _, each in line))
    Console(width=100).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
