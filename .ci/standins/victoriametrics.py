"""Stands in for one part of a VictoriaMetrics cluster in CI, over Debian's VictoriaMetrics.

A store is that, a single node. What is written goes to every store, as with one copy a store; a query goes to
the first store that answers, and answers are not merged.
"""

from __future__ import annotations

import http
import http.server
import os
import sys
import urllib.error
import urllib.request

STORE = "/standin/victoria-metrics"
STORE_PORT = 8482
TENANT = "/0/prometheus"
TIMEOUT_SECONDS = 30
KEPT = ("Content-Type", "Content-Encoding", "X-Prometheus-Remote-Write-Version", "Accept-Encoding")


def values(flag: str, words: list[str]) -> list[str]:
    """The values of a flag that may be there more than once."""
    return [word.removeprefix(f"-{flag}=") for word in words if word.startswith(f"-{flag}=")]


class Part(http.server.BaseHTTPRequestHandler):
    """vminsert or vmselect: passes on what comes for the one tenant."""

    protocol_version = "HTTP/1.1"
    stores: tuple[str, ...] = ()
    prefix = ""
    to_all = False

    def do_GET(self) -> None:
        self.pass_on(None)

    def do_POST(self) -> None:
        self.pass_on(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def pass_on(self, body: bytes | None) -> None:
        if self.path == "/health":
            self.answer(200, "text/plain", b"OK")
        elif self.path == "/metrics":
            self.answer(200, "text/plain; version=0.0.4", b"victoriametrics_standin_info 1\n")
        elif not self.path.startswith(f"{self.prefix}{TENANT}/"):
            self.answer(404, "text/plain", b"This is a stand-in for CI, not VictoriaMetrics.\n")
        else:
            self.ask(self.path.removeprefix(f"{self.prefix}{TENANT}"), body)

    def ask(self, path: str, body: bytes | None) -> None:
        answers = []
        for store in self.stores:
            headers = {name: self.headers[name] for name in KEPT if self.headers.get(name)}
            request = urllib.request.Request(f"http://{store}:{STORE_PORT}{path}", body, headers)
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as found:  # noqa: S310  # http
                    answers.append((found.status, found.headers.get("Content-Type") or "", found.read()))
            except urllib.error.HTTPError as error:
                answers.append((error.code, error.headers.get("Content-Type") or "", error.read()))
            except OSError:
                continue
            if not self.to_all:
                break
        self.answer(*(min(answers) if answers else (503, "text/plain", b"no store answers\n")))

    def answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if status != http.HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""


def main(part: str, words: list[str]) -> None:
    if part == "vmstorage":
        known = [word for word in words if not word.startswith(("-vminsertAddr=", "-vmselectAddr="))]
        os.execv(STORE, [STORE, *known])  # noqa: S606  # it is in the image
    Part.stores = tuple(each.partition(":")[0] for each in values("storageNode", words))
    Part.prefix, Part.to_all = ("/insert", True) if part == "vminsert" else ("/select", False)
    port = int(values("httpListenAddr", words)[0].rpartition(":")[2])
    http.server.ThreadingHTTPServer(("", port), Part).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
