"""The worker's web side as one small WSGI application; what it shows is given to it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs

from sla_worker.errors import SLAWorkerError
from sla_worker.model import Measurement, WebhookAlert

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_log = logging.getLogger(__name__)
_MAXIMUM_BODY = 1024 * 1024
_MAXIMUM_LIMIT = 1000
_DEFAULT_LIMIT = 100
_RUNBOOK = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")
_JSON, _HTML, _TEXT = "application/json", "text/html; charset=utf-8", "text/plain; charset=utf-8"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Content Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

Answer = tuple[int, str, bytes]


class Pages(Protocol):
    """What the web side shows and stores."""

    def health(self) -> str | None:
        """None when well, else the reason."""
        ...

    def metrics(self) -> bytes:
        """The metrics as text."""
        ...

    def status_page(self) -> str:
        """The status page as HTML."""
        ...

    def runbook_page(self, name: str, markdown: str) -> str:
        """A runbook as HTML."""
        ...

    def runbook_index(self, names: list[str]) -> str:
        """The list of runbooks as HTML."""
        ...

    def receive(self, alerts: list[WebhookAlert]) -> None:
        """Store alerts."""
        ...

    def newest_alerts(self, limit: int) -> list[WebhookAlert]:
        """The newest alerts, newest first."""
        ...

    def newest_measurements(self, key: str, limit: int) -> list[Measurement]:
        """The newest rows of an SLA, newest first."""
        ...

    def now(self) -> float:
        """Epoch seconds."""
        ...


class _HTTPError(Exception):
    """An answer that is an error: status and one clear line."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


class Application:
    """The WSGI application. Errors are JSON with one `error` line; nothing of a trace leaves the process."""

    def __init__(self, pages: Pages, runbooks_dir: Path | None) -> None:
        self._pages = pages
        self._runbooks_dir = runbooks_dir
        self._routes: dict[str, tuple[str, Callable[[WSGIEnvironment], Answer]]] = {
            "/": ("GET", lambda _: (200, _HTML, pages.status_page().encode())),
            "/healthz": ("GET", self._health),
            "/metrics": ("GET", lambda _: (200, _METRICS, pages.metrics())),
            "/webhook/alertmanager": ("POST", self._webhook),
            "/api/alerts": ("GET", self._alerts),
            "/api/measurements": ("GET", self._measurements),
            "/runbooks": ("GET", self._runbook_index),
            "/runbooks/": ("GET", self._runbook_index),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            status, kind, body = self._dispatch(environ)
        except _HTTPError as error:
            status, kind, body = error.status, _JSON, _json({"error": str(error)})
        except SLAWorkerError as error:
            _log.error("request failed path=%s error=%s", environ.get("PATH_INFO"), error)
            status, kind, body = 503, _JSON, _json({"error": str(error)})
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"),
        ]
        start_response(f"{status} {_REASONS[status]}", headers)
        return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _dispatch(self, environ: WSGIEnvironment) -> Answer:
        path = environ.get("PATH_INFO") or "/"
        method, handler = self._routes.get(path, ("", None))
        if handler is None and path.startswith("/runbooks/"):
            method, handler = "GET", self._runbook
        if handler is None:
            raise _HTTPError(404, f"there is no {path}; there are {', '.join(self._routes)}")
        asked = environ["REQUEST_METHOD"]
        if asked != method and not (asked == "HEAD" and method == "GET"):
            raise _HTTPError(405, f"{path} takes {method}, not {asked}")
        return handler(environ)

    def _health(self, _environ: WSGIEnvironment) -> Answer:
        reason = self._pages.health()
        if reason is None:
            return 200, _JSON, _json({"status": "ok"})
        return 503, _JSON, _json({"status": "unhealthy", "reason": reason})

    def _alerts(self, environ: WSGIEnvironment) -> Answer:
        alerts = [asdict(each) for each in self._pages.newest_alerts(_limit(environ))]
        return 200, _JSON, _json({"alerts": alerts})

    def _measurements(self, environ: WSGIEnvironment) -> Answer:
        key = _parameter(environ, "sla", "")
        if not key:
            raise _HTTPError(400, "sla is missing: give the key of an SLA, such as ?sla=platform-uptime")
        rows = self._pages.newest_measurements(key, _limit(environ))
        if not rows:
            raise _HTTPError(
                404, f"sla={key}: nothing is measured under this key; sla_thresholds.yml names them"
            )
        return 200, _JSON, _json({"measurements": [_row(each) for each in rows]})

    def _webhook(self, environ: WSGIEnvironment) -> Answer:
        alerts = parse_webhook(_body(environ), int(self._pages.now()))
        self._pages.receive(alerts)
        return 200, _JSON, _json({"stored": len(alerts)})

    def _runbook_index(self, _environ: WSGIEnvironment) -> Answer:
        return 200, _HTML, self._pages.runbook_index(self._runbook_names()).encode()

    def _runbook(self, environ: WSGIEnvironment) -> Answer:
        name = environ["PATH_INFO"].removeprefix("/runbooks/")
        # The name is looked up in the directory's listing and never joined to a path.
        if not _RUNBOOK.fullmatch(name) or name not in self._runbook_names() or self._runbooks_dir is None:
            raise _HTTPError(404, f"there is no runbook {name}; /runbooks/ lists those that are there")
        markdown = (self._runbooks_dir / f"{name}.md").read_text(encoding="utf-8", errors="replace")
        return 200, _HTML, self._pages.runbook_page(name, markdown).encode()

    def _runbook_names(self) -> list[str]:
        if self._runbooks_dir is None or not self._runbooks_dir.is_dir():
            return []
        return sorted(each.stem for each in self._runbooks_dir.glob("*.md") if _RUNBOOK.fullmatch(each.stem))


def _parameter(environ: WSGIEnvironment, name: str, default: str) -> str:
    return str(parse_qs(environ.get("QUERY_STRING", "")).get(name, [default])[-1])


def _limit(environ: WSGIEnvironment) -> int:
    text = _parameter(environ, "limit", str(_DEFAULT_LIMIT))
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= _MAXIMUM_LIMIT:
        raise _HTTPError(400, f"limit={text}: give a whole number from 1 to {_MAXIMUM_LIMIT}")
    return int(text)


def _row(row: Measurement) -> dict[str, object]:
    """A row of the ledger with its state and status in words; `slot` is the slot's end in epoch seconds."""
    words = {"sla": row.key, "state": row.state.word, "status": row.status.label}
    return words | {name: value for name, value in asdict(row).items() if name not in {"key", *words}}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _body(environ: WSGIEnvironment) -> bytes:
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdigit():
        raise _HTTPError(411, "the request has no Content-Length")
    if int(length) > _MAXIMUM_BODY:
        raise _HTTPError(413, f"the body has {length} bytes; at most {_MAXIMUM_BODY} are read")
    return environ["wsgi.input"].read(int(length))  # type: ignore[no-any-return]  # WSGI streams are untyped


def parse_webhook(body: bytes, received_at: int) -> list[WebhookAlert]:
    """The alerts of one call of Alertmanager's webhook (version 4). Raises a 400 that says what is wrong."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _HTTPError(400, f"the body is not JSON: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("alerts"), list):
        raise _HTTPError(400, "the body is not a webhook of Alertmanager: `alerts` must be a list")
    receiver = data.get("receiver", "")
    return [
        _alert(each, receiver, position, received_at) for position, each in enumerate(data["alerts"], start=1)
    ]


def _alert(data: Any, receiver: Any, position: int, received_at: int) -> WebhookAlert:
    def texts(name: str) -> dict[str, str]:
        value = data.get(name) or {}
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise _HTTPError(400, f"alert {position}: `{name}` must be an object of texts")
        return value

    if not isinstance(data, dict):
        raise _HTTPError(400, f"alert {position} is not an object")
    status = data.get("status")
    if status not in {"firing", "resolved"}:
        raise _HTTPError(400, f"alert {position}: `status` is {status!r}; it must be firing or resolved")
    labels = texts("labels")
    return WebhookAlert(
        status=status,
        alertname=labels.get("alertname", ""),
        receiver=str(receiver),
        labels=labels,
        annotations=texts("annotations"),
        starts_at=str(data.get("startsAt", "")),
        ends_at=str(data.get("endsAt", "")),
        received_at=received_at,
        fingerprint=str(data.get("fingerprint", "")),
    )
