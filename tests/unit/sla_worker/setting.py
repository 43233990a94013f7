"""A worker with injected clock and Prometheus, and a mail server that keeps what it is given."""

from __future__ import annotations

import email
import io
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

from ports import free_port
from sla_worker.definitions import read_definitions
from sla_worker.service import build
from sla_worker.settings import read_settings
from unit.sla_worker.fake_prometheus import SLOT, THREE, FakePrometheus
from waiting import patience

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class Mailbox:
    """Takes mails as an SMTP server does."""

    def __init__(self, port: int, **how: Any) -> None:
        self.mails: list[Message] = []
        self.recipients: list[list[str]] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=port, ready_timeout=patience(5), **how)

    def __enter__(self) -> Mailbox:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
        self, _server: object, _session: object, envelope: Any
    ) -> str:
        self.mails.append(email.message_from_bytes(envelope.content))
        self.recipients.append(envelope.rcpt_tos)
        return "250 taken"

    def part(self, kind: str) -> str:
        [mail] = self.mails
        [found] = [each for each in mail.walk() if each.get_content_type() == kind]
        payload = found.get_payload(decode=True)
        assert isinstance(payload, bytes)
        return payload.decode()


class Setting:
    """A worker whose clock stands 45 s after SLOT until a test moves it."""

    def __init__(self, directory: Path, *, sender: Any = None, **environ: str) -> None:
        self.now = SLOT + 45.0
        self.answer_seconds = 0.0  # what an answer of Prometheus takes
        self.smtp_port = free_port()
        self.sender = sender
        self.environ = {
            "SLA_DATABASE_PATH": str(directory / "sla.db"),
            "SLA_DEFINITIONS": str(THREE),
            "SMTP_PORT": str(self.smtp_port),
            "RUNBOOKS_DIR": str(directory / "runbooks"),
            "SLA_SETTLE_SECONDS": "45",
            "SLA_WATCHDOG_SECONDS": "0",  # the clock jumps; who waits for the Watchdog says so
            **environ,
        }
        self.prometheus = FakePrometheus(read_definitions(Path(self.environ["SLA_DEFINITIONS"])))
        self.start()

    def start(self) -> None:
        settings = read_settings(self.environ)
        self.service = build(
            settings,
            clock=lambda: self.now,
            monotonic=self._monotonic,
            transport=self.prometheus,
            sender=self.sender,
        )

    def _monotonic(self) -> float:
        """The clock, and what answers took so far; a test may have put a real transport in their place."""
        return self.now + self.answer_seconds * len(getattr(self.prometheus, "asked", ()))

    def step(self) -> None:
        """One turn of both loops: what is due is measured, and what is owed is mailed."""
        self.service.step()

    def close(self) -> None:
        self.service.close()

    def ask(self, path: str, method: str = "GET", body: bytes = b"", **extra: str) -> tuple[str, str]:
        return ask(self.service.application, path, method, body, **extra)


def ask(
    application: WSGIApplication, path: str, method: str = "GET", body: bytes = b"", **extra: str
) -> tuple[str, str]:
    """Status line and text of an answer."""
    path, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_HOST": "localhost:8080",
        "CONTENT_TYPE": "application/json",
        **extra,
    }
    status: list[str] = []

    def start_response(line: str, *_: object) -> Any:
        status.append(line)

    text = b"".join(application(environ, start_response)).decode()
    return status[0], text
