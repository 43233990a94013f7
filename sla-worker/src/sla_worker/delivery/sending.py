"""Sends the mails that are owed, in a thread of its own: nothing that measures waits for a mail server."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from typing import Protocol

from sla_worker.conventions import CATCH_UP_MAIL, FAILURE, GIVEN_UP, MONTHLY_MAIL, SUCCESS
from sla_worker.database import SLADatabase
from sla_worker.delivery.branding import branded
from sla_worker.delivery.kinds import KINDS, Sources, caught_up
from sla_worker.delivery.message import message
from sla_worker.delivery.smtp import Refusal
from sla_worker.errors import BrokenOffError, DatabaseError, MailError, MailServerError
from sla_worker.model import Delivery, Notification, Team, receivers_of
from sla_worker.sent import packed
from sla_worker.settings import Settings

_log = logging.getLogger(__name__)
TICK_SECONDS = 1.0  # how often owed mails are looked for; the answer comes from memory
ROUND_SECONDS = 60.0  # no mail is begun later in a round
PAUSE_SECONDS = 15.0  # after the mail server could not be used
_WAIT_SECONDS = 60.0  # so long a mail waits for what it is to say
_NOBODY = "(nobody is known to receive it)"
_REMEMBERED, _REMEMBERED_SECONDS = 5, 86_400


class Sender(Protocol):
    """Takes a message for its recipients."""

    def send(self, made: EmailMessage, recipients: Sequence[str]) -> Mapping[str, Refusal]:
        """Returns the recipients that were refused. Raises MailError when nobody got it."""
        ...


class Deliveries:
    """`round` tries what is due; `run` repeats it until `stopping` is set.

    Every try is recorded before the mail leaves, so that a mail whose delivery cannot be recorded is not sent
    again and again. `observe(kind, result)` is called after each try for one recipient.
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
        self._outbox = database.outbox
        self._sender = sender
        self._settings = settings
        self._stopping = stopping
        self._clock = clock
        self._monotonic = monotonic
        self._observe = observe
        self._resume_at = 0.0
        self._unusable = False  # the mail server, when it was called last
        self._break_offs = 0  # so many mails may break the server off before a round ends
        self._alone: set[int] = set()  # mails that did: each of their recipients is tried alone
        self._owed = 0
        self._errors: dict[int, str] = {}  # why a mail did not leave, by its id, the newest last
        self._complaint: str | None = None
        self._lost: deque[tuple[float, str]] = deque(maxlen=_REMEMBERED)

    def concerns(self) -> list[str]:
        """What somebody should look at, one line each: mails that do not leave, and recipients given up.

        The latter for a day, and as far as this process remembers; the database keeps them all. Waits for
        nobody: a database that is busy does not hold up the question whether the worker is healthy.
        """
        lines, owed, errors = [], self._owed, list(self._errors.values())
        if owed and errors:
            lines.append(f"{owed} {'mail is' if owed == 1 else 'mails are'} not sent yet: {errors[-1]}")
        since = self._clock() - _REMEMBERED_SECONDS
        return lines + [line for at, line in list(self._lost) if at >= since]

    def run(self) -> None:
        """Repeat `round` until `stopping` is set. The thread outlives what nobody thought of."""
        while not self._stopping.is_set():
            try:
                self.round()
            except DatabaseError as error:
                if str(error) != self._complaint:  # once, not every second
                    _log.error("mail is held back error=%s", error)
                self._complaint = str(error)
            except Exception:  # noqa: BLE001 - a worker that mails nothing any more is worse
                _log.exception("delivery failed unexpectedly")
            else:
                self._complaint = None
            self._stopping.wait(TICK_SECONDS)

    def round(self) -> None:
        """Try every mail that is due; what fails is tried again later, and does not hold up the others.

        It ends when the mail server cannot be used: the next mail would only wait for the same. Then the
        oldest mail is tried first, so that a new one, which has not waited yet, does not leave before it.

        A server that was ready and broke off may do so with this mail alone: with each round that ends so,
        one more of them does not end it, until another mail has left. They are tried again before a new one,
        in case it was not their fault.

        Raises DatabaseError when a try cannot be recorded; then nothing more is sent.
        """
        self._owed = sum(self._outbox.owed().values())
        if not self._owed:
            self._errors.clear()
            self._alone.clear()
        if self._monotonic() < self._resume_at:
            return
        due = self._outbox.due(int(self._clock()))
        if due and (self._unusable or (self._alone and not all(map(self._waits, due)))):
            self._outbox.try_again(int(self._clock()))
            due = self._outbox.due(int(self._clock()))
        usable = self._try_each(due)
        if usable is None:
            return
        self._unusable = not usable
        if self._unusable:
            self._resume_at = self._monotonic() + PAUSE_SECONDS

    def _try_each(self, due: Sequence[Notification]) -> bool | None:
        """Try mails one after the other; see `round`. Returns whether the mail server can be used.

        None: there was no time for all of them.
        """
        end = self._monotonic() + ROUND_SECONDS
        broken, left = 0, False
        for owed in due:
            if self._stopping.is_set() or self._monotonic() > end:
                return None
            if self._waits(owed):
                continue
            try:
                left = self._deliver(owed) or left
            except BrokenOffError:
                self._alone.add(owed.id)
                broken += 1
                if broken > self._break_offs and not left:
                    self._break_offs += 1
                    return False
                end = self._monotonic() + ROUND_SECONDS  # it may have hung so long: the next one has its turn
            except MailServerError:
                return False
        if left and not broken:
            self._break_offs = 0
        return True

    def _waits(self, owed: Notification) -> bool:
        """Whether a mail waits for what it is to say: a moment at most.

        One about a breach for the alerts that fired when it began, a monthly one for its month to be frozen.
        """
        if self._clock() - owed.created_at > _WAIT_SECONDS:
            return False
        if owed.type == MONTHLY_MAIL:
            return all(each.end != owed.period_end for each in self._database.months.newest())
        return owed.breach_id is not None and self._database.causes.awaited(owed.breach_id)

    def _deliver(self, owed: Notification) -> bool:
        """Returns whether the mail server took or refused it; False: it was not asked, or could not be."""
        now = self._clock()
        try:
            recipients = self._recipients(owed)
            if not recipients and (owed.answered is not None or owed.team is not None):
                self._outbox.void(owed, int(now))
                return False
            open_ = self._outbox.deliveries(owed, recipients, int(now))
            if open_ and owed.type == CATCH_UP_MAIL and owed.team is None:
                self._tell_teams(owed, int(now))
            made = self._made(owed, recipients, now) if open_ else None
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a value does to a mail: the others still leave
            reason = self._note(owed, _reason(error))
            if self._outbox.is_old(owed, owed.attempts + 1, int(now)):
                for recipient in self._outbox.abandon(owed, reason, int(now)) or [_NOBODY]:
                    self._gave_up(owed, recipient, f"for days it could not be made: {reason}")
                return False
            wait = self._outbox.postpone(owed, reason, int(now))
            _log.warning("mail cannot be made key=%s retry_seconds=%d error=%s", owed.key, wait, reason)
            self._observe(owed.type, FAILURE)
            return False
        if made is None:
            return False
        sent, content = made
        tried = self._outbox.begin(open_, int(now), content)
        send = self._send_alone if owed.id in self._alone else self._send
        return send(owed, sent, tried)

    def _recipients(self, owed: Notification) -> tuple[str, ...]:
        """Whom the settings name; of a mail that follows on another one, those who have or may get that."""
        if owed.type not in KINDS:
            raise MailError(f"no mail of the kind {owed.type!r} is known to this version")
        named = self._named(owed)
        holders = None if owed.answered is None else self._holders(owed, owed.answered)
        return named if holders is None else tuple(each for each in named if each in holders)

    def _named(self, owed: Notification) -> tuple[str, ...]:
        """Of a team's mail its receivers; of one about a breach those of its team beside the others."""
        if owed.team is not None:
            team = self._database.teams.all().get(owed.team)
            about = owed.type != CATCH_UP_MAIL or caught_up(self._database, owed)
            return receivers_of(team, owed.type) if team is not None and about else ()
        named = KINDS[owed.type].recipients(self._settings)
        team = self._team_of(owed)
        return named if team is None else tuple(dict.fromkeys((*named, *receivers_of(team, owed.type))))

    def _team_of(self, owed: Notification) -> Team | None:
        """Whose SLA the breach is of that a mail is about."""
        teams = self._database.teams.all()
        breach = self._database.get_breach(owed.breach_id) if teams and owed.breach_id else None
        return None if breach is None else teams.get(self._database.definitions()[breach.key].team or "")

    def _holders(self, owed: Notification, answered: str) -> frozenset[str] | None:
        """Who has the mail that this one follows on, or its team's part of it; None: whoever is named."""
        holders, team = self._outbox.holders(answered), self._team_of(owed)
        if holders is None or team is None or not answered.startswith(f"{CATCH_UP_MAIL}:"):
            return holders
        own = self._outbox.holders(f"{answered}/{team.name}")
        return holders.union(receivers_of(team, owed.type) if own is None else own)

    def _tell_teams(self, owed: Notification, now: int) -> None:
        """Owe teams their part of a mail about breaches of the past, which no more are added to now."""
        teams, stored = self._database.teams.all(), self._database.definitions()
        keys = {each.key for each in self._database.breaches_told_in(owed.id)} if teams else set()
        named = {stored[key].team for key in keys}
        told = [each.name for each in teams.values() if each.name in named and each.receivers.breach]
        self._outbox.owe_catch_up_of(owed, told, now)

    def _made(self, owed: Notification, recipients: Sequence[str], now: float) -> tuple[EmailMessage, bytes]:
        """A mail to be sent, and to be kept."""
        built = KINDS[owed.type].build(Sources(self._database, self._settings, int(now)), owed)
        mail = branded(built, self._settings)
        sent = message(
            mail,
            sender=self._settings.report_from,
            recipients=recipients,
            key=owed.key,
            now=now,
            zone=self._settings.timezone,
            answers=KINDS[owed.type].answers(owed),
            name=self._settings.report_sender_name,
        )
        return sent, packed(mail)

    def _send_alone(self, owed: Notification, made: EmailMessage, tried: Sequence[Delivery]) -> bool:
        """To each recipient by itself: the server may break off at one of them."""
        left = False
        broken: BrokenOffError | None = None
        for each in tried:
            try:
                left = self._send(owed, made, [each]) or left
            except BrokenOffError as error:
                broken = error
        if broken is not None and not left:
            raise broken
        return left

    def _send(self, owed: Notification, made: EmailMessage, tried: Sequence[Delivery]) -> bool:
        try:
            refused = self._sender.send(made, [each.recipient for each in tried])
        except Exception as error:  # what fails here has reached nobody
            reason = self._note(owed, _reason(error))
            for each in tried:
                self._failed(owed, each, reason)
            if isinstance(error, MailServerError):
                raise
            return False
        self._errors.pop(owed.id, None)
        unrecorded: DatabaseError | None = None
        for each in tried:
            try:
                self._settle(owed, each, refused.get(each.recipient))
            except DatabaseError as error:  # the outbox remembers it; go on with the others
                unrecorded = error
        if unrecorded is not None:
            raise unrecorded
        return True

    def _settle(self, owed: Notification, delivery: Delivery, refusal: Refusal | None) -> None:
        """Record what became of a try that the mail server has answered. Raises DatabaseError."""
        now = int(self._clock())
        if refusal is None:
            _log.info("mail sent key=%s recipient=%s", owed.key, delivery.recipient)
            self._observe(owed.type, SUCCESS)
            self._outbox.delivered(delivery, now)
        elif refusal.permanent:
            self._gave_up(owed, delivery.recipient, str(refusal))
            self._outbox.gave_up(delivery, str(refusal), now)
        else:
            self._note(owed, f"{delivery.recipient}: {refusal}")
            self._failed(owed, delivery, str(refusal))

    def _note(self, owed: Notification, reason: str) -> str:
        """Remember why a mail did not leave, for `concerns`. Returns the reason."""
        self._errors.pop(owed.id, None)
        self._errors[owed.id] = reason
        return reason

    def _gave_up(self, owed: Notification, recipient: str, reason: str) -> None:
        """Count and remember that a recipient does not get a mail, for `concerns` too."""
        _log.error("mail given up key=%s recipient=%s error=%s", owed.key, recipient, reason)
        self._observe(owed.type, GIVEN_UP)
        self._errors.pop(owed.id, None)
        self._lost.append((self._clock(), f"gave up the {owed.type} mail to {recipient}: {reason}"))

    def _failed(self, owed: Notification, delivery: Delivery, reason: str) -> None:
        if self._outbox.is_old(owed, delivery.attempts, int(self._clock())):
            words = f"for days it was not taken: {reason}"
            self._gave_up(owed, delivery.recipient, words)
            self._outbox.gave_up(delivery, words, int(self._clock()))
            return
        self._observe(owed.type, FAILURE)
        wait = self._outbox.failed(delivery, reason, int(self._clock()))
        _log.warning(
            "mail failed key=%s recipient=%s retry_seconds=%d error=%s",
            owed.key,
            delivery.recipient,
            wait,
            reason,
        )


def _reason(error: Exception) -> str:
    """An error in one line; of one that nobody expected, its type too."""
    text = str(error) if isinstance(error, MailError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())
