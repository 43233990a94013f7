"""What Prometheus needs for its series: memory, and CPU of a scrape, with no rule and no query beside them.

A target of counters that all rise is scraped every two seconds, 40 times, by a Prometheus of its own for each
size. SERIES=10000,50000 says which.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import httpx

from unit.sla_worker.prometheus_server import directories, serving
from waiting import poll

SIZES = "1000,10000,50000"
SCRAPES, SETTLED = 40, 10
MEBIBYTE = 2**20
CONFIG = """\
global: {{scrape_interval: 2s, scrape_timeout: 2s}}
scrape_configs:
  - job_name: counters
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Figures(NamedTuple):
    """What a Prometheus has taken with so many series."""

    series: int
    resident_bytes: float
    scrape_seconds: float


class Counters(BaseHTTPRequestHandler):
    """Answers with counters that have risen since the last scrape, each by another amount."""

    size = 0
    scrapes = 0

    def do_GET(self) -> None:
        """One scrape."""
        cls = type(self)
        cls.scrapes += 1
        lines = [
            f'bench_requests_total{{path="/p{number // 4}",status="{number % 4}"}}'
            f" {number + cls.scrapes * (number % 17)}\n"
            for number in range(self.size)
        ]
        body = "".join(["# TYPE bench_requests_total counter\n", *lines]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def measured(size: int) -> Figures:
    """The figures of one size."""
    handler = type("Sized", (Counters,), {"size": size, "scrapes": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with tempfile.TemporaryDirectory() as directory:
            config = CONFIG.format(port=server.server_address[1])
            with serving(directories()[-1], Path(directory) / "data", config) as url:
                _scraped(handler, SETTLED)
                before = _own(url)
                _scraped(handler, SETTLED + SCRAPES)
                after = _own(url)
    finally:
        server.shutdown()
        server.server_close()
    cpu = after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
    return Figures(
        round(after["prometheus_tsdb_head_series"]), after["process_resident_memory_bytes"], cpu / SCRAPES
    )


def _scraped(handler: type[Counters], times: int) -> None:
    poll(lambda: handler.scrapes >= times, f"{times} scrapes", seconds=600, every_seconds=0.2)


def _own(url: str) -> dict[str, float]:
    """What Prometheus says of itself, by name, of metrics without labels."""
    lines = httpx.get(f"{url}/metrics", timeout=60).text.splitlines()
    found = (line.rpartition(" ") for line in lines if not line.startswith("#") and "{" not in line)
    return {name: float(value) for name, _, value in found}


def main() -> int:
    """Print the figures, and what a series more takes."""
    least: Figures | None = None
    for size in (int(each) for each in (os.environ.get("SERIES") or SIZES).split(",")):
        found = measured(size)
        least = least or found
        line = (
            f"{found.series:>9,} series: {found.resident_bytes / MEBIBYTE:6.0f} MiB resident,"
            f" {found.scrape_seconds * 1000:6.1f} ms of CPU a scrape"
        )
        if found.series > least.series:
            more = found.series - least.series
            each_bytes = (found.resident_bytes - least.resident_bytes) / more
            each_seconds = (found.scrape_seconds - least.scrape_seconds) / more
            line += f"; a series more {each_bytes / 1024:.1f} KiB and {each_seconds * 1e6:.1f} us"
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
