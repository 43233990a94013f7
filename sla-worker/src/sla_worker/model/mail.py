"""Mails that are owed or made, and the alerts that come by webhook."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notification:
    """A mail that is owed. `key` is unique: what stands once in the outbox is sent once."""

    id: int
    type: str
    key: str
    breach_id: int | None
    period_end: int | None
    outage_id: int | None
    created_at: int
    attempts: int


@dataclass(frozen=True, slots=True)
class OwedMail:
    """What became of a mail, without its addresses. `sent_at`: when the last of them got it.

    `done_at`: since when nothing is tried any more; None while something is.
    """

    id: int
    type: str
    created_at: int
    period_end: int | None
    breach_id: int | None
    sent_at: int | None
    done_at: int | None
    recipients: int
    delivered: int
    given_up: int

    @property
    def state(self) -> str:
        """`owed`, `sent`, `sent in part`, `given up`, or `dropped` where nobody was to get it any more."""
        if self.done_at is None:
            return "owed"
        if self.delivered:
            return "sent in part" if self.given_up else "sent"
        return "given up" if self.given_up else "dropped"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A mail that is owed to one address. `attempts` were begun; the next is due at `next_attempt_at`."""

    notification_id: int
    kind: str
    recipient: str
    attempts: int
    next_attempt_at: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail; `media_type` like `text/csv`."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A message ready to be sent: plain text and the same as HTML, and files.

    `pictures` stand in the HTML, which names them `cid:` and their name.
    """

    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()
    pictures: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class WebhookAlert:
    """One alert of one call of Alertmanager's webhook, as it was sent; times are RFC 3339 texts."""

    status: str
    alertname: str
    receiver: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    received_at: int
    fingerprint: str
