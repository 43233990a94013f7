"""A server that gives the recorded answers of Grafana 12.4.3, each changed as a test needs it."""

from __future__ import annotations

import base64
import copy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "grafana_12_4_3"
DASHBOARD = "/api/dashboards/uid/insa-sla-monitoring"
HEALTH_OF_DATASOURCE = "/api/datasources/uid/prometheus/health"
RULES = "/api/prometheus/grafana/api/v1/rules"
FILES = {
    "/api/health": "health",
    "/api/datasources": "datasources",
    HEALTH_OF_DATASOURCE: "datasource-health",
    DASHBOARD: "dashboard-insa-sla-monitoring",
    "/api/v1/provisioning/alert-rules": "provisioning-alert-rules",
    "/api/v1/provisioning/contact-points": "contact-points",
    "/api/v1/provisioning/policies": "policies",
    RULES: "rules",
}
PASSWORD = "from-the-test"  # noqa: S105  # not one

Answer = tuple[int, Any]


def recorded(name: str) -> Any:
    """A recorded answer."""
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


class Replay:
    """What the server answers: `answers` by path, `results` by expression; `asked` are the queries."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {path: (200, recorded(name)) for path, name in FILES.items()}
        self.results: Callable[[str], Answer] = lambda _: (200, recorded("ds-query-range"))
        self.asked: list[dict[str, Any]] = []
        self.port = ""

    def change(self, path: str, change: Callable[[Any], object]) -> None:
        """Change the answer of a path in its place."""
        change(self.answers[path][1])

    def get(self, path: str) -> Answer:
        """The answer of a path; Grafana's own for what it does not know."""
        return self.answers.get(path, (404, recorded("dashboard-unknown-404")))

    def query(self, body: dict[str, Any]) -> Answer:
        """The results of all queries of a request, in one answer."""
        self.asked.append(body)
        worst, results = 200, {}
        for query in body["queries"]:
            status, answer = self.results(query["expr"])
            if not isinstance(answer, dict) or "results" not in answer:
                return status, answer
            worst = max(worst, status)
            results[query["refId"]] = copy.deepcopy(answer["results"]["A"])
        return worst, {"results": results}


class _Handler(BaseHTTPRequestHandler):
    replay: Replay

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, answer: Answer) -> None:
        wanted = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        if self.path != "/api/health" and self.headers["Authorization"] != f"Basic {wanted}":
            answer = 401, recorded("wrong-password-401")
        status, content = answer
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        self._answer(self.replay.get(self.path))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(self.replay.query(body))


@contextmanager
def serving() -> Iterator[Replay]:
    """The server, on a free port."""
    replay = Replay()
    handler = type("Handler", (_Handler,), {"replay": replay})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        replay.port = str(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield replay
        finally:
            server.shutdown()
            thread.join()
