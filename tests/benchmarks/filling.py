"""A made-up ledger that grows day by day, as the worker stores it, with a clock that follows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from functools import partial
from zoneinfo import ZoneInfo

from benchmarks.places import Ledger
from sla_worker import due
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.delivery.sending import Deliveries
from sla_worker.delivery.smtp import Refusal
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Definition, Exclusion, Figures, Measurement, Planned, Scope
from sla_worker.occurrences import occurrences
from sla_worker.settings import read_settings
from truth.places import read
from unit.sla_worker.fake_prometheus import THREE

BEGIN = 1_735_689_600  # 2025-01-01 00:00 UTC
DAY = 86_400
UTC = ZoneInfo("UTC")
_AT_ONCE = 100_000  # rows of a transaction at most: those of a day, if they are fewer
_KEPT = """
SELECT n.type, COUNT(*), SUM(LENGTH(s.content)) FROM sla_sent_reports s
JOIN sla_notifications n ON n.id = s.notification_id GROUP BY n.type ORDER BY n.type
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds: here and in the server of the ledger, and of that here."""

    both: float
    here: float

    def __add__(self, more: Spent) -> Spent:
        return Spent(self.both + more.both, self.here + more.here)

    def __truediv__(self, times: float) -> Spent:
        return Spent(self.both / times, self.here / times)


def many(count: int) -> list[Definition]:
    """The shipped SLAs repeatedly, each under its own key."""
    shipped = [each for each in read_definitions(THREE) if not each.sli.members]
    return [
        replace(
            shipped[number % len(shipped)], key=f"sla-{number}", name=f"SLA {number}", component="all", by=()
        )
        for number in range(count)
    ]


class _Anybody:
    """A mail server that takes every mail."""

    def send(self, _made: EmailMessage, _recipients: Sequence[str]) -> Mapping[str, Refusal]:
        """Refuses nobody."""
        return {}


class Year:
    """A ledger that is filled day by day. `newest` is the last slot that it has."""

    def __init__(self, home: Ledger, slas: int, slot_seconds: int, *, mails: bool) -> None:
        self.home = home
        self.definitions = many(slas)
        self.now = float(BEGIN)
        self.step = slot_seconds
        self.newest = BEGIN
        self.database = SLADatabase(home.place, grid=Grid(slot_seconds, 15), clock=lambda: self.now)
        self.database.sync_definitions(self.definitions)
        self._deliveries = Deliveries(
            self.database,
            _Anybody(),
            read_settings({}),
            stopping=threading.Event(),
            clock=lambda: self.now,
            monotonic=lambda: 0.0,
        )
        self._mails = mails

    def cost(self, action: Callable[[], object]) -> Spent:
        """What an action costs; the clock on the wall would show what else the machine does.

        To look for the server's processes takes milliseconds here, which are not the action's.
        """
        server, here = self.home.server_cpu(), time.process_time()
        action()
        here = time.process_time() - here
        return Spent(here + self.home.server_cpu() - server, here)

    def store(self) -> Spent:
        """Store one slot in a transaction of its own, as a pass does; returns what it cost."""
        rows = list(self._rows(self.newest + self.step))
        self.newest += self.step
        self.now = self.newest + 45.0
        return self.cost(lambda: self.database.store(rows))

    def fill(self, until: int, *, trim: bool) -> Spent:
        """Store what is missing of the days until then, a day in a transaction; returns what storing cost."""
        cost = Spent(0, 0)
        while self.newest < BEGIN + until * DAY:
            end = BEGIN + ((self.newest - BEGIN) // DAY + 1) * DAY
            self.now = end + 45.0
            slots = range(self.newest + self.step, end + 1, self.step)
            together = max(_AT_ONCE // len(self.definitions), 1)
            for first in range(0, len(slots), together):
                rows = [row for slot in slots[first : first + together] for row in self._rows(slot)]
                cost += self.cost(lambda rows=rows: self.database.store(rows))  # type: ignore[misc]
            self.newest = end
            if self._mails:
                self._mail(end)
            if trim:
                cost += self.cost(self.trim)
        return cost

    def trim(self) -> None:
        """Delete all that is older than it is kept."""
        while self.database.trim():
            pass

    def kept(self) -> Iterator[tuple[str, int, float]]:
        """Of each kind of mail how many are kept, and their megabytes."""
        [found] = read(self.home.place, [_KEPT])
        for kind, number, size in found:
            yield kind, number, float(size) / 1e6

    def excluded(self, days: int) -> Iterator[tuple[str, Spent]]:
        """What it takes to exclude time of all these days afterwards, and to revoke that."""
        end, now, store = BEGIN + days * DAY, int(self.now), self.database.maintenance
        rule = "FREQ=WEEKLY"
        times = occurrences(rule, BEGIN, BEGIN + 3600, ZoneInfo("UTC"))
        weekly = Planned(Scope(), BEGIN, BEGIN + 3600, "ann", "bench", rule=rule, zone="UTC")
        for name, planned, found in (
            ("an hour a week", weekly, [each for each in times if each[1] <= end]),
            ("all of it", Planned(Scope(), BEGIN, end, "ann", "bench"), None),
        ):
            made: list[Exclusion] = []
            added = self.cost(partial(self._add, made, planned, found))
            yield f"excluding {name} afterwards", added
            revoke = partial(store.revoke, made[0].id, "ann", "bench", now)
            yield f"revoking {name}", self.cost(revoke)

    def _add(self, made: list[Exclusion], planned: Planned, found: Sequence[tuple[int, int]] | None) -> None:
        made.append(self.database.maintenance.add(planned, int(self.now), found))

    def _rows(self, slot: int) -> Iterator[Measurement]:
        for number, definition in enumerate(self.definitions):
            total = 1000 + (slot // self.step * 7919 + number * 104_729) % 9000
            bad = 12 if (slot // self.step + number * 131) % 2000 == 0 else 0
            yield evaluate(definition, slot, Figures(total - bad, total, 1, 1.234567 + number))

    def _mail(self, end: int) -> None:
        """What is due after the day that ends at `end`, two minutes after it."""
        for kind in due.REPORTS:
            if due.period_end(kind, due.last_due(kind, end, UTC, due.MIDNIGHT)) == end:
                self.database.outbox.owe_report(kind, f"{kind}:{end}", end, end)
        self.now = end + 120.0
        self.database.threads.turn(int(self.now), 4 * 3600)
        self._deliveries.round()
