"""The service: builds its parts, and does for commands what needs them while no service runs."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sla_worker import burning, windows
from sla_worker.again import Again, Choice, Wish, readable
from sla_worker.alertmanager import Alertmanager
from sla_worker.calculator import Calculator, Told
from sla_worker.causes import CauseFinder, firing
from sla_worker.database import Keep, SLADatabase
from sla_worker.delivery.kinds import KINDS
from sla_worker.delivery.sending import Deliveries, Sender
from sla_worker.delivery.smtp import Mailer
from sla_worker.errors import DatabaseError, DatabaseLockedError
from sla_worker.exporter import Exporter
from sla_worker.gathering import Gathered, gather, read
from sla_worker.health import Completeness, Health
from sla_worker.in_force import InForce
from sla_worker.links import addresses
from sla_worker.maintaining import Asked, Done, Maintainer
from sla_worker.model import Correction, Definition, FutureRows, Measurement, PassResult, Reason
from sla_worker.months import Months
from sla_worker.portions import Limits
from sla_worker.prometheus import HTTPTransport, PrometheusClient, Transport
from sla_worker.receiving import Receiver
from sla_worker.render.format import moment
from sla_worker.schedule import Schedule
from sla_worker.settings import Settings
from sla_worker.watchdog import Watchdog
from sla_worker.web.guard import Guard
from sla_worker.web.listening import applications
from sla_worker.web.pages import Pages
from sla_worker.worker import Worker

_log = logging.getLogger(__name__)
_ALL_HOURS = 20 * 365 * 24  # more than any ledger holds
_PIECE_SECONDS = 10.0  # so long a pass catches up before the newest slot has its turn again …
_PIECES_A_SLOT = 4  # … and at most that part of a slot


def open_database(
    settings: Settings, *, read_only: bool = False, clock: Callable[[], float] = time.time
) -> SLADatabase:
    """The ledger that the settings name."""
    return SLADatabase(
        settings.database,
        grid=settings.grid,
        read_only=read_only,
        zone=settings.timezone,
        keep=Keep(
            slot_days=settings.keep_slot_days,
            hour_days=settings.keep_hour_days,
            day_days=settings.keep_day_days,
            report_days=settings.keep_report_days,
        ),
        clock=clock,
    )


def make_calculator(
    settings: Settings,
    definitions: tuple[Definition, ...],
    database: SLADatabase,
    *,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    transport: Transport | None = None,
    piece_seconds: float = math.inf,
    stored: Told = lambda _rows, _reason: None,
) -> Calculator:
    """A calculator that asks the Prometheus of the settings and stores into the database."""
    return Calculator(
        definitions,
        PrometheusClient(
            transport or HTTPTransport(settings.prometheus), settings.prometheus.query_max_bytes
        ),
        database,
        settings.grid,
        catch_up_seconds=settings.catch_up_seconds,
        reread_seconds=settings.reread_seconds,
        piece_seconds=piece_seconds,
        clock=clock,
        monotonic=monotonic,
        stored=stored,
        in_force=InForce(definitions, database),
        limits=Limits(settings.prometheus.query_max_series, settings.prometheus.query_max_samples),
    )


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of a running worker. `stopping` ends both loops, `deposed`: because another one leads."""

    settings: Settings
    database: SLADatabase
    worker: Worker
    deliveries: Deliveries
    health: Health
    application: Guard
    public: Guard
    stopping: threading.Event
    deposed: threading.Event

    def step(self) -> None:
        """One turn of both loops, one after the other."""
        self.worker.step()
        self.deliveries.round()

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def build(
    settings: Settings,
    *,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    transport: Transport | None = None,
    sender: Sender | None = None,
    takes_alerts: bool = True,
) -> Service:
    """All parts, joined and not yet started. Raises SLAWorkerError when one cannot be built.

    `clock` gives epoch seconds, `monotonic` measures durations. Without `takes_alerts` no Watchdog can
    arrive, so none is waited for.
    """
    files = read(settings)
    database = open_database(settings, clock=clock)
    try:
        return _join(
            settings,
            gather(files, database, begin=int(clock()) - settings.begin_days * 86_400),
            database,
            clock=clock,
            monotonic=monotonic,
            transport=transport,
            sender=sender or Mailer(settings.smtp, confirm=database.lead.confirm),
            watchdog_seconds=settings.watchdog_seconds if takes_alerts else 0,
        )
    except BaseException:
        database.close()
        raise


def _join(
    settings: Settings,
    gathered: Gathered,
    database: SLADatabase,
    *,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
    transport: Transport | None,
    sender: Sender,
    watchdog_seconds: int,
) -> Service:
    transport = transport or HTTPTransport(settings.prometheus)
    grid, stopping, deposed = settings.grid, threading.Event(), threading.Event()
    # A mistake in the platform's file keeps the worker from starting: it is right.
    invalid = {settings.definitions_path.name: False, **gathered.invalid}
    exporter = Exporter(gathered.definitions, grid, KINDS, addresses(settings), invalid=invalid)
    watchdog = Watchdog(database.outages, watchdog_seconds, clock=clock, monotonic=monotonic)
    hour = settings.report_hour
    schedule = Schedule(database, zone=settings.timezone, hour=hour, settle_seconds=grid.settle_seconds)

    def stored(rows: Sequence[Measurement], reason: Reason) -> None:
        schedule.rows_stored()
        months.changed(past=reason is not Reason.FIRST or any(row.late for row in rows))
        exporter.counted(rows, again=reason is not Reason.FIRST)

    calculator = make_calculator(
        settings,
        gathered.definitions,
        database,
        clock=clock,
        monotonic=monotonic,
        transport=transport,
        piece_seconds=min(_PIECE_SECONDS, grid.slot_seconds / _PIECES_A_SLOT),
        stored=stored,
    )
    causes = CauseFinder(database, PrometheusClient(transport), clock=clock)
    deliveries = Deliveries(
        database,
        sender,
        settings,
        stopping=stopping,
        clock=clock,
        monotonic=monotonic,
        observe=exporter.notified,
    )
    maintainer = _maintainer(settings, database, clock=clock, monotonic=monotonic, transport=transport)
    health = Health(
        grid.stale_seconds + grid.settle_seconds,
        clock=clock,
        monotonic=monotonic,
        troubles=(database.trouble,),
        concerns=(
            lambda: _ahead(database.future_rows(), settings.timezone),
            calculator.concerns,
            deliveries.concerns,
            maintainer.concerns,
            lambda: list(gathered.warnings),
        ),
    )

    completeness = Completeness()
    alert_windows = burning.pairs(settings.slot_seconds, settings.time_scale)

    def show_slas() -> None:
        exporter.show(windows.read(database, settings.timezone, clock(), alert_windows))
        missing = calculator.missing()
        exporter.slots_missing(sum(len(slots) for slots in missing.values()))
        exporter.incomplete(
            completeness.seconds(
                health.last_pass_at,
                clock(),
                complete=lambda: calculator.is_complete(missing),
                oldest=lambda: calculator.oldest(missing),
            )
        )
        future = database.future_rows()  # as of the line before, so that a worker that starts knows of them
        exporter.rows_ahead(0 if future is None else future.rows)

    def show_alerting() -> None:
        exporter.watchdog(watchdog.last_received, outage=watchdog.outage is not None)

    database.threads.quiet_seconds //= settings.time_scale
    repeat_seconds = settings.breach_repeat_hours * 3600 // settings.time_scale

    def show_mails() -> None:
        exporter.owed(database.outbox.owed(complete=True))

    def passed(result: PassResult | None, error: str | None, seconds: float) -> None:
        if result is None:
            health.failed(error or "")
        else:
            health.passed(result.unread)
        # Of a catch-up that gets nowhere a report is not to wait for the end.
        schedule.caught_up_after(result.unread if result is not None and result.stored else None)
        exporter.passed(success=result is not None, duration_seconds=seconds, now=clock())
        show_slas()

    exporter.watch_database(database.trouble)
    exporter.counted_before(database.get_current_sla_status(_ALL_HOURS, exclusions=False))
    show_slas()
    show_alerting()
    show_mails()
    again = Again(calculator, _choice(settings, gathered.definitions, database), stopping)
    months = Months(
        database,
        settings.timezone,
        unread=calculator.missing,
        provisional=calculator.still_provisional,
        busy=again.busy,
    )
    receiver = Receiver(database, watchdog, exporter)
    pages = Pages(
        database,
        settings,
        watchdog=watchdog,
        health=health,
        metrics=exporter.text,
        receive=receiver.receive,
        clock=clock,
    )
    own, public = applications(
        pages,
        settings,
        again=again.ask,
        maintain=maintainer.change,
        correct=maintainer.correct,
        ledger=ledger_name(settings),
    )
    return Service(
        settings=settings,
        database=database,
        worker=Worker(
            calculator,
            grid=grid,
            passed=passed,
            before=(_looks(database, health, stopping, deposed), receiver.take_over, watchdog.check),
            after=(
                causes.turn,
                lambda: database.threads.turn(int(clock()), repeat_seconds),
                again.turn,
                lambda: maintainer.turn(_all_of(show_slas, months.changed), exporter.maintained),
                lambda: schedule.run(clock()),
                lambda: months.turn(clock()),
                database.trim,
                show_alerting,
                show_mails,
            ),
            stopping=stopping,
            clock=clock,
            monotonic=monotonic,
        ),
        deliveries=deliveries,
        health=health,
        application=own,
        public=public,
        stopping=stopping,
        deposed=deposed,
    )


def _looks(
    database: SLADatabase, health: Health, stopping: threading.Event, deposed: threading.Event
) -> Callable[[], None]:
    """A chore: see whether the database is still ours, and get it back if nobody else has led meanwhile."""

    def look() -> None:
        try:
            line = database.look()
        except DatabaseLockedError:
            if database.lead.writer is not None:
                # What is in memory here is not what the ledger has: nothing of it goes on.
                deposed.set()
                stopping.set()
            raise
        if line is not None:
            _log.error("%s", line)
            health.note(line)

    return look


def _all_of(*calls: Callable[[], None]) -> Callable[[], None]:
    def call() -> None:
        for each in calls:
            each()

    return call


def _ahead(future: FutureRows | None, zone: ZoneInfo) -> list[str]:
    """The warning that the clock ran ahead, or is behind now; empty when all rows lie in the past."""
    if future is None:
        return []
    return [
        f"the clock ran ahead, or is behind now: {future.rows} rows up to {moment(future.until, zone)} lie in"
        " the future; they count nowhere until their time has come, and are measured again then"
    ]


def check(settings: Settings) -> None:
    """Raise DatabaseError when there is a database already and it has slots of another length.

    Writes nothing. What else may be wrong with a database is seen when it is opened to be written.
    """
    if settings.database_url or not settings.database_path.is_file():
        return
    try:
        database = SLADatabase(settings.database_path, grid=settings.grid, read_only=True)
    except DatabaseError:
        return
    with contextlib.closing(database):
        database.require_slots(settings.grid)


def calculate_once(settings: Settings) -> PassResult:
    """One pass, as `sla_calculator` makes it. Raises SLAWorkerError."""
    files = read(settings)
    database = open_database(settings)
    try:
        definitions = gather(files, database).definitions
        return make_calculator(settings, definitions, database).run_pass()
    finally:
        database.close()


def measure_again(settings: Settings, wish: Wish, *, transport: Transport | None = None) -> PassResult:
    """Measure slots again, as long as no service has the ledger open. Raises SLAWorkerError."""
    files = read(settings)
    with contextlib.closing(open_database(settings)) as database:
        definitions = gather(files, database).definitions
        slots = _choice(settings, definitions, database).slots(wish)
        calculator = make_calculator(settings, definitions, database, transport=transport)
        return calculator.measure_again(readable(calculator, slots, wish.reason), wish.reason)


def maintain(settings: Settings, asked: Asked) -> Done:
    """Change an exclusion, as long as no service has the ledger open. Raises SLAWorkerError."""
    files = read(settings)
    with contextlib.closing(open_database(settings)) as database:
        gather(files, database)
        return _maintainer(settings, database).change(asked)


def correct(settings: Settings, asked: Asked) -> Correction:
    """Change a correction, as long as no service has the ledger open. Raises SLAWorkerError."""
    files = read(settings)
    with contextlib.closing(open_database(settings)) as database:
        gather(files, database)
        return _maintainer(settings, database).correct(asked)


def _maintainer(
    settings: Settings,
    database: SLADatabase,
    *,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    transport: Transport | None = None,
) -> Maintainer:
    client = PrometheusClient(transport or HTTPTransport(settings.prometheus))
    return Maintainer(
        database,
        silences=Alertmanager(settings.alertmanager_url) if settings.alertmanager_url else None,
        firing=lambda: firing(client, clock()),
        zone=settings.timezone,
        owner=settings.worker_public_url,
        clock=clock,
        monotonic=monotonic,
    )


def _choice(settings: Settings, definitions: Sequence[Definition], database: SLADatabase) -> Choice:
    return Choice(
        definitions,
        database,
        file=settings.definitions_path,
        zone=settings.timezone,
        keep_slot_days=settings.keep_slot_days,
    )


def ledger_name(settings: Settings) -> str:
    """Which ledger the settings mean, for two processes that compare: without a password."""
    if settings.database_url:
        return hashlib.sha256(settings.database_url.encode()).hexdigest()
    return str(settings.database_path.resolve())
