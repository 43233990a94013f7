"""Real Prometheus servers for tests, one of each version that is there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ports import free_port
from rules import binaries
from sla_worker.errors import PrometheusError
from sla_worker.prometheus import HTTPTransport, PrometheusClient
from sla_worker.settings import read_settings
from waiting import patience, poll


def directories() -> list[str]:
    """A directory with `prometheus` and `promtool` for each version; `missing` alone when there is none."""
    return [str(path.parent) for path in binaries.found("prometheus").values()] or ["missing"]


def binary(directory: str, name: str) -> str:
    """The program's path. Missing: fails on CI, elsewhere skips and says why."""
    path = Path(directory) / name
    return str(binaries.required(path if path.is_file() else None, name))


@contextmanager
def running(directory: str, data: Path, config: str = "global: {}\n") -> Iterator[PrometheusClient]:
    """A server on the data directory; yields a client once it answers."""
    with serving(directory, data, config) as url:
        yield client_of(url)


def client_of(url: str) -> PrometheusClient:
    """A client with the worker's usual settings."""
    return PrometheusClient(HTTPTransport(read_settings({"PROMETHEUS_URL": url}).prometheus))


@contextmanager
def serving(directory: str, data: Path, config: str = "global: {}\n", *options: str) -> Iterator[str]:
    """The same, with more options; yields its URL."""
    program = binary(directory, "prometheus")
    port = free_port()
    file = data.parent / "prometheus.yml"
    file.write_text(config)
    log = (data.parent / "prometheus.log").open("w")
    process = subprocess.Popen(
        [
            program,
            f"--config.file={file}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=50y",
            f"--web.listen-address=127.0.0.1:{port}",
            *options,
        ],
        stdout=log,
        stderr=log,
    )
    url = f"http://127.0.0.1:{port}"
    client = client_of(url)

    def answers() -> bool:
        assert process.poll() is None, (data.parent / "prometheus.log").read_text()
        try:
            client.query("vector(1)", 1_700_000_000)
        except PrometheusError:
            return False
        return True

    try:
        poll(answers, "Prometheus to answer", seconds=30)
        yield url
    finally:
        process.terminate()
        process.wait(patience(10))
        log.close()


def load(directory: str, data: Path, openmetrics: str) -> None:
    """Make blocks from a text in the OpenMetrics format."""
    source = data.parent / "input.om"
    source.write_text(openmetrics)
    subprocess.run(
        [binary(directory, "promtool"), "tsdb", "create-blocks-from", "openmetrics", str(source), str(data)],
        check=True,
        capture_output=True,
    )
