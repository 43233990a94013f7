"""The worker's web side as one small WSGI application."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from sla_worker.again import Ask
from sla_worker.errors import SLAWorkerError
from sla_worker.maintaining import Correct, Maintain
from sla_worker.web import api, months, webhook
from sla_worker.web.http import HTML, Answer, HTTPError, json_answer, read_body
from sla_worker.web.pages import Pages
from sla_worker.web.runbooks import Runbooks

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_log = logging.getLogger(__name__)
_AT_ONCE = 3  # of the server's four threads: a database that hangs must not keep /healthz from its answer
_WAIT_SECONDS = 0.5
_METRICS = "text/plain; version=0.0.4; charset=utf-8"
_RUNBOOKS = "/runbooks/"


_LATER = {"Retry-After": "5"}
_Handler = Callable[["WSGIEnvironment"], Answer]


class Application:
    """Answers one request. Errors are JSON with one `error` line; no trace leaves the process."""

    def __init__(
        self,
        pages: Pages,
        runbooks_dir: Path | None,
        *,
        again: Ask,
        maintain: Maintain,
        correct: Correct,
        ledger: str,
    ) -> None:
        self._pages = pages
        self._runbooks = Runbooks(runbooks_dir)
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self._routes: dict[str, tuple[str, _Handler]] = {
            "/": ("GET", self._one_of_few(self._status_page)),
            "/healthz": ("GET", self._health),
            "/metrics": ("GET", lambda _: Answer(pages.metrics(), _METRICS)),
            "/webhook/alertmanager": ("POST", self._one_of_few(self._webhook)),
            "/api/alerts": ("GET", self._one_of_few(lambda environ: api.alerts(pages, environ))),
            "/api/measurements": ("GET", self._one_of_few(lambda environ: api.measurements(pages, environ))),
            "/api/explain": ("GET", self._one_of_few(lambda environ: api.explanation(pages, environ))),
            api.MEASURE_AGAIN: ("POST", lambda environ: api.measure_again(again, ledger, environ)),
            api.STATUS: ("GET", self._one_of_few(lambda environ: api.status(pages, environ))),
            api.COMPLIANCE: ("GET", self._one_of_few(lambda environ: api.compliance(pages, environ))),
            api.CREDITS: ("GET", self._one_of_few(lambda environ: api.credits_owed(pages, environ))),
            api.MAINTENANCE: ("GET", self._one_of_few(lambda _: api.maintenance(pages))),
            api.MAINTAIN: (
                "POST",
                self._one_of_few(lambda environ: api.maintain(maintain, ledger, environ)),
            ),
            api.CORRECTIONS: ("GET", self._one_of_few(lambda _: api.corrections(pages))),
            api.CORRECT: ("POST", self._one_of_few(lambda environ: api.correct(correct, ledger, environ))),
            months.API: ("GET", self._one_of_few(lambda _: months.listed(pages))),
            months.PAGE: ("GET", self._one_of_few(lambda _: months.page(pages))),
            "/runbooks": ("GET", lambda _: self._runbooks.index()),
            _RUNBOOKS: ("GET", lambda _: self._runbooks.index()),
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self._answer(environ).send(environ, start_response)

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        path = environ.get("PATH_INFO") or "/"
        try:
            return self._dispatch(environ, path)
        except HTTPError as error:
            return error.answer()
        except SLAWorkerError as error:
            _log.error("request failed path=%r error=%s", path, error)
            return json_answer({"error": str(error)}, 503)
        except Exception:  # noqa: BLE001 - whatever it is, its trace stays here
            _log.exception("request failed unexpectedly path=%r", path)
            return json_answer({"error": "an error of the sla-worker; its log has the details"}, 500)

    def _dispatch(self, environ: WSGIEnvironment, path: str) -> Answer:
        method, handler = self._routes.get(path, ("", None))
        if handler is None and path.startswith(_RUNBOOKS):
            method, handler = "GET", lambda _: self._runbooks.page(path.removeprefix(_RUNBOOKS))
        if handler is None and months.is_one(path):
            asked_for = self._one_of_few(lambda environ: months.one(self._pages, path, environ))
            method, handler = "GET", asked_for
        if handler is None:
            raise HTTPError(404, f"there is no {path}; there are {', '.join(self._routes)}")
        asked = environ["REQUEST_METHOD"]
        if asked != method and not (asked == "HEAD" and method == "GET"):
            raise HTTPError(405, f"{path} takes {method}, not {asked}", {"Allow": method})
        return handler(environ)

    def _one_of_few(self, handler: _Handler) -> _Handler:
        """A handler that asks the database, and so may have to wait for it."""

        def answer(environ: WSGIEnvironment) -> Answer:
            if not self._free.acquire(timeout=_WAIT_SECONDS):
                raise HTTPError(503, "busy: other requests wait for the database; try again", _LATER)
            try:
                return handler(environ)
            finally:
                self._free.release()

        return answer

    def _status_page(self, environ: WSGIEnvironment) -> Answer:
        asked = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        with api.refused("window"):
            page = self._pages.status_page(asked.get("window", [None])[-1], whole="all" in asked)
        return Answer(page.encode("utf-8", "replace"), HTML)

    def _health(self, _environ: WSGIEnvironment) -> Answer:
        reason = self._pages.health()
        if reason is None:
            warnings = self._pages.warnings()
            return json_answer({"status": "ok", **({"warnings": warnings} if warnings else {})})
        return json_answer({"status": "unhealthy", "reason": reason}, 503)

    def _webhook(self, environ: WSGIEnvironment) -> Answer:
        try:
            call = webhook.parse(read_body(environ), self._pages.now())
        except HTTPError as error:  # Alertmanager does not say it again: what is refused is lost
            _log.error("webhook refused status=%d error=%s", error.status, error)
            raise
        if call.truncated:
            _log.warning("webhook truncated stored=%d left_out=%d", len(call.alerts), call.truncated)
        self._pages.receive(call.alerts, call.truncated)
        return json_answer({"stored": len(call.alerts)})
