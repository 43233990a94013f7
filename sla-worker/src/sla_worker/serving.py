"""Runs the service until a signal: one worker leads, and where a ledger is shared the others stand by."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from sla_worker.errors import DatabaseError, DatabaseLockedError, SLAWorkerError
from sla_worker.service import Service, build
from sla_worker.waiting import Patient
from sla_worker.web.front import Front
from sla_worker.web.listening import Listening, listen

if TYPE_CHECKING:
    from sla_worker.settings import Settings

_log = logging.getLogger(__name__)
TURN_SECONDS = 1.0  # how often one that stands by looks whether it is its turn
BEAT_SECONDS = 2.0  # how often the leader is heard of at least
_STOP_SECONDS = 3.0  # what a turn of the loop, or a mail, may still take after a signal


class Waiting(Protocol):
    """One that does not lead. `turn` says whether to try to."""

    def turn(self) -> bool: ...

    def refused(self, error: DatabaseLockedError) -> None:
        """Somebody else leads."""
        ...

    def failed(self, error: Exception) -> None:
        """It was its turn, and it could not."""
        ...

    def close(self) -> None:
        """It leads from now on, or ends."""
        ...


class Stop(threading.Event):
    """Set by a signal; ends what runs at that moment too."""

    running: threading.Event | None = None

    def set(self) -> None:
        """End everything."""
        super().set()
        if self.running is not None:
            self.running.set()


class Turns:
    """Leads whenever `make` gives a service, which it does not while another worker has the ledger.

    Meanwhile what `stand_by` gives (of the error, and of what has waited so far) waits, and says when to try
    again; without it another worker is a mistake. `shown(service, former)` is called with each service
    before its loops begin.
    """

    def __init__(
        self,
        make: Callable[[], Service],
        stand_by: Callable[[SLAWorkerError, Waiting | None], Waiting] | None,
        *,
        stop: Stop,
        shown: Callable[[Service, Waiting | None], None] = lambda _service, _former: None,
        turn_seconds: float = TURN_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self._make = make
        self._stand_by = stand_by
        self._stop = stop
        self._shown = shown
        self._turn_seconds = turn_seconds
        self._beat_seconds = beat_seconds
        self._waiting: Waiting | None = None
        self._has_led = False

    def run(self) -> None:
        """Until stopped. Raises SLAWorkerError when it can neither lead nor stand by at the start."""
        try:
            while not self._stop.is_set():
                service = self._service()
                if service is not None:
                    self._lead(service)
                    continue
                waiting = self._waiting
                while not self._stop.wait(self._turn_seconds) and waiting is not None and not waiting.turn():
                    pass
        finally:
            if self._waiting is not None:
                self._waiting.close()

    def _service(self) -> Service | None:
        try:
            return self._make()
        except DatabaseLockedError as error:
            if self._stand_by is None:
                raise
            self._waiting = self._stand_by(error, self._waiting)
            self._waiting.refused(error)
        except SLAWorkerError as error:
            if self._waiting is None:
                if self._stand_by is None or not self._has_led:
                    raise
                self._waiting = self._stand_by(error, None)
            self._waiting.failed(error)
        return None

    def _lead(self, service: Service) -> None:
        former, self._waiting, self._has_led = self._waiting, None, True
        try:
            self._shown(service, former)
            if former is not None:
                _log.info("leading now ledger=%s", service.database.place)
                former.close()
            self._stop.running = service.stopping
            if self._stop.is_set():
                return
            run_until_stopped(service, beat_seconds=self._beat_seconds)
            if not self._stop.is_set():
                _log.error("another worker leads: this one neither writes nor mails any more")
        finally:
            self._stop.running = None
            with contextlib.suppress(DatabaseError):  # of one that was cut off: it has no lock to give back
                service.close()


def run_until_stopped(service: Service, *, beat_seconds: float = BEAT_SECONDS) -> None:
    """Run the loops until `stopping`, each in a thread: a server that hangs does not delay the end.

    Leaving in the middle of a turn is safe: rows and mails are transactions, and the next start catches up.
    """
    loops = [
        threading.Thread(target=service.worker.run, name="loop", daemon=True),
        threading.Thread(target=service.deliveries.run, name="mail", daemon=True),
    ]
    if service.database.lead.writer is not None:
        threading.Thread(target=_beat, args=(service, beat_seconds), name="lead", daemon=True).start()
    for loop in loops:
        loop.start()
    service.stopping.wait()
    deadline = time.monotonic() + _STOP_SECONDS
    for loop in loops:
        loop.join(max(deadline - time.monotonic(), 0))
    if any(loop.is_alive() for loop in loops):
        _log.warning("stopped in the middle of a turn")
        if not service.deposed.is_set():
            logging.shutdown()
            os._exit(0)


def _beat(service: Service, seconds: float) -> None:
    """Let the database hear of this worker as long as its loop goes round, so that no other one replaces it.

    A loop that hangs for a slot is no leader: its statements, if it makes any, are heard all the same.
    """
    while not service.stopping.wait(seconds):
        if time.monotonic() - service.worker.turned_at < service.settings.slot_seconds:
            with contextlib.suppress(DatabaseError):  # the loop finds out, and says so
                service.database.lead.confirm()


def serve(settings: Settings) -> None:
    """Run the service until SIGTERM or SIGINT. Raises SLAWorkerError when it cannot start."""
    stop, doors = _on_signals(), _Doors(settings)

    def shown(service: Service, former: Waiting | None) -> None:
        doors.lead(service, former)
        if former is None:
            _log.info(
                "started bind=%s port=%d slot_seconds=%d ledger=%s",
                settings.bind,
                settings.port,
                settings.slot_seconds,
                "new" if service.database.new else "kept",
            )

    try:
        Turns(
            lambda: build(settings),
            None if settings.database_url is None else doors.stand_by,
            stop=stop,
            shown=shown,
        ).run()
    finally:
        doors.close()
    _log.info("stopped")


def calculate_continuously(settings: Settings) -> None:
    """The service's loops without its web side, until SIGTERM or SIGINT."""
    Turns(
        lambda: build(settings, takes_alerts=False),
        None if settings.database_url is None else lambda error, waiting: waiting or Patient(error),
        stop=_on_signals(),
    ).run()


def _on_signals() -> Stop:
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


class _Doors:
    """The addresses, which are open from the first role on; each role shows its applications there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listening: Listening | None = None
        self._own = Front()
        self._public = Front()

    def lead(self, service: Service, former: Waiting | None) -> None:
        """Show a service; after another one led, its figures a scrape later, when that one's are gone."""
        metrics = getattr(former, "application", None)
        self._own.show(service.application, metrics=metrics, seconds=self._settings.grid.scrape_seconds)
        self._public.show(service.public)
        self._listen()

    def stand_by(self, error: SLAWorkerError, waiting: Waiting | None) -> Waiting:
        """Stand by; without pages as long as the ledger cannot be read as it is."""
        from sla_worker.standby import stand_by  # noqa: PLC0415 - only beside another worker

        made = stand_by(self._settings, error, waiting)
        self._own.show(made.application)
        self._public.show(made.public)
        self._listen()
        return made

    def close(self) -> None:
        """Close them."""
        if self._listening is not None:
            self._listening.close()

    def _listen(self) -> None:
        if self._listening is None:
            self._listening = listen(self._settings, self._own, self._public)
