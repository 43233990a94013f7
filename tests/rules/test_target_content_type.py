"""A target that sends no Content-Type, or a wrong one, is healthy in each version of Prometheus."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ports import free_ports
from rules.binaries import each_version_of, required
from stack import rendering
from waiting import patience, poll

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=[None, "text/html"], ids=["none", "html"])
def target(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a program that answers one metric with that Content-Type."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"my_metric 1\n"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            if request.param:
                self.send_header("Content-Type", request.param)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@each_version_of("prometheus")
def test_it_is_scraped(program: Path | None, target: int, tmp_path: Path) -> None:
    prometheus = required(program, "prometheus")
    said = subprocess.run([prometheus, "--version"], capture_output=True, text=True, check=True)
    match = re.search(r"version (\d+)\.(\d+)", said.stdout + said.stderr)
    assert match
    version = (int(match[1]), int(match[2]))
    config = tmp_path / "prometheus.yml"
    shutil.copy(ROOT / "prometheus" / "prometheus.yml", config)
    # As the launcher fits it to a version, without other jobs to wait for.
    rendering.fit_prometheus(
        config, frozenset(), retention_as_flags=version < (3, 11), without_fallback=version < (3, 0)
    )
    fast = {"scrape_interval: 15s": "scrape_interval: 1s", "scrape_timeout: 10s": "scrape_timeout: 1s"}
    for slow, quick in fast.items():
        config.write_text(config.read_text().replace(slow, quick))
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "mine.yml").write_text(f"- targets: ['127.0.0.1:{target}']\n")
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [
            prometheus,
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:

        def health() -> str:
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/api/v1/targets", timeout=patience(5)
                ) as answer:
                    active = json.load(answer)["data"]["activeTargets"]
            except OSError as error:
                return str(error)
            ours = [each for each in active if each["scrapePool"] == "targets"]
            return "".join(f"{each['health']} {each['lastError']}" for each in ours)

        poll(health, "the target to be healthy", seconds=20, until=lambda seen: seen == "up ")
    finally:
        process.terminate()
        process.wait(timeout=patience(20))
