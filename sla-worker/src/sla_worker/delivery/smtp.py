"""Hands a message to the mail server and says what became of it, recipient by recipient."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from sla_worker.errors import BrokenOffError, MailError, MailServerError
from sla_worker.settings import SMTPSettings

if TYPE_CHECKING:
    import ssl

_LONGEST_LINE = 998
"""Characters; RFC 5322, section 2.1.1."""

_TAKEN = range(200, 300)  # whatever is said beside it: who takes a mail to be refused sends it again
_PERMANENT = range(500, 600)
_EXCEEDED = 552  # the mail is too big for the server, or a mailbox is full
_LINE_CHARACTERS = 500

Resolve = Callable[..., Sequence[tuple[Any, ...]]]
"""As `socket.getaddrinfo`."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the server said to a recipient, or to the mail as a whole. `permanent`: do not try again.

    That is so for 5xx, which the server will say next time too; but a mailbox that is full (552) or a mail
    with too many recipients (552, RFC 5321, 4.5.3.1.10) is not so for ever.
    """

    code: int
    text: str
    to_mail: bool = False

    @property
    def permanent(self) -> bool:
        """Whether the server will say the same next time."""
        return self.code in _PERMANENT and (self.to_mail or self.code != _EXCEEDED)

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Mailer:
    """Hands messages to the mail server; a connection each, since there are a few a day.

    `resolve` is asked for the addresses of the server. `confirm` is called at the last moment at which a mail
    can still be kept back: what it raises keeps it back.
    """

    def __init__(
        self,
        settings: SMTPSettings,
        *,
        resolve: Resolve = socket.getaddrinfo,
        confirm: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._resolve = resolve
        self._confirm = confirm

    def send(self, made: EmailMessage, recipients: Sequence[str]) -> Mapping[str, Refusal]:
        """Returns the recipients that were refused; the others have their mail.

        Takes no longer than the settings' timeout, all in all. Raises MailServerError when the server cannot
        be used (BrokenOffError when it was ready, and broke off), MailError when the message cannot be sent
        as it is; then nobody has it.
        """
        try:
            raw = _written(made)
        except (ValueError, LookupError) as error:  # what email raises for values that fit in no message
            raise MailError(f"the mail cannot be written down ({type(error).__name__}: {error})") from error
        settings = self._settings
        deadline = _Deadline(settings.timeout_seconds, self._resolve)
        where = f"the mail server {settings.host}:{settings.port}"
        ready = False
        try:
            with deadline, self._session(deadline) as server:
                ready = True
                return _transaction(server, made["From"], recipients, raw, self._confirm)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            broke_off = ready and not isinstance(error, smtplib.SMTPSenderRefused)
            kind = BrokenOffError if broke_off else MailServerError
            if deadline.passed:
                raise kind(
                    f"{where} did not take the mail within {settings.timeout_seconds:g} s;"
                    " check SMTP_HOST, SMTP_PORT and SMTP_TLS"
                ) from error
            raise kind(
                f"{where} did not take the mail ({type(error).__name__}: {error}); {_fix(error)}"
            ) from error

    @contextlib.contextmanager
    def _session(self, deadline: _Deadline) -> Iterator[smtplib.SMTP]:
        """A connection that is greeted, encrypted and logged in.

        Its end is not waited for: what was taken with 250 is delivered, whatever QUIT is answered.
        """
        settings = self._settings
        kind = _TLSClient if settings.tls == "tls" else _Client
        server = kind(settings.host, deadline)
        try:
            code, text = server.connect(settings.host, settings.port)
            if code != 220:  # noqa: PLR2004 - ready
                raise smtplib.SMTPConnectError(code, text)
            if settings.tls == "starttls":
                server.starttls(context=_tls())
            server.ehlo_or_helo_if_needed()
            if settings.username:
                server.login(settings.username, settings.password or "")
            yield server
            with contextlib.suppress(OSError, smtplib.SMTPException, ValueError):
                server.quit()
        finally:
            server.close()


def _fix(error: Exception) -> str:
    """What to look at when the server cannot be used."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "check SMTP_USERNAME and SMTP_PASSWORD"
    if getattr(error, "verify_code", None) is not None:  # ssl.SSLCertVerificationError, without OpenSSL
        return "check SMTP_HOST, and the certificate of that server: its name, its end and who signed it"
    return "check that it runs, SMTP_HOST and SMTP_PORT"


def _written(made: EmailMessage) -> bytes:
    """The message as it goes over the wire. Raises ValueError or LookupError for one that cannot be written.

    A header is folded only where it must be: MailHog, and some filters, take the second line of a folded
    subject for another header. One that is not ASCII is folded still: RFC 2047 wants lines of 76 characters.
    """
    plain = all(str(value).isascii() for value in made.values())
    policy = made.policy.clone(linesep="\r\n")
    return made.as_bytes(policy=policy.clone(max_line_length=_LONGEST_LINE) if plain else policy)


def _transaction(
    server: smtplib.SMTP,
    sender: str,
    recipients: Sequence[str],
    raw: bytes,
    confirm: Callable[[], None],
) -> Mapping[str, Refusal]:
    """MAIL, one RCPT a recipient, DATA once for those that were taken.

    What is refused at MAIL is the sender, and so every mail, unless it is this one's size.
    """
    code, text = server.mail(sender, [f"size={len(raw)}"] if server.has_extn("size") else [])
    if code == _EXCEEDED:
        return dict.fromkeys(recipients, Refusal(code, _line(text), to_mail=True))
    if code not in _TAKEN:
        raise smtplib.SMTPSenderRefused(code, text, sender)
    refused: dict[str, Refusal] = {}
    for recipient in recipients:
        code, text = server.rcpt(recipient)
        if code not in _TAKEN:
            refused[recipient] = Refusal(code, _line(text))
    taken = [each for each in recipients if each not in refused]
    if taken:
        confirm()
        try:
            code, text = server.data(raw)
        except smtplib.SMTPDataError as error:
            code, text = error.smtp_code, error.smtp_error  # type: ignore[assignment]  # bytes, as everywhere
        if code not in _TAKEN:
            refused |= dict.fromkeys(taken, Refusal(code, _line(text), to_mail=True))
    return refused


def _line(text: bytes) -> str:
    """What a server said, for logs and pages: one line, printable, no longer than anybody reads."""
    said = " ".join(text.decode("utf-8", "replace").split())[:_LINE_CHARACTERS]
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in said)


class _Deadline:
    """Ends a connection once `seconds` are over, however often the server says something in between.

    A timeout of the socket counts from the last byte: a server that drips lines never reaches it.
    """

    def __init__(self, seconds: float, resolve: Resolve) -> None:
        self.seconds = seconds
        self.passed = False
        self._resolve = resolve
        self._end_at = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection that ends in time; each address gets its share of the time that is left."""
        reason: OSError = TimeoutError("there was no time left to connect")
        found = dict.fromkeys(
            address[:2] for *_, address in self._resolve(host, port, type=socket.SOCK_STREAM)
        )
        for left, address in zip(range(len(found), 0, -1), found, strict=True):
            seconds = self._end_at - time.monotonic()
            if seconds <= 0:
                break
            try:
                connection = socket.create_connection(address, seconds / left)
            except OSError as error:
                reason = error
                continue
            connection.settimeout(self.seconds)
            self._watch(connection)
            return connection
        raise reason

    def _watch(self, connection: socket.socket) -> None:
        """End this connection too. A copy is kept: wrapping a socket in TLS takes the first one away."""
        with self._lock:
            self._sockets.append(connection.dup())
            if self.passed:  # just now: nobody comes to end this one
                connection.shutdown(socket.SHUT_RDWR)

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for each in self._sockets:
                each.close()
            self._sockets.clear()


class _Client(smtplib.SMTP):
    """A connection under a deadline."""

    def __init__(self, host: str, deadline: _Deadline) -> None:
        self._deadline = deadline
        super().__init__(timeout=deadline.seconds)
        self._host = host  # whose certificate STARTTLS must show

    def _get_socket(self, host: str, port: int, _timeout: float) -> socket.socket:
        return self._deadline.connect(host, port)


class _TLSClient(_Client):
    """The same, encrypted from the first byte."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain: Any = super()._get_socket(host, port, timeout)
        return _tls().wrap_socket(plain, server_hostname=host)


def _tls() -> ssl.SSLContext:
    import ssl  # noqa: PLC0415 - a worker without TLS does without OpenSSL (lean_openssl)

    return ssl.create_default_context()
