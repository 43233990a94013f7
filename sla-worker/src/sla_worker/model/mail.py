"""Mails that are owed or made, and the alerts that come by webhook."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notification:
    """A mail that is owed. `key` is unique: what stands once in the outbox is sent once.

    `team`: whose report it is; None: the whole one.
    """

    id: int
    type: str
    key: str
    breach_id: int | None
    period_end: int | None
    outage_id: int | None
    created_at: int
    attempts: int
    team: str | None = None

    @property
    def answered(self) -> str | None:
        """The key of the mail that this one follows on, as its own key says it; None: of none."""
        return follow_up(self.key)[1]

    @property
    def thread(self) -> str:
        """What all mails that answer one another have in common: they leave in their order."""
        return f"outage {self.outage_id}" if self.outage_id is not None else self.answered or self.key


def follow_up_key(kind: str, about: str, answered: str) -> str:
    """The key of a mail that follows on another one: `breach_end:17.2:breach:17`."""
    return f"{kind}:{about}:{answered}"


def follow_up(key: str) -> tuple[str, str | None]:
    """What a mail is about, and the key of the one that it follows on; None: of none."""
    parts = key.split(":", 2)
    return (parts[1], parts[2]) if len(parts) > 2 else (parts[-1], None)  # noqa: PLR2004 - kind, about, answered


@dataclass(frozen=True, slots=True)
class Changes:
    """What a period is made of and was stored, added or revoked since some moment: numbers of each."""

    slots: int
    exclusions: int
    corrections: int


@dataclass(frozen=True, slots=True)
class OwedMail:
    """What became of a mail, of a `team` or of all, without its addresses. `sent_at`: when the last got it.

    `done_at`: since when nothing is tried any more; None while something is. `kept_at`: when what was sent
    was made; None: it is not kept.
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
    team: str | None = None
    kept_at: int | None = None

    @property
    def state(self) -> str:
        """`owed`, `sent`, `sent in part`, `given up`, or `dropped` where nobody was to get it any more."""
        if self.done_at is None:
            return "owed"
        if self.delivered:
            return "sent in part" if self.given_up else "sent"
        return "given up" if self.given_up else "dropped"


@dataclass(frozen=True, slots=True)
class SentVersion:
    """A mail as it was made at `made_at`, and how many have got it so."""

    number: int
    made_at: int
    recipients: int


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
