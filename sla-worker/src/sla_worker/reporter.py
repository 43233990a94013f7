"""Makes the mails that are owed, and sends them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from sla_worker import conventions, render
from sla_worker.database import SLADatabase
from sla_worker.database.silences import SILENCE, SILENCE_END
from sla_worker.errors import MailError
from sla_worker.mail import message
from sla_worker.model import Mail, Notification
from sla_worker.reports import period_report
from sla_worker.settings import Settings
from sla_worker.silence_mail import silence_end_mail, silence_mail

_log = logging.getLogger(__name__)


class Sender(Protocol):
    """Takes a message or raises MailError."""

    def send(self, made: EmailMessage) -> None:
        """Returns when the message was taken."""
        ...


class Reporter:
    """The daily report, the mails about breaches and silences. `observe(type, result)` hears of each try."""

    def __init__(
        self,
        database: SLADatabase,
        sender: Sender,
        settings: Settings,
        *,
        clock: Callable[[], float],
        observe: Callable[[str, str], None] = lambda _type, _result: None,
    ) -> None:
        self._database = database
        self._sender = sender
        self._settings = settings
        self._clock = clock
        self._observe = observe

    def daily(self, end: int | None = None) -> Mail:
        """The daily report over the 24 hours before `end` (epoch seconds; default: up to now)."""
        report = period_report(
            self._database, title="Daily SLA report", hours=24, now=int(self._clock()), end=end
        )
        return render.daily_mail(report, self._settings.timezone, self.links())

    def send_daily(self) -> str:
        """Send a daily report now, beside the periodic ones. Returns the recipients. Raises MailError."""
        now = self._clock()
        recipients = self._settings.report_owner
        mail = self.daily()
        self._sender.send(
            message(
                mail, sender=self._settings.report_from, recipients=recipients, key=f"daily:{now!r}", now=now
            )
        )
        return recipients

    def write_daily(self, directory: Path) -> list[Path]:
        """Write the daily report to files (.txt and .html) and send nothing. Returns the files."""
        mail = self.daily()
        directory.mkdir(parents=True, exist_ok=True)
        files = [directory / "daily-report.txt", directory / "daily-report.html"]
        files[0].write_text(mail.text, encoding="utf-8")
        files[1].write_text(mail.html, encoding="utf-8")
        return files

    def deliver(self) -> int:
        """Try every mail that is due; what fails is tried again later. Returns how many were sent."""
        sent = 0
        for notification in self._database.outbox.due(int(self._clock())):
            now = self._clock()
            mail, recipients = self._make(notification)
            made = message(
                mail,
                sender=self._settings.report_from,
                recipients=recipients,
                key=notification.key,
                now=now,
            )
            try:
                self._sender.send(made)
            except MailError as error:
                wait = self._database.outbox.failed(notification, str(error), int(now))
                _log.warning("mail failed key=%s retry_seconds=%d error=%s", notification.key, wait, error)
                self._observe(notification.type, "failure")
                continue
            self._database.outbox.sent(notification, recipients, int(now))
            _log.info("mail sent key=%s recipients=%s", notification.key, recipients)
            self._observe(notification.type, "success")
            sent += 1
        return sent

    def links(self) -> dict[str, str]:
        """Words and where they lead."""
        return {
            "SLA dashboard": f"{self._settings.grafana_public_url}/d/{conventions.SLA_DASHBOARD_UID}",
            "Status page": f"{self._settings.worker_public_url}/",
            "Prometheus": f"{self._settings.prometheus_public_url}/",
        }

    def _make(self, notification: Notification) -> tuple[Mail, str]:
        settings = self._settings
        if notification.type == "daily":
            return self.daily(notification.period_end), settings.report_owner
        at_once = f"{settings.report_owner}, {settings.report_on_call}"
        if notification.type in {SILENCE, SILENCE_END}:
            return self._silence_mail(notification), at_once
        breach = self._database.get_breach(notification.breach_id or 0)
        if breach is None:  # its foreign key forbids it
            raise MailError(f"the notification {notification.key} belongs to no breach")
        mail = render.breach_mail(breach, int(self._clock()), settings.timezone, self.links())
        return mail, at_once

    def _silence_mail(self, notification: Notification) -> Mail:
        settings = self._settings
        silence = self._database.silences.get(notification.silence_id or 0)
        if silence is None:  # its foreign key forbids it
            raise MailError(f"the notification {notification.key} belongs to no silence")
        links = {
            "Runbook": f"{settings.worker_public_url}/runbooks/Watchdog",
            "Prometheus": f"{settings.prometheus_public_url}/alerts",
            "Alertmanager": f"{settings.alertmanager_public_url}/",
            "Status page": f"{settings.worker_public_url}/",
        }
        make = silence_end_mail if notification.type == SILENCE_END else silence_mail
        return make(silence, int(self._clock()), settings.timezone, links)
