"""Stands in for Grafana in CI: healthy once all that would provision the real one can be read."""

from __future__ import annotations

import http.server
import json
import pathlib

PROVISIONING = pathlib.Path("/etc/grafana/provisioning")
METRICS = """\
# HELP grafana_standin_info Says that this is not Grafana.
# TYPE grafana_standin_info gauge
grafana_standin_info 1
"""
DASHBOARDS = pathlib.Path("/var/lib/grafana-dashboards")


def problem() -> str | None:
    """What the real Grafana would miss, None when all is there."""
    for kind in ("datasources", "dashboards"):
        if not list((PROVISIONING / kind).glob("*.y*ml")):
            return f"no provisioning file below {PROVISIONING / kind}"
    files = list(DASHBOARDS.glob("**/*.json"))
    if not files:
        return f"no dashboard below {DASHBOARDS}"
    for file in files:
        if not json.loads(file.read_text()).get("uid"):
            return f"{file} has no uid"
    return None


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers the two paths that the bundle asks for, and says what it is on every other."""

    def do_GET(self) -> None:
        missing = problem()
        if self.path == "/api/health":
            body = json.dumps({"database": missing or "ok", "version": "stand-in for CI, not Grafana"})
            self.answer(503 if missing else 200, "application/json", body)
        elif self.path == "/metrics":
            self.answer(200, "text/plain; version=0.0.4", METRICS)
        else:
            self.answer(200, "text/plain", "This is a stand-in for CI, not Grafana.\n")

    def answer(self, status: int, content_type: str, body: str) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("", 3000), Handler).serve_forever()
