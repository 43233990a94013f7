"""Answers of the web side, and the errors among them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

JSON, HTML, TEXT = "application/json", "text/html; charset=utf-8", "text/plain; charset=utf-8"
CSV = "text/csv; charset=utf-8"
ZIP: Final = "application/zip"
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
"""Of pages: nothing may be framed, sent or loaded from elsewhere."""
FORM_POLICY: Final = POLICY.replace("form-action 'none'", "form-action 'self'")
"""Of pages that have a form to search."""
SANDBOX: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        f"{POLICY}; img-src data:; sandbox allow-popups allow-popups-to-escape-sandbox allow-downloads"
    ),
    "Cross-Origin-Opener-Policy": "unsafe-none",  # a browser refuses another one beside a sandbox
}
"""Of HTML that was kept: it has no origin, runs and sends nothing, and loads nothing but what it holds."""
MAXIMUM_BODY: Final = 4 * 1024 * 1024
"""Alertmanager drops what is refused as too large. Its max_alerts (1,000) of 4 KiB each fit in."""
_CHUNK = 64 * 1024
_PHRASES = {413: "Content Too Large"}  # older Pythons call it otherwise


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    body: bytes
    kind: str = JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def send(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request with it. Nothing may be kept, framed, guessed at or loaded from elsewhere."""
        self._begin(len(self.body), start_response)
        return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [self.body]

    def _begin(self, length: int, start_response: StartResponse) -> None:
        fields = {
            "Content-Type": self.kind,
            "Content-Length": str(length),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": POLICY,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            **self.headers,
        }
        phrase = _PHRASES.get(self.status) or HTTPStatus(self.status).phrase
        start_response(f"{self.status} {phrase}", list(fields.items()))


@dataclass(frozen=True, slots=True)
class Download(Answer):
    """A file, which is never in memory as a whole; the server reads and closes it."""

    path: Path = Path()

    def send(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """As of any answer. Raises OSError where the file cannot be read."""
        file = self.path.open("rb")
        self._begin(os.fstat(file.fileno()).st_size, start_response)
        if environ["REQUEST_METHOD"] == "HEAD":
            file.close()
            return [b""]
        made: Iterable[bytes] = environ["wsgi.file_wrapper"](file, _CHUNK)  # of our server
        return made


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A value as JSON. Half a surrogate pair, which no UTF-8 can hold, becomes a question mark."""
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    return Answer(body, JSON, status, headers or {})


class HTTPError(Exception):
    """An answer that is an error: status and one clear line."""

    def __init__(self, status: int, line: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(line)
        self.status = status
        self.headers = headers or {}

    def answer(self) -> Answer:
        """The error as JSON with one `error` line."""
        return json_answer({"error": str(self)}, self.status, self.headers)


def read_body(environ: WSGIEnvironment) -> bytes:
    """The whole body of a request. Raises 415, 411, 413 or 400."""
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # a page of another site can send text/plain without asking first
        raise HTTPError(415, f"Content-Type is {kind or 'missing'}: send application/json")
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()):
        raise HTTPError(411, "the request has no Content-Length")
    if len(length) > 10 or int(length) > MAXIMUM_BODY:  # noqa: PLR2004 - more digits than any size
        raise HTTPError(
            413,
            f"the body has {length} bytes, more than {MAXIMUM_BODY}: lower max_alerts in alertmanager.yml",
        )
    body: bytes = environ["wsgi.input"].read(int(length))
    if len(body) < int(length):
        raise HTTPError(400, f"the body ends after {len(body)} of {length} bytes")
    return body
