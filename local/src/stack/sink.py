"""A stand-in for MailHog where there is none: takes mail by SMTP, shows it, answers a part of its API.

Answered: GET /api/v2/messages (start, limit), GET /api/v2/search?kind=to|from|containing&query=…, DELETE
/api/v1/messages, /api/v2/jim (of its chances AcceptChance alone), and a page with the list, which leads to
each mail. Mail is kept in memory, the newest 5,000.
"""

from __future__ import annotations

import argparse
import html
import itertools
import json
import random
import signal
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string, policy
from email.utils import parseaddr
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

NOTE = "This is a stand-in for MailHog: it lists mail and answers a part of MailHog's API."
_KEPT = 5000
_DEFAULT_LIMIT = 50
_JIM = "/api/v2/jim"


class Jim:
    """Breaks SMTP on purpose, as MailHog's Jim does: a call is accepted with a chance that can be set.

    Off at first. A new setting replaces the whole of the old one, so that a chance which is left out is 0.
    """

    def __init__(self) -> None:
        self._accept_chance: float | None = None

    def setting(self) -> dict[str, float] | None:
        """The chances in MailHog's words; None while Jim is off."""
        return None if self._accept_chance is None else {"AcceptChance": self._accept_chance}

    def set(self, body: bytes) -> None:
        """Take a setting in MailHog's JSON; raises ValueError for anything else."""
        found = json.loads(body)
        chance = found.get("AcceptChance", 0) if isinstance(found, dict) else None
        if not isinstance(chance, int | float):
            raise ValueError("the setting is a JSON object, AcceptChance a number")  # noqa: TRY004  # as json
        self._accept_chance = float(chance)

    def turn_off(self) -> None:
        """Accept every call again."""
        self._accept_chance = None

    def accepts(self) -> bool:
        """Whether the next call is accepted."""
        chance = self._accept_chance
        return chance is None or random.random() < chance  # noqa: S311  # no secret


class Mailbox:
    """The mail that was taken, newest first, as MailHog's JSON."""

    def __init__(self) -> None:
        self.jim = Jim()
        self._lock = threading.Lock()
        self._messages: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._numbers = itertools.count(1)

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Begin one mail, or refuse it."""
        if not self.jim.accepts():
            return "421 4.3.2 Jim does not accept this call"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        """Store one mail."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        message = mailhog_json(next(self._numbers), envelope.mail_from or "", envelope.rcpt_tos, raw)
        with self._lock:
            self._messages.appendleft(message)
        return "250 Ok: queued"

    def find(self, kind: str | None = None, query: str = "") -> list[dict[str, Any]]:
        """All messages, or those whose `from`, `to` or whole text (`containing`) holds `query`."""
        with self._lock:
            messages = list(self._messages)
        return [message for message in messages if kind is None or _matches(message, kind, query.lower())]

    def clear(self) -> None:
        """Forget all mail."""
        with self._lock:
            self._messages.clear()


def mailhog_json(number: int, sender: str, recipients: list[str], raw: bytes) -> dict[str, Any]:
    """One message in the form of MailHog's API v2."""
    text = raw.decode("utf-8", "replace")
    head, _, body = text.partition("\r\n\r\n")
    parsed = message_from_bytes(raw, policy=policy.compat32)
    headers: dict[str, list[str]] = {}
    for name, value in parsed.items():
        unfolded = str(value).replace("\r", "").replace("\n", "")  # as MailHog joins folded lines
        headers.setdefault(name, []).append(unfolded)
    return {
        "ID": f"{number}@sink.example.com",
        "From": _path(sender),
        "To": [_path(recipient) for recipient in recipients],
        "Content": {"Headers": headers, "Body": body if head else text, "Size": len(raw), "MIME": None},
        "Created": datetime.now(UTC).isoformat(),
        "MIME": None,
        "Raw": {"From": sender, "To": recipients, "Data": text, "Helo": ""},
    }


def _path(address: str) -> dict[str, Any]:
    mailbox, _, domain = parseaddr(address)[1].rpartition("@")
    return {"Relays": None, "Mailbox": mailbox, "Domain": domain, "Params": ""}


def _matches(message: dict[str, Any], kind: str, query: str) -> bool:
    raw = message["Raw"]
    fields = {"to": raw["To"], "from": [raw["From"]], "containing": [raw["Data"]]}
    return any(query in field.lower() for field in fields.get(kind, []))


class Page(BaseHTTPRequestHandler):
    """The HTTP side; `mailbox` is set on the class that serve() makes."""

    mailbox: Mailbox

    def do_GET(self) -> None:  # http.server's name
        """A list of messages, as JSON or as a page."""
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/api/v2/messages":
            self._messages(self.mailbox.find(), query)
        elif parts.path == "/api/v2/search":
            self._messages(self.mailbox.find(query.get("kind", ""), query.get("query", "")), query)
        elif parts.path == _JIM:
            setting = self.mailbox.jim.setting()
            if setting is None:
                self._answer(404, "text/plain", b"")
            else:
                self._answer(200, "application/json", json.dumps(setting).encode())
        elif parts.path == "/":
            self._answer(200, "text/html; charset=utf-8", page(self.mailbox.find()).encode())
        elif message := next(
            (one for one in self.mailbox.find() if f"/mail/{one['ID']}" == parts.path), None
        ):
            self._answer(200, *readable(message["Raw"]["Data"]))
        else:
            self._answer(404, "text/plain", f"{parts.path} is not answered here. {NOTE}\n".encode())

    def do_DELETE(self) -> None:  # http.server's name
        """Forget all mail, or turn Jim off."""
        path = urlsplit(self.path).path
        if path == "/api/v1/messages":
            self.mailbox.clear()
            self._answer(200, "text/plain", b"")
        elif path == _JIM and self.mailbox.jim.setting() is not None:
            self.mailbox.jim.turn_off()
            self._answer(200, "text/plain", b"")
        else:
            self._answer(404, "text/plain", f"{NOTE}\n".encode())

    def do_POST(self) -> None:  # http.server's name
        """Turn Jim on; 400 when it is on already."""
        self._set_jim(wanted_on=False, refused=400, done=201)

    def do_PUT(self) -> None:  # http.server's name
        """Give Jim, who is on, a new setting; 404 when it is off."""
        self._set_jim(wanted_on=True, refused=404, done=200)

    def _set_jim(self, *, wanted_on: bool, refused: int, done: int) -> None:
        jim = self.mailbox.jim
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if urlsplit(self.path).path != _JIM:
            self._answer(404, "text/plain", f"{NOTE}\n".encode())
        elif (jim.setting() is not None) is not wanted_on:
            self._answer(refused, "text/plain", b"")
        else:
            try:
                jim.set(body)
            except ValueError as error:
                self._answer(400, "text/plain", f"{error}\n".encode())
            else:
                self._answer(done, "text/plain", b"")

    def _messages(self, found: list[dict[str, Any]], query: dict[str, str]) -> None:
        try:
            start, limit = int(query.get("start", "0")), int(query.get("limit", str(_DEFAULT_LIMIT)))
        except ValueError:
            self._answer(400, "text/plain", b"start and limit are whole numbers\n")
            return
        items = found[start : start + limit]
        body = {"total": len(found), "count": len(items), "start": start, "items": items}
        self._answer(200, "application/json", json.dumps(body).encode())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        # A mail is shown as it came: it may neither run scripts nor fetch anything.
        policy_words = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        self.send_header("Content-Security-Policy", policy_words)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the health check asks every second."""


def readable(raw: str) -> tuple[str, bytes]:
    """The part of a mail that a person reads, HTML before text: its content type and its bytes."""
    message = message_from_string(raw, policy=policy.default)
    part = message.get_body(("html", "plain"))
    if part is None:
        return "text/plain; charset=utf-8", b"This mail has no text.\n"
    return f"{part.get_content_type()}; charset=utf-8", part.get_content().encode()


_STYLE = (
    "body{font:15px system-ui,sans-serif;margin:2em} table{border-collapse:collapse}"
    "td,th{text-align:left;padding:.3em 1em .3em 0} tr+tr{border-top:1px solid #ddd}"
    "td:first-child{white-space:nowrap}"
)


def page(messages: list[dict[str, Any]]) -> str:
    """The list as HTML, everything that came by mail escaped."""
    rows = "".join(_row(message) for message in messages[:500])
    return (
        f"<!doctype html><meta charset=utf-8><title>Mail</title><style>{_STYLE}</style>"
        f"<h1>{len(messages)} mails</h1><p>{NOTE}</p>"
        f"<table><tr><th>Time (UTC)</th><th>From</th><th>To</th><th>Subject</th></tr>{rows}</table>"
    )


def _row(message: dict[str, Any]) -> str:
    subject = ", ".join(message["Content"]["Headers"].get("Subject", [])) or "(no subject)"
    time, sender = message["Created"][:19].replace("T", " "), message["Raw"]["From"]
    cells = [html.escape(each) for each in (time, sender, ", ".join(message["Raw"]["To"]))]
    cells.append(f'<a href="/mail/{html.escape(message["ID"])}">{html.escape(subject)}</a>')
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def serve(smtp_port: int, http_port: int) -> tuple[Controller, ThreadingHTTPServer]:
    """Start both servers on 127.0.0.1 in threads of their own."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=smtp_port, data_size_limit=32 << 20)
    controller.start()
    handler = type("SinkPage", (Page,), {"mailbox": mailbox})
    server = ThreadingHTTPServer(("127.0.0.1", http_port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return controller, server


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=NOTE)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    arguments = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    controller, server = serve(arguments.smtp_port, arguments.http_port)
    print(
        f"{NOTE} SMTP on {arguments.smtp_port}, page on {arguments.http_port}.", file=sys.stderr, flush=True
    )
    stopped.wait()
    server.shutdown()
    server.server_close()
    controller.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
