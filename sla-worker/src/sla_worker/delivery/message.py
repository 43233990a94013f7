"""A mail as a message of RFC 5322: text and HTML, and the files that go with it."""

from __future__ import annotations

import datetime as dt
import email.policy
import email.utils
import hashlib
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from sla_worker.model import Mail

_POLICY = email.policy.default.clone(cte_type="7bit")  # for servers that do not know 8BITMIME too


def message(
    mail: Mail,
    *,
    sender: str,
    recipients: Sequence[str],
    key: str,
    now: float,
    zone: ZoneInfo,
    answers: str | None = None,
    name: str | None = None,
) -> EmailMessage:
    """The mail as a message. The same `key` gives the same Message-ID: a mailbox recognises a repetition.

    `answers` is the key of a former mail, beside which a mail program shows this one. `now` is when it is
    written, in epoch seconds; its date is in the zone. `name` is that of the sender.
    Raises ValueError or UnicodeError for a value that no header can hold.
    """
    made = EmailMessage(_POLICY)
    made["Subject"] = " ".join(mail.subject.split())  # a header is one line
    made["From"] = sender if name is None else Address(name, addr_spec=sender)
    made["To"] = ", ".join(recipients)
    made["Date"] = email.utils.format_datetime(dt.datetime.fromtimestamp(int(now), zone))
    made["Message-ID"] = _message_id(key, sender)
    if answers is not None:
        made["In-Reply-To"] = made["References"] = _message_id(answers, sender)
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(mail.text)
    made.add_alternative(mail.html, subtype="html")
    if mail.pictures:
        *_, html = made.iter_parts()
        for each in mail.pictures:
            main, _, sub = each.media_type.partition("/")
            html.add_related(
                each.content, maintype=main, subtype=sub, cid=f"<{each.name}>", filename=f"{each.name}.{sub}",
                disposition="inline",
            )  # fmt: skip
    for each in mail.attachments:
        main, _, sub = each.media_type.partition("/")
        made.add_attachment(each.content, maintype=main, subtype=sub, filename=each.name)
    return made


def _message_id(key: str, sender: str) -> str:
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{sender.rpartition('@')[2]}>"
