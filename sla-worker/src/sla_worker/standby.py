"""A worker that stands by: shows the ledger that another one writes, and says when to take its place."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from sla_worker.database import SLADatabase
from sla_worker.database.lead import Holder
from sla_worker.errors import DatabaseError, DatabaseLockedError, DatabaseOutdatedError
from sla_worker.exporter import StandbyExporter
from sla_worker.health import Health
from sla_worker.model import WebhookAlert
from sla_worker.render.format import moment
from sla_worker.service import ledger_name, open_database
from sla_worker.settings import Settings
from sla_worker.waiting import Patient
from sla_worker.watchdog import Watchdog
from sla_worker.web.guard import OPEN
from sla_worker.web.http import Answer, HTTPError, json_answer
from sla_worker.web.listening import applications
from sla_worker.web.operations import METRICS
from sla_worker.web.pages import Pages

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_log = logging.getLogger(__name__)
SILENT_SECONDS = 30.0
"""A leader whose session sent nothing for so long is gone or hangs; it sends something every two seconds."""

_RETRY_SECONDS = 10.0  # after taking over has failed
_FOREVER = 10**12


class Standby:
    """`turn` is to be called every second or so; the applications answer meanwhile.

    Figures are read by a session of its own, and forgotten when the leader has written. Alerts go into the
    ledger's inbox; whatever else changes something is for the leader.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        """`monotonic` measures real time. Raises DatabaseError where the ledger cannot be read as it is."""
        self._database = open_database(settings, read_only=True, clock=clock)
        self._asked = self._database.lead
        self._monotonic = monotonic
        # Within one slot it is to lead, whatever became of the other one.
        self._silent_seconds = min(silent_seconds, settings.slot_seconds / 2)
        self._leader = ""
        self._failure: str | None = None
        self._retry_at = 0.0
        health = Health(
            _FOREVER,
            clock=clock,
            monotonic=monotonic,
            troubles=(self._database.trouble, lambda: self._failure),
        )
        self._pages = _Pages(
            self._database,
            settings,
            watchdog=Watchdog(
                self._database.outages, settings.watchdog_seconds, clock=clock, monotonic=monotonic
            ),
            health=health,
            metrics=StandbyExporter().text,
            receive=self._receive,
            clock=clock,
            leader=lambda: self._leader,
        )
        self.application, self.public = applications(
            self._pages,
            settings,
            again=self._refuse,
            maintain=self._refuse,
            correct=self._refuse,
            ledger=ledger_name(settings),
        )

    def close(self) -> None:
        """End the session."""
        self._database.close()

    def refused(self, error: DatabaseLockedError) -> None:
        """Somebody else leads."""
        if self._failure is not None:
            _log.info("standing by again: %s", error)
        self._failure = None

    def failed(self, error: Exception) -> None:
        """It could not take the place that was free: it is tried again, and this worker is unhealthy."""
        if str(error) != self._failure:
            _log.error("cannot take over error=%s", error)
        self._failure = str(error)
        self._retry_at = self._monotonic() + _RETRY_SECONDS

    def turn(self) -> bool:
        """Whether to try to lead: nobody does, or the one that did was found silent and its session ended."""
        try:
            line = self._database.look()
            if line is not None:
                _log.error("%s", line)
            self._asked.follow()
            holder = self._asked.holder()
            if holder is not None:
                return self._is_gone(holder)
        except DatabaseError:  # which /healthz says, as long as it lasts
            return False
        self._leader = "nobody"
        return self._monotonic() >= self._retry_at

    def _is_gone(self, holder: Holder) -> bool:
        if self._leader != holder.name:
            _log.info("standing by, to take over from %s", holder.name)
        self._leader = holder.name
        if holder.silent_seconds < self._silent_seconds:
            return False
        _log.warning(
            "the leader is silent, its session is ended leader=%s seconds=%.1f",
            holder.name,
            holder.silent_seconds,
        )
        return self._asked.end(holder, self._silent_seconds)

    def _receive(self, alerts: list[WebhookAlert], truncated: int) -> None:
        self._database.inbox.put(alerts, truncated)

    def _refuse(self, _asked: Any) -> NoReturn:
        raise _refusal(self._leader)


def stand_by(
    settings: Settings,
    error: Exception,
    former: object = None,
    *,
    clock: Callable[[], float] = time.time,
    silent_seconds: float = SILENT_SECONDS,
) -> Blind | Standby:
    """What waits because of an error, in the place of the former one; without pages where it must be."""
    if isinstance(former, Standby):
        return former
    try:
        return Standby(settings, clock=clock, silent_seconds=silent_seconds)
    except DatabaseError as reason:
        blind = former if isinstance(former, Blind) else Blind(error)
        blind.cannot_read(reason)
        return blind


class Blind(Patient):
    """Stands by without pages, where the ledger cannot be read: it is of another version, or not made yet."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self._metrics = StandbyExporter().text
        self._why = ""

    def cannot_read(self, reason: DatabaseError) -> None:
        """Why there are no pages. An older ledger is made a newer one by whoever leads next."""
        self._why = str(reason)
        self.failure = None if isinstance(reason, DatabaseOutdatedError) else self._why

    def refused(self, error: DatabaseLockedError) -> None:
        """Somebody else leads, which says nothing of whether the ledger can be read."""

    def application(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Health and metrics; for the rest, why there is none. Alertmanager tries again."""
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            answer = Answer(self._metrics(), METRICS)
        elif path != OPEN:
            answer = json_answer({"error": f"this worker stands by: {self._why}"}, 503)
        elif self.failure is None:
            answer = json_answer(
                {"status": "ok", "role": "standby", "leader": "unknown", "warnings": [self._why]}
            )
        else:
            answer = json_answer({"status": "unhealthy", "role": "standby", "reason": self.failure}, 503)
        return answer.send(environ, start_response)

    def public(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Nothing yet."""
        line = "the figures cannot be read at the moment; try again"
        return json_answer({"error": line}, 503).send(environ, start_response)


class _Pages(Pages):
    """The same pages, of a worker that changes nothing."""

    def __init__(
        self, database: SLADatabase, *arguments: Any, leader: Callable[[], str], **named: Any
    ) -> None:
        super().__init__(database, *arguments, **named)
        self._of = database
        self._leader = leader

    def role(self) -> dict[str, str]:
        """That it stands by, and for whom."""
        return {"role": "standby", "leader": self._leader()}

    def last_pass(self, now: int) -> str:  # noqa: ARG002 - what was last measured needs no clock
        """What the leader has measured last."""
        newest = self._of.newest_slot()
        measured = "nothing measured yet" if newest is None else f"measured up to {moment(newest, self.zone)}"
        return f"{measured}; this worker stands by, {self._leader()} leads"

    def decide(self, _asked: Any) -> NoReturn:
        """Only the leader does."""
        raise _refusal(self._leader())


def _refusal(leader: str) -> HTTPError:
    return HTTPError(409, f"this worker stands by: {leader or 'another one'} leads; give the command there")
