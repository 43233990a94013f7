"""Sends mails by SMTP: one message, text and HTML."""

from __future__ import annotations

import email.utils
import hashlib
import smtplib
import ssl
from email.message import EmailMessage

from sla_worker.errors import MailError
from sla_worker.model import Mail
from sla_worker.settings import SMTPSettings


def message(mail: Mail, *, sender: str, recipients: str, key: str, now: float) -> EmailMessage:
    """The mail as a message. The same `key` gives the same Message-ID, so a mailbox can tell a repetition."""
    made = EmailMessage()
    made["Subject"] = mail.subject
    made["From"] = sender
    made["To"] = recipients
    made["Date"] = email.utils.formatdate(now)
    made["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(mail.text)
    made.add_alternative(mail.html, subtype="html")
    return made


class Mailer:
    """Hands messages to the mail server; a connection each, since there are a few a day."""

    def __init__(self, settings: SMTPSettings) -> None:
        self._settings = settings

    def send(self, made: EmailMessage) -> None:
        """Returns when the server has taken the mail for every recipient. Raises MailError otherwise."""
        settings = self._settings
        try:
            with self._connect() as server:
                if settings.tls == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if settings.username:
                    server.login(settings.username, settings.password or "")
                refused = server.send_message(made)
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(
                f"the mail server {settings.host}:{settings.port} did not take the mail"
                f" ({type(error).__name__}: {error}); check that it runs, SMTP_HOST and SMTP_PORT"
            ) from error
        if refused:
            raise MailError(f"the mail server refused {', '.join(refused)}; check the addresses REPORT_…")

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.tls == "tls":
            return smtplib.SMTP_SSL(
                settings.host,
                settings.port,
                timeout=settings.timeout_seconds,
                context=ssl.create_default_context(),
            )
        return smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_seconds)
