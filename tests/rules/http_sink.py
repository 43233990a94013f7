"""An HTTP server that keeps what Alertmanager posts, and answers as the services do."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ports import free_port


@dataclass(frozen=True)
class Request:
    """One request: its path with the query, its headers in lower case, its body."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class HTTPSink:
    """What came, in its order."""

    url: str
    requests: list[Request] = field(default_factory=list)

    def to(self, beginning: str) -> list[Request]:
        """The requests whose path begins so."""
        return [each for each in self.requests if each.path.startswith(beginning)]


@contextlib.contextmanager
def http_sink() -> Iterator[HTTPSink]:
    """Serve until the end: 200 and `ok` below /slack, which Slack says, and 202 elsewhere."""
    port = free_port()
    sink = HTTPSink(f"http://127.0.0.1:{port}")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name is http.server's
            length = int(self.headers["Content-Length"])
            headers = {name.lower(): value for name, value in self.headers.items()}
            sink.requests.append(Request(self.path, headers, json.loads(self.rfile.read(length))))
            is_slack = self.path.startswith("/slack")
            answer = b"ok" if is_slack else b"{}"
            self.send_response(200 if is_slack else 202)
            self.send_header("Content-Type", "text/plain" if is_slack else "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
