"""The worker's web side as one small WSGI application."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sla_worker.again import Ask
from sla_worker.errors import SLAWorkerError
from sla_worker.links import runbook_links
from sla_worker.maintaining import Correct, Maintain
from sla_worker.web.http import Answer, HTTPError, json_answer
from sla_worker.web.kept import Kept, tagged
from sla_worker.web.operations import OPERATIONS, PUBLIC_PAGE, Operation
from sla_worker.web.pages import Pages
from sla_worker.web.request import Parts, Request
from sla_worker.web.runbooks import Runbooks

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_log = logging.getLogger(__name__)
_AT_ONCE = 3  # of the server's four threads: a database that hangs must not keep /healthz from its answer
_WAIT_SECONDS = 0.5
_LATER = {"Retry-After": "5"}


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
        public: bool = False,
    ) -> None:
        """`public`: only what everybody may know, with the public page in the place of the status page."""
        runbooks = Runbooks(runbooks_dir, runbook_links(pages.settings))
        self._parts = Parts(pages, runbooks, again, maintain, correct, ledger, public)
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self._kept = Kept(pages.stamp)
        operations = [each for each in OPERATIONS if each.public or not public]
        self._exact = {each.path: each for each in operations if "{" not in each.path}
        self._patterns = [each for each in operations if "{" in each.path]
        if public:
            self._exact = {"/": self._exact.pop(PUBLIC_PAGE), **self._exact}

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
            line = "the figures cannot be read at the moment; try again" if self._parts.public else str(error)
            return json_answer({"error": line}, 503)
        except Exception:  # noqa: BLE001 - whatever it is, its trace stays here
            _log.exception("request failed unexpectedly path=%r", path)
            return json_answer({"error": "an error of the sla-worker; its log has the details"}, 500)

    def _dispatch(self, environ: WSGIEnvironment, path: str) -> Answer:
        request = self._request(environ, path)
        operation, asked = request.operation, environ["REQUEST_METHOD"]
        if asked != operation.method and not (asked == "HEAD" and operation.method == "GET"):
            line = f"{path} takes {operation.method}, not {asked}"
            raise HTTPError(405, line, {"Allow": operation.method})
        if operation.path.startswith("/api/") and not operation.public:
            request.check_names()
        if operation.free:
            return operation.call(self._parts, request)
        if not operation.kept:
            return self._one_of_few(operation, request)
        key = path, environ.get("QUERY_STRING", "")
        found = self._kept.known(key)
        if found is None:
            found = self._one_of_few(operation, request, lambda make: self._kept.answer(key, make))
        return tagged(found, environ.get("HTTP_IF_NONE_MATCH", ""))

    def _one_of_few(
        self,
        operation: Operation,
        request: Request,
        through: Callable[[Callable[[], Answer]], Answer] = lambda make: make(),
    ) -> Answer:
        """What an operation answers that asks the database, and so may have to wait for it."""
        if not self._free.acquire(timeout=_WAIT_SECONDS):
            raise HTTPError(503, "busy: other requests wait for the database; try again", _LATER)
        try:
            return through(lambda: operation.call(self._parts, request))
        finally:
            self._free.release()

    def _request(self, environ: WSGIEnvironment, path: str) -> Request:
        exact: Operation | None = self._exact.get(path)
        if exact is not None:
            return Request(environ, exact, {})
        for each in self._patterns:
            values = each.match(path)
            if values is not None:
                return Request(environ, each, values)
        raise HTTPError(404, f"there is no {path}; there are {', '.join(self._exact)}")
