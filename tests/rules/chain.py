"""A real Prometheus that evaluates rules every second and sends its alerts to a real Alertmanager."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from ports import free_ports
from rules.binaries import found
from rules.mails import ROOT, Post
from waiting import patience, poll

RESEND_DELAY = re.compile(r"--rules\.alert\.resend-delay=\$\{ALERT_RESEND_DELAY:-1m\}(\S*)")


def resend_flag(delay: str) -> str:
    """The flag of docker-compose.yml with ALERT_RESEND_DELAY set to `delay`."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    [mark] = [
        found[1]
        for each in compose["services"]["prometheus"]["command"]
        if (found := RESEND_DELAY.match(each))
    ]
    return f"--rules.alert.resend-delay={delay}{mark}"


class Application:
    """A program under watch: serves the metrics that are set in `samples`, at /metrics."""

    def __init__(self) -> None:
        self.samples: dict[str, float | str] = {}  # a value, or as text with its time in milliseconds
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name is http.server's
                lines = [f"{series} {value}\n" for series, value in application.samples.copy().items()]
                body = "".join(lines).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Prometheus:
    """A Prometheus in a directory of its own; `start` again after `kill` finds its data."""

    def __init__(
        self,
        program: Path,
        directory: Path,
        *,
        rules: Mapping[str, Any],
        post: Post,
        targets: Mapping[str, str],
        flags: tuple[str, ...] = (),
    ) -> None:
        self._directory = directory
        self._flags = flags
        self._program = program
        self._log = directory / "prometheus.log"
        [port] = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None
        (directory / "rules.yml").write_text(yaml.safe_dump(dict(rules)))
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(directory / "rules.yml")],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [post.url.removeprefix("http://")]}]}]
            },
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [address]}]}
                for job, address in targets.items()
            ],
        }
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._directory / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._directory / 'data'}",
                    f"--web.listen-address={self.url.removeprefix('http://')}",
                    "--rules.alert.for-grace-period=0s",
                    resend_flag("1s"),
                    *self._flags,
                ],
                cwd=self._directory,
                stdout=out,
                stderr=out,
            )
        poll(self._ready, "Prometheus ready", seconds=20)

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"Prometheus has ended: {self._log.read_text()}"
        return httpx.get(f"{self.url}/-/ready", trust_env=False, timeout=patience(5)).is_success

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, without leave to say goodbye, frozen or not."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=patience(30))
            self._process = None


@contextlib.contextmanager
def running_prometheus(
    program: Path, directory: Path, *, rules: Mapping[str, Any], post: Post, targets: Mapping[str, str]
) -> Iterator[Prometheus]:
    """Start Prometheus with rules and targets (job to address), end it afterwards."""
    server = Prometheus(program, directory, rules=rules, post=post, targets=targets)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def serving_application() -> Iterator[Application]:
    """Serve metrics until the end."""
    application = Application()
    try:
        yield application
    finally:
        application.close()


def pairs() -> list[Any]:
    """The oldest Prometheus with the oldest Alertmanager there is, and the newest with the newest."""
    ends = [(list(found(name).items()) or [("none", None)]) for name in ("prometheus", "alertmanager")]
    chosen = dict.fromkeys((tuple(each[at] for each in ends)) for at in (0, -1))
    return [
        pytest.param((one, other), id=f"prometheus-{first}-alertmanager-{second}")
        for (first, one), (second, other) in chosen
    ]
