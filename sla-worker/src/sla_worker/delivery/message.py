"""A mail as a message of RFC 5322: text and HTML."""

from __future__ import annotations

import email.utils
import hashlib
from collections.abc import Sequence
from email.message import EmailMessage

from sla_worker.model import Mail


def message(mail: Mail, *, sender: str, recipients: Sequence[str], key: str, now: float) -> EmailMessage:
    """The mail as a message. The same `key` gives the same Message-ID: a mailbox recognises a repetition.

    Raises ValueError or UnicodeError for a value that no header can hold.
    """
    made = EmailMessage()
    made["Subject"] = " ".join(mail.subject.split())  # a header is one line
    made["From"] = sender
    made["To"] = ", ".join(recipients)
    made["Date"] = email.utils.formatdate(now)
    made["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(mail.text)
    made.add_alternative(mail.html, subtype="html")
    return made
