"""The engine that a benchmark asks, Prometheus or VictoriaMetrics, and the CPU that it has used."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.costs import cpu_of
from benchmarks.places import children
from ports import free_port
from sla_worker.prometheus import HTTPTransport, PrometheusClient
from sla_worker.settings import read_settings
from unit.sla_worker.engines import VICTORIA_METRICS, serving_world
from unit.sla_worker.prometheus_server import binary
from waiting import poll

_NAME_LENGTH = 15  # of a process, as the kernel shows it


@dataclass(frozen=True, slots=True)
class Server:
    """An engine of a benchmark. `cpu` returns the seconds of CPU that it has used so far."""

    url: str
    client: PrometheusClient
    cpu: Callable[[], float]


@contextmanager
def prometheus(directory: str, data: Path, up_to: int) -> Iterator[Server]:
    """A Prometheus on the data, which has samples at that time."""
    port = free_port()
    config = data.parent / "prometheus.yml"
    config.write_text("global: {}\n")
    with (data.parent / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [
                binary(directory, "prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=50y",
                f"--web.listen-address=127.0.0.1:{port}",
                "--enable-feature=promql-extended-range-selectors",
            ],
            stdout=log,
            stderr=log,
        )
        url = f"http://127.0.0.1:{port}"
        client = _client(url)

        def ready() -> bool:
            try:
                return bool(client.query("up", up_to).series)
            except Exception:  # noqa: BLE001 - it has not started yet
                return False

        try:
            poll(ready, "Prometheus to answer", seconds=60)
            yield Server(url, client, partial(cpu_of, process.pid))
        finally:
            process.terminate()
            process.wait()


@contextmanager
def victoria_metrics(samples: Path, scratch: Path) -> Iterator[Server]:
    """A VictoriaMetrics with the samples of a text whose times have three digits behind the point."""
    with serving_world(VICTORIA_METRICS, samples, scratch) as url:
        yield Server(url, _client(url), partial(cpu_of, _victoria_metrics()))


def _client(url: str) -> PrometheusClient:
    settings = read_settings({"PROMETHEUS_URL": url, "PROMETHEUS_TIMEOUT_SECONDS": "120"}).prometheus
    return PrometheusClient(HTTPTransport(settings))


def _victoria_metrics() -> int:
    """The process that was started just now. What it says of its own CPU it says late."""
    [found] = [
        each
        for each in children(os.getpid())
        if Path(f"/proc/{each}/comm").read_text(encoding="ascii").strip() == VICTORIA_METRICS[:_NAME_LENGTH]
    ]
    return found
