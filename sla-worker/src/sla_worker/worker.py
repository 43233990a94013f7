"""Puts the parts together: the calculator's loop, mails, health, and the pages of the web side."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from sla_worker import render, scheduler
from sla_worker.calculator import Calculator
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.errors import SLAWorkerError
from sla_worker.exporter import Exporter
from sla_worker.mail import Mailer
from sla_worker.model import Definition, Measurement, PassResult, WebhookAlert
from sla_worker.prometheus import HTTPTransport, PrometheusClient, Transport
from sla_worker.reporter import Reporter, Sender
from sla_worker.reports import period_report
from sla_worker.settings import Settings
from sla_worker.watchdog import Watchdog

_log = logging.getLogger(__name__)
_TICK_SECONDS = 1.0  # how often owed mails and due slots are looked for
_RETRY_SECONDS = 15.0  # after a pass that failed
_STOP_SECONDS = 3.0  # what a turn of the loop may still take after a signal


def make_calculator(
    settings: Settings,
    definitions: tuple[Definition, ...],
    database: SLADatabase,
    *,
    clock: Callable[[], float] = time.time,
    transport: Transport | None = None,
) -> Calculator:
    """A calculator that asks the Prometheus of the settings and stores into the database."""
    return Calculator(
        definitions,
        PrometheusClient(transport or HTTPTransport(settings.prometheus)),
        database,
        settings.grid,
        catch_up_seconds=settings.catch_up_seconds,
        clock=clock,
    )


class Worker:
    """The running service. `step` is one turn of its loop; `run` repeats it until `stop`.

    `clock` gives epoch seconds, `monotonic` measures durations.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        transport: Transport | None = None,
        sender: Sender | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._grid = settings.grid
        definitions = read_definitions(settings.definitions_path)
        self._database = SLADatabase(settings.database_path, grid=settings.grid, clock=clock)
        self._database.sync_definitions(definitions)
        self._exporter = Exporter(definitions, settings.grid)
        self._calculator = make_calculator(
            settings, definitions, self._database, clock=clock, transport=transport
        )
        self._reporter = Reporter(
            self._database,
            sender or Mailer(settings.smtp),
            settings,
            clock=clock,
            observe=self._exporter.notified,
        )
        self._watchdog = Watchdog(
            self._database.silences, settings.watchdog_seconds, clock=clock, monotonic=monotonic
        )
        self._stopping = threading.Event()
        self._started = monotonic()
        self._passed: float | None = None  # by the monotonic clock
        self._passed_at: float | None = None
        self._passed_slot: int | None = None
        self._retry_at = 0.0
        self._summarised: int | None = None
        self._last_error: str | None = None
        self._show()
        self._show_delivery()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def stop(self) -> None:
        """Let `run` return soon."""
        self._stopping.set()

    def wait_for_stop(self) -> None:
        """Return when `stop` was called."""
        self._stopping.wait()

    def run(self) -> None:
        """Repeat `step` until `stop`. An error is logged in one line and the loop goes on."""
        while not self._stopping.is_set():
            try:
                self.step()
            except SLAWorkerError as error:
                _log.error("step failed error=%s", error)
            except Exception:  # noqa: BLE001 - the loop must outlive what nobody thought of
                _log.exception("step failed unexpectedly")
            self._stopping.wait(_TICK_SECONDS)

    def step(self) -> None:
        """See whether alerts arrive, run a pass if a slot is due, then summaries, then all owed mails."""
        self._watchdog.check()
        if self._due():
            self._pass()
        now, zone = self._clock(), self._settings.timezone
        self._summarised = scheduler.summarise_yesterday(
            self._database, now=now, zone=zone, done=self._summarised
        )
        scheduler.owe_daily(self._database, now=now, zone=zone, hour=self._settings.report_hour)
        self._reporter.deliver()
        self._show_delivery()

    def _due(self) -> bool:
        newest = self._grid.newest_slot(self._clock())
        return newest != self._passed_slot and self._monotonic() >= self._retry_at

    def _pass(self) -> None:
        slot = self._grid.newest_slot(self._clock())
        begun = self._monotonic()
        try:
            result = self._calculator.run_pass()
        except SLAWorkerError as error:
            duration = self._monotonic() - begun
            self._exporter.passed(success=False, duration_seconds=duration, now=self._clock())
            self._retry_at = self._monotonic() + min(_RETRY_SECONDS, self._grid.slot_seconds / 4)
            self._last_error = str(error)
            _log.error("pass failed slot=%d error=%s", slot, error)
        else:
            duration = self._monotonic() - begun
            self._passed, self._passed_at = self._monotonic(), self._clock()
            self._passed_slot, self._last_error = slot, None
            self._exporter.passed(success=True, duration_seconds=duration, now=self._passed_at)
            _log.info(
                "pass done slot=%d rows=%d late=%d queries=%d seconds=%.4f",
                slot,
                len(result.measurements),
                result.late,
                result.queries,
                duration,
            )
        self._show()

    def _show(self) -> None:
        day = self._database.get_current_sla_status(24)
        month = self._database.get_current_sla_status(30 * 24)
        self._exporter.show(day, month, self._database.get_active_breaches())
        self._exporter.slots_missing(self.missing_count())

    def _show_delivery(self) -> None:
        """The metrics of what arrives here and of what has to leave."""
        self._exporter.watchdog(self._watchdog.last_received, silent=self._watchdog.silence is not None)
        self._exporter.owed(self._database.outbox.owed())

    def missing_count(self) -> int:
        """How many slots are due and not in the ledger, over all SLAs."""
        return sum(len(slots) for slots in self._calculator.missing().values())

    # --- what the web side shows

    def health(self) -> str | None:
        """None when well, else the reason in one line."""
        try:
            self._database.check_writable()
        except SLAWorkerError as error:
            return str(error)
        limit = self._grid.stale_seconds + self._grid.settle_seconds
        age = self._monotonic() - (self._started if self._passed is None else self._passed)
        if age <= limit:  # also the grace after the start
            return None
        why = f"; {self._last_error}" if self._last_error else ""
        return f"the last pass that succeeded is {age:.0f} s ago, more than {limit} s{why}"

    def metrics(self) -> bytes:
        """The metrics as text."""
        return self._exporter.text()

    def status_page(self) -> str:
        """The status page as HTML."""
        now = self._clock()
        report = period_report(self._database, title="SLA status", hours=24, now=int(now))
        if self._passed_at is None:
            last = "no pass yet" + (f": {self._last_error}" if self._last_error else "")
        else:
            last = f"last pass {render.length(max(int(now - self._passed_at), 0))} ago"
        links = {**self._reporter.links(), "Runbooks": "/runbooks/", "Metrics": "/metrics"}
        del links["Status page"]
        return render.status_page(
            report,
            zone=self._settings.timezone,
            last_pass=last,
            well=self.health() is None,
            links=links,
            silence=self._watchdog.silence,
            last_watchdog=self._watchdog.last_received,
        )

    def runbook_page(self, name: str, markdown: str) -> str:
        """A runbook as HTML."""
        return render.runbook_page(name, markdown)

    def runbook_index(self, names: list[str]) -> str:
        """The list of runbooks as HTML."""
        return render.runbook_index(names)

    def receive(self, alerts: list[WebhookAlert]) -> None:
        """Store alerts and count them; a Watchdog among them proves that alerting works."""
        self._watchdog.receive(alerts)
        self._database.alerts.add(alerts)
        for each in alerts:
            self._exporter.alert_received(each.status)

    def newest_alerts(self, limit: int) -> list[WebhookAlert]:
        """The newest alerts, newest first."""
        return self._database.alerts.newest(limit)

    def newest_measurements(self, key: str, limit: int) -> list[Measurement]:
        """The newest rows of an SLA, newest first."""
        return self._database.newest_measurements(key, limit)

    def now(self) -> float:
        """Epoch seconds."""
        return self._clock()


def serve(settings: Settings) -> None:
    """Run the service until SIGTERM or SIGINT. Raises SLAWorkerError when it cannot start."""
    import waitress  # noqa: PLC0415 - only the service serves

    from sla_worker.web import Application  # noqa: PLC0415 - likewise

    worker = Worker(settings)
    try:
        try:
            server = waitress.create_server(
                Application(worker, settings.runbooks_dir),
                host=settings.bind,
                port=settings.port,
                threads=4,
                ident=None,
                max_request_body_size=1024 * 1024,
                clear_untrusted_proxy_headers=True,
            )
        except OSError as error:
            raise SLAWorkerError(
                f"SLA_WORKER_PORT={settings.port}: cannot listen on {settings.bind} ({error});"
                " set another port"
            ) from error
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        threading.Thread(target=server.run, name="web", daemon=True).start()
        _log.info(
            "started bind=%s port=%d slot_seconds=%d", settings.bind, settings.port, settings.slot_seconds
        )
        _run_until_stopped(worker)
        server.close()
    finally:
        worker.close()
    _log.info("stopped")


def _run_until_stopped(worker: Worker) -> None:
    """Run the loop in a thread, so that a signal ends the process in time even while a server hangs.

    Leaving in the middle of a turn is safe: rows and mails are transactions, and the next start catches up.
    """
    loop = threading.Thread(target=worker.run, name="loop", daemon=True)
    loop.start()
    worker.wait_for_stop()
    loop.join(_STOP_SECONDS)
    if loop.is_alive():
        _log.warning("stopped in the middle of a turn")
        logging.shutdown()
        os._exit(0)


def calculate_once(settings: Settings) -> PassResult:
    """One pass, as `sla_calculator` makes it. Raises SLAWorkerError."""
    definitions = read_definitions(settings.definitions_path)
    database = SLADatabase(settings.database_path, grid=settings.grid)
    try:
        database.sync_definitions(definitions)
        return make_calculator(settings, definitions, database).run_pass()
    finally:
        database.close()


def calculate_continuously(settings: Settings) -> None:
    """The service's loop without its web side, until SIGTERM or SIGINT.

    Without a web side no Watchdog can arrive, so none is waited for.
    """
    worker = Worker(replace(settings, watchdog_seconds=0))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    try:
        _run_until_stopped(worker)
    finally:
        worker.close()
