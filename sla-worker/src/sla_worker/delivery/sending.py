"""Sends the mails that are owed, in a thread of its own: nothing that measures waits for a mail server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from typing import Protocol

from sla_worker.database import SLADatabase
from sla_worker.delivery.kinds import KINDS, Sources
from sla_worker.delivery.message import message
from sla_worker.delivery.smtp import Refusal
from sla_worker.errors import DatabaseError, MailError, MailServerError
from sla_worker.model import Notification
from sla_worker.settings import Settings

_log = logging.getLogger(__name__)
TICK_SECONDS = 1.0  # how often owed mails are looked for
ROUND_SECONDS = 60.0  # no mail is begun later in a round
PAUSE_SECONDS = 15.0  # after the mail server could not be used


class Sender(Protocol):
    """Takes a message for its recipients."""

    def send(self, made: EmailMessage, recipients: Sequence[str]) -> Mapping[str, Refusal]:
        """Returns the recipients that were refused. Raises MailError when nobody got it."""
        ...


class Delivery:
    """`round` tries what is due; `run` repeats it until `stopping` is set.

    `observe(kind, result)` hears how each try ended.
    """

    def __init__(
        self,
        database: SLADatabase,
        sender: Sender,
        settings: Settings,
        *,
        stopping: threading.Event,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        observe: Callable[[str, str], None] = lambda _kind, _result: None,
    ) -> None:
        self._database = database
        self._sender = sender
        self._settings = settings
        self._stopping = stopping
        self._clock = clock
        self._monotonic = monotonic
        self._observe = observe
        self._resume_at = 0.0

    def run(self) -> None:
        """Repeat `round` until `stopping` is set. The thread outlives what nobody thought of."""
        while not self._stopping.is_set():
            try:
                self.round()
            except DatabaseError as error:
                _log.error("no mail was sent error=%s", error)
            except Exception:  # noqa: BLE001 - a worker that mails nothing any more is worse
                _log.exception("delivery failed unexpectedly")
            self._stopping.wait(TICK_SECONDS)

    def round(self) -> int:
        """Try every mail that is due; what fails is tried again later. Returns how many were sent.

        It ends when the mail server cannot be used: the next mail would only wait for the same.
        """
        if self._monotonic() < self._resume_at:
            return 0
        end, sent = self._monotonic() + ROUND_SECONDS, 0
        for notification in self._database.outbox.due(int(self._clock())):
            if self._stopping.is_set() or self._monotonic() > end:
                break
            try:
                sent += self._deliver(notification)
            except MailServerError:
                self._resume_at = self._monotonic() + PAUSE_SECONDS
                break
        return sent

    def _deliver(self, notification: Notification) -> bool:
        now = self._clock()
        try:
            kind = KINDS[notification.type]
            recipients = kind.recipients(self._settings)
            mail = kind.build(Sources(self._database, self._settings, int(now)), notification)
            made = message(
                mail, sender=self._settings.report_from, recipients=recipients, key=notification.key, now=now
            )
            outbox = self._database.outbox
            tried = [
                outbox.attempt(each, int(now))
                for each in outbox.deliveries(notification, recipients, int(now))
            ]
            if not tried:
                return False
            refused = self._sender.send(made, [each.recipient for each in tried])
        except DatabaseError:
            raise
        except Exception as error:  # whatever a value does to a mail: the others still leave
            reason = str(error) if isinstance(error, MailError) else f"{type(error).__name__}: {error}"
            wait = self._database.outbox.postpone(notification, reason, int(now))
            _log.warning("mail failed key=%s retry_seconds=%d error=%s", notification.key, wait, reason)
            self._observe(notification.type, "failure")
            if isinstance(error, MailServerError):
                raise
            return False
        for each in tried:
            refusal = refused.get(each.recipient)
            if refusal is None:
                outbox.delivered(each, int(now))
            elif refusal.permanent:
                outbox.gave_up(each, str(refusal), int(now))
            else:
                outbox.failed(each, str(refusal), int(now))
        _log.info("mail sent key=%s recipients=%s", notification.key, ", ".join(recipients))
        self._observe(notification.type, "success")
        return True
