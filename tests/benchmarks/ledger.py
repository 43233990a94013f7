"""`python -m benchmarks.ledger`: a simulated year of the ledger: how large it gets, and how fast it is read.

Stores every slot of so many SLAs as the worker does, a day in each transaction, mails what is due (daily,
weekly and monthly reports with their charts and PDFs, and breaches), deletes what is older than
it is kept, and prints the size of the ledger, the time of what pages, mails and metrics ask, and that of
maintenance which is added when all of it is over, and revoked. `--slas 3600
--days 40 --slot-seconds 3600` shows a large ledger whose slots are as few as its hours; `--no-mails` mails
nothing. With `--database postgresql` it is in a server of its own, whose CPU counts as well.
"""

from __future__ import annotations

import argparse
import math
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from benchmarks.places import SQLITE, Ledger, asked_for, ledger
from sla_worker import due
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.delivery.sending import Deliveries
from sla_worker.delivery.smtp import Refusal
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Definition, Figures, Planned, Scope
from sla_worker.occurrences import occurrences
from sla_worker.settings import read_settings
from truth.places import read
from unit.sla_worker.fake_prometheus import THREE

BEGIN = 1_735_689_600  # 2025-01-01 00:00 UTC
DAY = 86_400
REPEATS = 7
UTC = ZoneInfo("UTC")
KEPT = """
SELECT n.type, COUNT(*), SUM(LENGTH(s.content)) FROM sla_sent_reports s
JOIN sla_notifications n ON n.id = s.notification_id GROUP BY n.type ORDER BY n.type
"""


def many(count: int) -> list[Definition]:
    """The shipped SLAs repeatedly, each under its own key."""
    shipped = [each for each in read_definitions(THREE) if not each.sli.members]
    return [
        replace(
            shipped[number % len(shipped)], key=f"sla-{number}", name=f"SLA {number}", component="all", by=()
        )
        for number in range(count)
    ]


class Anybody:
    """A mail server that takes every mail."""

    def send(self, _made: EmailMessage, _recipients: Sequence[str]) -> Mapping[str, Refusal]:
        """Refuses nobody."""
        return {}


class Year:
    """A ledger that is filled day by day, with a clock that follows."""

    def __init__(self, home: Ledger, slas: int, slot_seconds: int, *, mails: bool) -> None:
        self.home = home
        self.definitions = many(slas)
        self.now = float(BEGIN)
        self.step = slot_seconds
        self.database = SLADatabase(home.place, grid=Grid(slot_seconds, 15), clock=lambda: self.now)
        self.database.sync_definitions(self.definitions)
        self._deliveries = Deliveries(
            self.database,
            Anybody(),
            read_settings({}),
            stopping=threading.Event(),
            clock=lambda: self.now,
            monotonic=lambda: 0.0,
        )
        self._mails = mails
        self.mailing = self.mailing_here = 0.0  # CPU seconds that mails took so far; of this process alone

    def _mail(self, end: int) -> None:
        """What is due after the day that ends at `end`, two minutes after it."""
        begun, here = self.cpu(), time.process_time()
        for kind in due.REPORTS:
            if due.period_end(kind, due.last_due(kind, end, UTC, due.MIDNIGHT)) == end:
                self.database.outbox.owe_report(kind, f"{kind}:{end}", end, end)
        self.now = end + 120.0
        self.database.threads.turn(int(self.now), 4 * 3600)
        self._deliveries.round()
        self.mailing += self.cpu() - begun
        self.mailing_here += time.process_time() - here

    def kept(self) -> Iterator[tuple[str, int, float]]:
        """Of each kind of mail how many are kept, and their megabytes."""
        [found] = read(self.home.place, [KEPT])
        for kind, number, size in found:
            yield kind, number, float(size) / 1e6

    def fill(self, days: int) -> None:
        """Store so many days, slot by slot; trim after each, as the loop does."""
        for day in range(days):
            begin = BEGIN + day * DAY
            self.now = begin + DAY + 45.0
            rows = []
            for slot in range(begin + self.step, begin + DAY + 1, self.step):
                for number, definition in enumerate(self.definitions):
                    total = 1000 + (slot // self.step * 7919 + number * 104_729) % 9000
                    bad = 12 if (slot // self.step + number * 131) % 2000 == 0 else 0
                    rows.append(evaluate(definition, slot, Figures(total - bad, total, 1, 1.234567 + number)))
            self.database.store(rows)
            if self._mails:
                self._mail(begin + DAY)
            while self.database.trim():
                pass

    def excluded(self, days: int) -> Iterator[tuple[str, float]]:
        """What it takes to exclude time of all these days afterwards, and to revoke that: CPU seconds."""
        end, now, store = BEGIN + days * DAY, int(self.now), self.database.maintenance
        rule = "FREQ=WEEKLY"
        times = occurrences(rule, BEGIN, BEGIN + 3600, ZoneInfo("UTC"))
        weekly = Planned(Scope(), BEGIN, BEGIN + 3600, "ann", "bench", rule=rule, zone="UTC")
        for name, planned, found in (
            ("an hour a week", weekly, [each for each in times if each[1] <= end]),
            ("all of it", Planned(Scope(), BEGIN, end, "ann", "bench"), None),
        ):
            begun = self.cpu()
            number = store.add(planned, now, found).id
            yield f"excluding {name} afterwards", self.cpu() - begun
            begun = self.cpu()
            store.revoke(number, "ann", "bench", now)
            yield f"revoking {name}", self.cpu() - begun

    def cpu(self) -> float:
        """CPU seconds so far, here and in the server of the ledger."""
        return time.process_time() + self.home.server_cpu()

    def seconds(self, action: Callable[[], object]) -> float:
        """The median CPU time of an action; the clock on the wall would show what else the machine does."""
        taken = []
        for _ in range(REPEATS):
            begun = self.cpu()
            action()
            taken.append(self.cpu() - begun)
        return statistics.median(taken)


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("--slas", type=int, default=36)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--slot-seconds", type=int, default=300)
    parser.add_argument("--no-mails", action="store_true")
    asked_for(parser)
    options = parser.parse_args(argv)
    table = Table("What", "Measured", "Budget")
    with tempfile.TemporaryDirectory() as directory, ledger(options.database, Path(directory)) as home:
        year = Year(home, options.slas, options.slot_seconds, mails=not options.no_mails)
        begun, here = year.cpu(), time.process_time()
        year.fill(options.days)
        filled = year.cpu() - begun - year.mailing
        own = time.process_time() - here - year.mailing_here
        slots = options.days * DAY // options.slot_seconds
        table.add_row("CPU of storing one slot", f"{filled / slots * 1000:.2f} ms", "")
        if options.database != SQLITE:
            table.add_row("of that the worker's", f"{own / slots * 1000:.2f} ms", "")
        for name, hours, budget in (("24 hours", 24, ""), ("30 days", 720, ""), ("a year", 8760, "10 ms")):
            taken = year.seconds(lambda hours=hours: year.database.get_current_sla_status(hours))  # type: ignore[misc]
            table.add_row(f"CPU of the status of all SLAs over {name}", f"{taken * 1000:.1f} ms", budget)
        rows = year.database.counts()["measurements"]
        table.add_row("slots kept", f"{rows:,}", "")
        table.add_row(
            "size of the ledger", f"{home.megabytes():.1f} MB", "30 MB" if options.slas == 36 else ""
        )
        for kind, number, size in year.kept():
            table.add_row(f"… {kind} mails as they were sent, {number:,}", f"{size:.2f} MB", "")
        for name, taken in year.excluded(options.days):
            table.add_row(f"CPU of {name}", f"{taken:.2f} s", "")
        table.add_row("size of the ledger after that", f"{home.megabytes():.1f} MB", "")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        table.add_row("peak memory of this program", f"{math.ceil(peak)} MB", "")
        year.database.close()
    what = f"{options.slas} SLAs, {options.days} days, slots of {options.slot_seconds} s"
    Console().print(f"{what}, in {options.database}", highlight=False)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
