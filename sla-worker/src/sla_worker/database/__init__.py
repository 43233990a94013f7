"""`SLADatabase`: the ledger of SLAs. Only its public methods open transactions."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sla_worker.database.adjustments import AdjustmentStore
from sla_worker.database.alerts import AlertStore
from sla_worker.database.breaches import BreachStore
from sla_worker.database.browsing import Browser
from sla_worker.database.causes import CauseStore
from sla_worker.database.consequences import Consequences
from sla_worker.database.correcting import CorrectingStore
from sla_worker.database.corrections import CorrectionStore
from sla_worker.database.counts import CountBooks
from sla_worker.database.definitions import DefinitionStore, StoredDefinition
from sla_worker.database.dialects import dialect_of
from sla_worker.database.engine import Engine
from sla_worker.database.exclusions import ExclusionStore
from sla_worker.database.inbox import Inbox
from sla_worker.database.lead import Lead
from sla_worker.database.maintenance import MaintenanceStore
from sla_worker.database.measurements import MeasurementStore
from sla_worker.database.month_mails import MonthMails
from sla_worker.database.months import MonthStore
from sla_worker.database.moved import refuse_moved
from sla_worker.database.outages import OutageStore
from sla_worker.database.outbox import Outbox
from sla_worker.database.partitions import partitions_of
from sla_worker.database.periods import DAY_SECONDS, midnight, next_midnight
from sla_worker.database.reading import RowReader
from sla_worker.database.rollups import RollupStore
from sla_worker.database.sent import SentStore
from sla_worker.database.status import StatusReader
from sla_worker.database.teams import TeamStore
from sla_worker.database.trace import Trace, Tracer
from sla_worker.database.trimming import KEEP, Keep, Trimmer
from sla_worker.database.trust import Trust
from sla_worker.database.versions import StoredVersion
from sla_worker.errors import DatabaseError
from sla_worker.evaluation import allowance_used, meets, status_of
from sla_worker.grid import Grid
from sla_worker.model import (
    SEVERITIES,
    UNDIVIDED,
    Breach,
    Comparison,
    Definition,
    FutureRows,
    Measurement,
    Reason,
    SLAStatus,
    State,
    Stored,
    Team,
)
from sla_worker.uncollected import without_collection

if TYPE_CHECKING:
    from sla_worker.database.credits import CreditStore

__all__ = ["DAY_SECONDS", "KEEP", "Keep", "SLADatabase"]
_UTC = ZoneInfo("UTC")
_DEFAULT_GRID = Grid(slot_seconds=300, scrape_seconds=15)


class SLADatabase:
    """The database of one worker.

    `path` may be text or Path, and is made with its directory; or a postgresql:// URL. The slots of `grid`
    are fixed when the database is made (None: slots as it has them, 300 s at first); who only reads takes
    them as they are.
    `zone` is that of the days, `keep` says for how long slots, hours and days are kept.
    `read_only` takes no lock, so it works beside the running service. Raises DatabaseLockedError when
    another process writes to it, DatabaseError when it cannot be used.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        grid: Grid | None = None,
        read_only: bool = False,
        zone: ZoneInfo = _UTC,
        keep: Keep = KEEP,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._engine = Engine(dialect_of(path, read_only=read_only), clock=clock)
        try:
            self.grid = self._fixed_grid(grid)
        except BaseException:
            self._engine.close()
            raise
        self.outbox = Outbox(self._engine, clock)
        self.alerts = AlertStore(self._engine)
        self.teams = TeamStore(self._engine)
        self.inbox = Inbox(self._engine, self.alerts)
        self.lead = Lead(self._engine)
        self.outages = OutageStore(self._engine, self.outbox)
        self._trust = Trust(self._engine, self.outbox, clock, self.grid)
        self._definitions = DefinitionStore(self._engine, clock, self.slot_seconds)
        versions = self._definitions.versions
        self._breaches = BreachStore(self._engine, self.outbox, self._trust, versions, self.slot_seconds)
        self.threads = self._breaches.threads
        self.causes = CauseStore(self._engine)
        self._breaches.on_begun(self.causes.look_again)
        self._rollups = RollupStore(self._engine, self._trust, versions, zone)
        partitions = partitions_of(self._engine, zone, keep.slot_days)
        self._trimmer = Trimmer(self._engine, self._rollups, zone, keep, partitions)
        self.sent = SentStore(self._engine, keep.report_days)
        corrections = CorrectionStore(self._engine, self._definitions)
        self._exclusions = ExclusionStore(self._engine, self._definitions, corrections)
        adjustments = AdjustmentStore(
            self._engine,
            definitions=self._definitions,
            exclusions=self._exclusions,
            rollups=self._rollups,
            grid=self.grid,
        )
        self.months = MonthStore(self._engine)
        self.months.on_frozen(MonthMails(self._engine, self.outbox).frozen)
        self._measurements = MeasurementStore(
            self._engine,
            self._definitions,
            breaches=self._breaches,
            rollups=self._rollups,
            adjustments=adjustments,
            trust=self._trust,
            months=self.months,
            partitions=partitions,
            grid=self.grid,
        )
        self.rows = RowReader(self._engine, self._definitions, self._trust)
        consequences = Consequences(
            self._engine,
            definitions=self._definitions,
            exclusions=self._exclusions,
            adjustments=adjustments,
            measurements=self._measurements,
            rollups=self._rollups,
            months=self.months,
            grid=self.grid,
        )
        self.maintenance = MaintenanceStore(
            self._engine,
            definitions=self._definitions,
            exclusions=self._exclusions,
            adjustments=adjustments,
            consequences=consequences,
            rollups=self._rollups,
            grid=self.grid,
        )
        self.corrections = CorrectingStore(
            self._engine,
            definitions=self._definitions,
            corrections=corrections,
            exclusions=self._exclusions,
            adjustments=adjustments,
            consequences=consequences,
            measurements=self._measurements,
            rollups=self._rollups,
            grid=self.grid,
        )
        self._status = StatusReader(
            self._engine,
            self._definitions,
            self._trust,
            rollups=self._rollups,
            exclusions=self._exclusions,
            slot_seconds=self.slot_seconds,
        )
        self.books = CountBooks(
            self._engine,
            self._definitions,
            rollups=self._rollups,
            exclusions=self._exclusions,
            status=self._status,
            slot_seconds=self.slot_seconds,
        )
        self.browser = Browser(
            self._engine,
            self._definitions,
            rows=self.rows,
            breaches=self._breaches,
            trust=self._trust,
        )
        self._tracer = Tracer(self._engine, self._definitions, self._rollups, self._status, self._exclusions)
        self._from_file: tuple[Definition, ...] = ()
        self._teams: tuple[Team, ...] = ()
        if self._engine.writable:
            self._rollups.follow_zone()

    @property
    def place(self) -> str:
        """The path, or the URL without its password, for people to read."""
        return self._engine.place

    @property
    def new(self) -> bool:
        """Whether the tables were made just now: there was no ledger, or an empty file."""
        return self._engine.new

    @property
    def slot_seconds(self) -> int:
        """The length of a slot of this database."""
        return self.grid.slot_seconds

    @cached_property
    def credits(self) -> CreditStore:
        """What customers are owed for frozen months, and what was decided."""
        from sla_worker.database.credits import CreditStore  # noqa: PLC0415 - months and people need it, no pass

        return CreditStore(self._engine, self._definitions, self.months)

    def _fixed_grid(self, wanted: Grid | None) -> Grid:
        """Slots of two lengths in one ledger would not add up, so the first one stays."""
        rows = self._engine.rows("SELECT slot_seconds, moved_to, moved_at FROM ledger")
        if rows:
            if self._engine.writable:
                refuse_moved(rows[0], self._engine.place)
            has = int(rows[0]["slot_seconds"])
            if wanted is not None and self._engine.writable:
                self._require(has, wanted)
            return Grid(has, (wanted or _DEFAULT_GRID).scrape_seconds)
        grid = wanted or _DEFAULT_GRID
        if self._engine.writable:
            with self._engine.transaction():
                self._engine.execute(
                    "INSERT INTO ledger (id, slot_seconds) VALUES (1, ?)", (grid.slot_seconds,)
                )
        return grid

    def _require(self, has: int, wanted: Grid) -> None:
        if wanted.slot_seconds != has:
            raise DatabaseError(
                f"{self._engine.place}: its slots are {has} s long, not {wanted.slot_seconds} s;"
                f" set SLA_INTERVAL_SECONDS={has} again, or move this file away for a new ledger"
            )

    def require_slots(self, wanted: Grid) -> None:
        """Raise DatabaseError unless a worker with these slots can use the database."""
        self._require(self.slot_seconds, wanted)

    def close(self) -> None:
        """Close the database and give its lock back."""
        self._engine.close()

    # --- the file

    def look(self) -> str | None:
        """See whether the file is still the one that was opened, and get it back if it is not.

        Call it once a turn of the loop; it makes no statement while nothing is wrong. A file that was removed
        is written again with all its rows; one that was replaced is opened, and the former rows are kept
        beside it. Returns one line that says so, to be logged as an error. Raises DatabaseError when that
        fails; until it succeeds every other call raises DatabaseError.
        """
        return self._engine.look(self._prepare)

    def _prepare(self) -> None:
        """Make a database that took the place of the former one fit for this worker."""
        if not self._engine.writable:
            return
        self._fixed_grid(self.grid)
        self.sync_definitions(self._from_file, self._teams)
        self._rollups.follow_zone()

    def changes(self, tables: Sequence[str] | None = None) -> object:
        """What differs once one of these tables (None: any) may say something else. Makes no statement."""
        return self._engine.changes(tables)

    def trouble(self) -> str | None:
        """Why the database cannot be used, in one line; None when it can. Makes no statement."""
        return self._engine.trouble()

    # --- definitions

    def add_sla_definition(  # noqa: PLR0917 - users call it with positions
        self,
        name: str,
        category: str,
        metric_name: str,
        target_value: float,
        unit: str,
        severity: str,
        *,
        comparison: str | None = None,
        description: str = "",
    ) -> int:
        """Add or change an SLA by its name and return its id.

        Without `comparison`, seconds and small shares (an error rate) must be low, all else high.
        Raises DatabaseError for an unknown severity or comparison.
        """
        if severity not in SEVERITIES:
            raise DatabaseError(f"severity {severity!r}: give one of {', '.join(SEVERITIES)}")
        low = unit in {"seconds", "s", "ms"} or (unit == "ratio" and target_value < 0.5)  # noqa: PLR2004
        side = comparison or (Comparison.AT_MOST if low else Comparison.AT_LEAST)
        if side not in tuple(Comparison):
            raise DatabaseError(f"comparison {side!r}: give >= or <=")
        return self._definitions.add(
            StoredDefinition(
                id=0,
                created_at=0,
                key=re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"),
                name=name,
                category=category,
                description=description,
                metric_name=metric_name,
                component=UNDIVIDED,
                comparison=Comparison(side),
                target_value=target_value,
                unit=unit,
                severity=severity,
                percentile=None,
                from_file=False,
                enabled=True,
            )
        )

    def sync_definitions(
        self, definitions: Iterable[Definition], teams: Iterable[Team] = (), *, begin: int | None = None
    ) -> None:
        """Make the table agree with the file: add, change, and disable what the file no longer has.

        An SLA is its key. Names may be changed, swapped and used again; the history stays with the key. An
        empty ledger begins at `begin` (None: now), as far as its slots are still read.
        """
        definitions, teams = tuple(definitions), tuple(teams)
        with self._engine.transaction():
            self._definitions.sync(definitions, begin)
            self.teams.sync(teams)
            self._exclusions.follow_definitions(int(self._clock()))
        self._from_file, self._teams = definitions, teams

    def versions(self) -> dict[str, Sequence[StoredVersion]]:
        """What each SLA was judged by from when on, by its key, oldest first; removed SLAs too."""
        versions = self._definitions.versions.all()
        return {key: versions[each.id] for key, each in self._definitions.all().items()}

    def version_at(self, key: str, slot: int) -> StoredVersion:
        """The version that judges the slot that ends at `slot`. Raises DatabaseError for an unknown key."""
        return self._definitions.versions.at(self._definitions.get(key).id, slot)

    def version_content(self, key: str, number: int) -> str | None:
        """All that a version judges by; None where that is not known. Raises DatabaseError."""
        return self._definitions.versions.content(self._definitions.get(key).id, number)

    # --- measurements

    def missing_slots(self, newest: int, oldest: int) -> dict[str, list[int]]:
        """The slots from oldest to newest that each SLA of the file lacks, ascending, by its key.

        `newest` is the newest slot that is due. Rows after it were stored by a clock that ran ahead: they
        count nowhere, see `future_rows`, and are among the missing once they are due.
        """
        return self._measurements.missing_slots(newest, oldest)

    def future_rows(self) -> FutureRows | None:
        """The rows that lie in the future as of the last `missing_slots`; None: there are none."""
        return self._trust.future_rows()

    def provisional_slots(self, newest: int, since: int) -> dict[str, list[int]]:
        """The slots after `since` up to `newest` with a row that is not final, ascending, by the SLA's key.

        An SLA without any is left out. Makes no statement but for the first time.
        """
        return self._measurements.provisional_slots(newest, since)

    @without_collection()
    def store(self, measurements: Iterable[Measurement], *, reason: Reason = Reason.FIRST) -> Stored:
        """All rows, their breaches and the mails owed for them, in one transaction.

        Slots come in any order; all components of a slot of an SLA come together. A row that is there already
        is replaced if the new one knows as much, and its former values go to sla_measurement_audit; breaches
        of the slots since then are derived again. Those that are new, over and late are told in one mail.
        """
        return self._measurements.store(measurements, int(self._clock()), reason=reason)

    def record_measurement(
        self, sla_id: int, actual_value: float, target_value: float, *, at: float | None = None
    ) -> Measurement:
        """Store one value for the slot that `at` (default: now) lies in, counted as one event.

        Raises DatabaseError for an unknown id, and for what is not a finite number.
        """
        for value in (actual_value, target_value):
            if not math.isfinite(value):
                raise DatabaseError(f"{value!r} cannot be measured; give a finite number")
        found = [each for each in self._definitions.all().values() if each.id == sla_id]
        if not found:
            raise DatabaseError(f"there is no SLA with the id {sla_id}; add_sla_definition returns it")
        [definition] = found
        met = meets(definition.comparison, target_value, actual_value)
        now = self._clock() if at is None else at
        used = allowance_used(definition.comparison, target_value, actual_value, definition.unit)
        measurement = Measurement(
            key=definition.key,
            component=definition.component,
            slot=self.grid.slot_of(now),
            good=float(met),
            total=1.0,
            coverage=1.0,
            actual=actual_value,
            target=target_value,
            state=State.MET if met else State.BREACHED,
            status=status_of(used),
        )
        self._measurements.store([measurement], int(self._clock()), measured=False)
        return measurement

    # --- reading

    def counts(self) -> dict[str, int]:
        """How many definitions, measurements and active breaches there are."""
        row = self._engine.row(
            "SELECT (SELECT COUNT(*) FROM sla_definitions WHERE enabled = 1) AS definitions,"
            " (SELECT COUNT(*) FROM sla_measurements) AS measurements"
        )
        return {
            "definitions": row["definitions"],
            "measurements": row["measurements"],
            "active breaches": len(self.get_active_breaches()),
        }

    def newest_slot(self) -> int | None:
        """The newest slot of any enabled SLA that does not lie in the future; None in an empty ledger."""
        return self._measurements.newest_slot(self._clock())

    def period_end(self, now: float) -> int:
        """Where a period that ends at `now` ends in this ledger; see `Grid.period_end`."""
        return self.grid.period_end(self._measurements.newest_slot(now), now)

    def oldest_slot(self, key: str | None = None) -> int | None:
        """The oldest slot of an SLA, or of any enabled one; None for one without rows."""
        slots = self.oldest_slots()
        return min(slots.values(), default=None) if key is None else slots.get(key)

    def oldest_slots(self) -> dict[str, int]:
        """The oldest slot of each enabled SLA that has rows, by its key."""
        return self._measurements.oldest_slots()

    def slots_after(self) -> int:
        """Of the slots up to this one only sums are kept, and no row can be stored; 0: none was deleted."""
        return self._rollups.marks().slots_after or 0

    def newest_measurements(self, key: str, limit: int) -> list[Measurement]:
        """The newest rows of an SLA's key, newest first, at most `limit`; empty for an unknown key."""
        return self.rows.newest(key, limit)

    def get_current_sla_status(
        self, hours: float = 24, *, end: int | None = None, exclusions: bool = True
    ) -> list[SLAStatus]:
        """Every enabled SLA over the last `hours`, in the order of their definition.

        The period ends at `end`, else where `period_end` says. Without `exclusions` as it was measured.
        """
        if end is None:
            end = self.period_end(self._clock())
        return self.status_between(end - round(hours * 3600), end, exclusions=exclusions)

    def status_between(self, start: int, end: int, *, exclusions: bool = True) -> list[SLAStatus]:
        """As `get_current_sla_status`, over the slots in (start, end]."""
        return self._status.over(start, end, adjusted=exclusions)

    def sums_between(
        self, spans: Sequence[tuple[int, int]]
    ) -> list[dict[tuple[str, str], tuple[float, float]]]:
        """Good and total events in each of the spans (start, end], by the SLA's key and its component."""
        keys = {each.id: key for key, each in self._definitions.all().items()}
        names = {number: name for name, number in self._definitions.components().items()}
        return [
            {(keys[pair[0]], names[pair[1]]): (each.good, each.total) for pair, each in found.items()}
            for found in self._status.sums(spans)
        ]

    def sums_of_breaches(
        self, breaches: Sequence[tuple[Breach, tuple[int, int]]]
    ) -> list[tuple[float, float] | None]:
        """Good and total events of each breach's SLA and component in a span; None without a slot in it."""
        stored, places = self._definitions.all(), self._definitions.components()
        numbers = {key: each.id for key, each in stored.items()}
        wanted = [  # 0 is nobody's number: of an SLA that is gone with all that it had
            ((numbers.get(each.key, 0), places.get(each.component, 0)), span) for each, span in breaches
        ]
        return [
            None if each is None else (each.good, each.total) for each in self._status.sums_of_series(wanted)
        ]

    def status_since(self, starts: Sequence[int], end: int) -> list[list[SLAStatus]]:
        """Every enabled SLA over each period from one of the starts to `end`, by two statements in all."""
        return self._status.since(starts, end)

    def status_of_period(self, start: int, end: int, *, exclusions: bool = True) -> list[SLAStatus]:
        """Every SLA that was promised in (start, end], removed since or not, over those slots."""
        return self._status.over(start, end, adjusted=exclusions, of_then=True)

    def trusted_until(self) -> int:
        """Rows of slots after this one may be of a clock that ran ahead, and do not count."""
        return self._trust.bound()

    def begun_at(self) -> int | None:
        """The beginning of the first slot that any SLA has; None in an empty ledger."""
        first = self._engine.row("SELECT MIN(first_slot) AS slot FROM sla_series")["slot"]
        return None if first is None else int(first) - self.slot_seconds

    def definitions(self) -> dict[str, StoredDefinition]:
        """Every SLA by its key, those that were removed too."""
        return self._definitions.all()

    def trace(self, key: str, start: int, end: int) -> Trace:
        """What stands behind the figures of one SLA over the slots in (start, end]. Raises DatabaseError."""
        return self._tracer.trace(key, start, end)

    @property
    def tracer(self) -> Tracer:
        """What stands behind figures, slot by slot."""
        return self._tracer

    def counted(self, key: str, first: int, last: int) -> dict[tuple[str, int], dict[str, Any]]:
        """What counts instead of the slots of an SLA, by component and slot. Raises DatabaseError."""
        return self._tracer.counted(key, first, last)

    def is_composite(self, key: str) -> bool:
        """Whether an SLA is made of others."""
        found = self._definitions.all().get(key)
        return found is not None and bool(found.members)

    def get_active_breaches(self) -> list[Breach]:
        """The breaches that last, oldest first."""
        return self._breaches.active()

    def breaches_told_in(self, notification_id: int) -> list[Breach]:
        """The breaches of the past that one mail reports, oldest first; empty when none is left."""
        return self._breaches.told_in(notification_id)

    def get_breach(self, breach_id: int) -> Breach | None:
        """One breach; None if there is none with that id."""
        return self._breaches.get(breach_id)

    def breaches_between(self, start: int, end: int) -> list[Breach]:
        """The breaches that touch [start, end), oldest first."""
        return self._breaches.between(start, end)

    def generate_daily_summary(self, day_start: int | None = None) -> list[dict[str, Any]]:
        """The sums of the day from `day_start` on (default: the last one that is over), as they are stored.

        They are made with the rows, and again when rows change. `average` is the mean of the slots' values
        for charts; compliance is `good` ÷ `total`. Empty for a day without rows, or one that is not over.
        """
        now = self._clock()
        if day_start is None:
            day_start = midnight(midnight(now, self._rollups.zone) - 1, self._rollups.zone)
        if self._engine.writable:
            self.sum_up(min(next_midnight(day_start, self._rollups.zone), int(now)))
        return self._rollups.summary(day_start)

    def sum_up(self, until: int) -> None:
        """Sum up the hours and days that are over at `until`, also when no slot after them was stored."""
        with self._engine.transaction():
            self._rollups.stored(until, (), step=self.slot_seconds)

    def trim(self) -> bool:
        """Delete what is older than it is kept, some days of it; returns whether there is more.

        Call it once a turn of the loop; it makes no statement while nothing is due.
        """
        self.sent.trim(self._clock())
        return self._trimmer.trim(self._clock())
