"""Asks a running Grafana over its HTTP API, as its user `admin`."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any

from stack.errors import StackError

_ANSWER_SECONDS = 30
_UNAUTHORIZED, _NOT_FOUND = 401, 404
_SHOWN = 200
# Without proxies: Grafana is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RefusedError(StackError):
    """An answer that says what was wrong with one request; the next may well be answered."""


class NotFoundError(RefusedError):
    """Grafana knows nothing of what it was asked for."""


class Grafana:
    """The Grafana on one port of this machine."""

    def __init__(self, port: str, password: str, env_file: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._credentials = base64.b64encode(f"admin:{password}".encode()).decode()
        self._env_file = env_file

    def get(self, path: str) -> Any:
        """What is at a path; StackError when Grafana does not answer, refuses the password or the request."""
        return self._ask(path)

    def find(self, path: str) -> Any:
        """What is at a path; None when Grafana knows nothing of it."""
        try:
            return self._ask(path)
        except NotFoundError:
            return None

    def query(self, body: dict[str, Any]) -> dict[str, Any]:
        """The results of queries by their refId, those with an error too; each has `frames` or `error`."""
        return dict(self._ask("/api/ds/query", body)["results"])

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310  # http, to this machine
            f"{self.url}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Basic {self._credentials}", "Content-Type": "application/json"},
        )
        try:
            with _OPENER.open(request, timeout=_ANSWER_SECONDS) as answer:
                return self._read(path, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return self._refusal(path, error.code, error.read())
        except OSError as error:
            raise StackError(
                f"Grafana does not answer at {self.url}: {getattr(error, 'reason', error)}",
                "make ps shows whether it runs; GRAFANA_PORT is its port",
            ) from error

    def _read(self, path: str, raw: bytes) -> Any:
        try:
            return json.loads(raw)
        except ValueError as error:
            raise StackError(
                f"what answers at {self.url}{path} is not Grafana: {_beginning(raw)}",
                f"see which program has that port; GRAFANA_PORT in {self._env_file} is Grafana's",
            ) from error

    def _refusal(self, path: str, code: int, raw: bytes) -> Any:
        """The results that an answer of refused queries holds; StackError for all other refusals."""
        if code == _UNAUTHORIZED:
            raise StackError(
                "Grafana refuses the password of its user admin",
                f"make up sets the one that GRAFANA_ADMIN_PASSWORD has in {self._env_file}",
            )
        try:
            answer = json.loads(raw)
        except ValueError:
            answer = None
        if isinstance(answer, dict) and "results" in answer:
            return answer
        said = answer.get("message") if isinstance(answer, dict) else None
        kind = NotFoundError if code == _NOT_FOUND else RefusedError
        raise kind(
            f"Grafana answers {code} to {path}: {said or _beginning(raw)}", "make logs s=grafana says more"
        )


def _beginning(raw: bytes) -> str:
    return raw[:_SHOWN].decode("utf-8", "replace").strip() or "an empty answer"
