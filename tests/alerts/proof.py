"""One alert on its way through the proof: its state, what came when, and what is still owed.

Times are epoch seconds on the clock of this machine, which is that of the stack too.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from alerts.shipped import Alert
from e2e.live import Mail

_SUBJECT = re.compile(r"\[(FIRING|RESOLVED|NO LONGER REPORTED):\d+\] (\S+) (.*)")
EARLY_SECONDS = 1.5
"""Clocks of mail and webhook tell whole seconds, and a poll is late by a part of one."""


class State(enum.StrEnum):
    """How far an alert has come."""

    WAITING = "waiting for calm"
    CAUSED = "caused"
    PENDING = "pending"
    FIRING = "firing"
    TOLD = "told"
    ENDING = "cause over"
    INACTIVE = "inactive"
    PROVEN = "proven"
    FAILED = "failed"


@dataclasses.dataclass(frozen=True)
class Seen:
    """What Prometheus, the mail server and the sla-worker hold now.

    `active` has, for the name of each alert that is not inactive, its states and when the first of its
    conditions began to hold; those about SLAs stand there by name and SLA too.
    """

    at: float
    active: Mapping[str, tuple[frozenset[str], float]]
    mails: tuple[Mail, ...]
    webhooks: tuple[Mapping[str, Any], ...]


@dataclasses.dataclass
class Proof:
    """What is known of one alert so far. The thread of its scenario writes it, the view reads it."""

    alert: Alert
    title: str
    state: State = State.WAITING
    state_at: float = 0.0
    caused_at: float | None = None
    condition_at: float | None = None
    firing_at: float | None = None
    mails: dict[str, Mail] = dataclasses.field(default_factory=dict)
    webhook_at: float | None = None
    ended_at: float | None = None
    inactive_at: float | None = None
    resolved_mails: dict[str, Mail] = dataclasses.field(default_factory=dict)
    unreported: set[str] = dataclasses.field(default_factory=set)
    """Receivers whose mail says that the alert is no longer reported: Prometheus did not report its end."""
    resolved_webhook_at: float | None = None
    problem: str | None = None
    remark: str | None = None

    def go(self, state: State, at: float) -> None:
        """Note a new state."""
        self.state, self.state_at = state, at

    @property
    def told_at(self) -> float | None:
        """When the first mail came, or, of an alert without mail, the webhook."""
        return min((mail.received_at for mail in self.mails.values()), default=self.webhook_at)


def caused(proof: Proof, seen: Seen) -> None:
    """Take what was seen while the cause lasts: pending, firing, mails, webhook."""
    alert, since = proof.alert, proof.caused_at
    assert since is not None, "the cause has begun"
    states, condition_at = seen.active.get(alert.subject, (frozenset(), 0.0))
    if states and proof.firing_at is None:
        if proof.condition_at is None and alert.for_seconds:
            proof.go(State.PENDING, seen.at)
        proof.condition_at = (
            condition_at  # the last begin before it fires: the condition may fail to hold once
        )
    if "firing" in states and proof.firing_at is None:
        proof.firing_at = seen.at
        proof.go(State.FIRING, seen.at)
    for receiver, mail in _mails(proof, "FIRING", since, seen.mails):
        proof.mails.setdefault(receiver, mail)
    proof.webhook_at = proof.webhook_at or _webhook(alert, "firing", since, seen.webhooks)


def owed(proof: Proof, later: Iterable[str] = ()) -> list[str]:
    """What of the alert's telling has not come yet; of `later` (mail, webhook) nothing is expected now."""
    alert = proof.alert
    left = [] if proof.firing_at is not None else ["pending" if proof.condition_at is None else "firing"]
    if "mail" not in later:
        left += [f"a mail to {alert.mailboxes[name]}" for name in alert.mailboxes if name not in proof.mails]
    if "webhook" not in later and proof.webhook_at is None:
        left.append(f"the webhook of {', '.join(alert.receivers)}")
    return left


def ended(proof: Proof, seen: Seen) -> None:
    """Take what was seen after the end of the cause: inactive, resolved mails, resolved webhook."""
    alert, since = proof.alert, proof.ended_at
    assert since is not None, "the cause is over"
    if alert.subject not in seen.active and proof.inactive_at is None:
        proof.inactive_at = seen.at
        proof.go(State.INACTIVE, seen.at)
    if proof.inactive_at is None:
        return
    for receiver, mail in _mails(proof, "RESOLVED", since, seen.mails):
        proof.resolved_mails.setdefault(receiver, mail)
    proof.unreported |= {name for name, _ in _mails(proof, "NO LONGER REPORTED", since, seen.mails)}
    proof.resolved_webhook_at = proof.resolved_webhook_at or _webhook(alert, "resolved", since, seen.webhooks)


def owed_after(proof: Proof) -> list[str]:
    """What of the alert's end has not come yet."""
    alert = proof.alert
    if proof.inactive_at is None:
        return ["inactive"]
    left = [
        f"a resolved mail to {alert.mailboxes[name]}"
        f"{', which says NO LONGER REPORTED' if name in proof.unreported else ''}"
        for name in alert.mailboxes
        if name not in proof.resolved_mails
    ]
    if proof.resolved_webhook_at is None:
        left.append(f"the resolved webhook of {', '.join(alert.receivers)}")
    return left


def strays(proof: Proof, mails: Iterable[Mail]) -> list[str]:
    """Addresses that had mail about the alert and must not have had it."""
    since, own = proof.caused_at or 0.0, set(proof.alert.mailboxes.values())
    about = (mail for mail in mails if mail.received_at >= since and _says(mail, proof.alert) is not None)
    return sorted({address for mail in about for address in mail.recipients} - own)


def early_ends(proof: Proof, mails: Iterable[Mail]) -> int:
    """How many mails said that the alert is over while its cause lasted."""
    begun, over = proof.firing_at, proof.ended_at
    if begun is None or over is None:
        return 0
    return sum(
        1
        for mail in mails
        if begun <= mail.received_at < over - EARLY_SECONDS and _says(mail, proof.alert) == "RESOLVED"
    )


def _mails(proof: Proof, state: str, since: float, mails: Iterable[Mail]) -> Iterable[tuple[str, Mail]]:
    """The receivers' names and their mails about the alert in a state, oldest first."""
    names = {address: name for name, address in proof.alert.mailboxes.items()}
    for mail in sorted(mails, key=_received_at):
        if mail.received_at >= since - EARLY_SECONDS and _says(mail, proof.alert) == state:
            yield from ((names[address], mail) for address in mail.recipients if address in names)


_received_at: Callable[[Mail], float] = lambda mail: mail.received_at  # noqa: E731  # a key, with its type


def _says(mail: Mail, alert: Alert) -> str | None:
    """What the mail says if it is about the alert, in its severity; else None."""
    match = _SUBJECT.fullmatch(mail.subject)
    if match is None or match[3] != alert.subject or match[2] != alert.severity.upper():
        return None
    return match[1]


def _webhook(alert: Alert, status: str, since: float, webhooks: Iterable[Mapping[str, Any]]) -> float | None:
    """When the last of the alert's receivers had its webhook stored, None while one is missing."""
    first: dict[str, float] = {}
    for stored in webhooks:
        if (
            stored["alertname"] == alert.name
            and (alert.sla is None or stored["labels"].get("sla") == alert.sla)
            and stored["status"] == status
            and stored["received_at"] >= since - EARLY_SECONDS
        ):
            at = float(stored["received_at"])
            first[stored["receiver"]] = min(at, first.get(stored["receiver"], at))
    return max(first[name] for name in alert.receivers) if set(alert.receivers) <= first.keys() else None
