"""The worker's real HTTP server on a port of this machine, and requests that say what a browser cannot."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ports import free_port
from sla_worker.web.server import Server
from waiting import patience


@dataclass(frozen=True, slots=True)
class Answer:
    """The names of the headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> str:
        return str(json.loads(self.body)["error"])


@dataclass(frozen=True, slots=True)
class Client:
    """Sends exactly the headers that it is given, besides Host and the length of a body."""

    port: int

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience(30))
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(),
            )
        finally:
            connection.close()

    def post_alerts(self, body: bytes = b'{"alerts": []}', **headers: str) -> Answer:
        """A call of Alertmanager; a header's underscore stands for a dash."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", "/webhook/alertmanager", {"Content-Type": "application/json", **named}, body)


@contextmanager
def served(application: Any) -> Iterator[Client]:
    """A client of the application on the server that the service uses."""
    port = free_port()
    server = Server(application, "127.0.0.1", port)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield Client(port)
    finally:
        server.close()
        thread.join(patience(10))
