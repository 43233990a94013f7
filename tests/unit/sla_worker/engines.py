"""Engines that answer the worker: Prometheus of each version, and VictoriaMetrics in its place."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from ports import free_port
from programs import not_there
from sla_worker.prometheus import PrometheusClient
from unit.sla_worker.prometheus_server import binary, client_of, directories, running, serving
from waiting import NEW_CONNECTIONS, patience, poll

VICTORIA_METRICS = "victoria-metrics"
_LINES_A_REQUEST = 100_000


def engines() -> list[str]:
    """Every engine to test with: the directory of a Prometheus, or the name of VictoriaMetrics."""
    return [*directories(), VICTORIA_METRICS]


@contextmanager
def serving_world(engine: str, openmetrics: Path, scratch: Path) -> Iterator[str]:
    """The engine with the samples of that text; yields its URL. Missing: fails on CI, else skips loudly."""
    scratch.mkdir(exist_ok=True)
    with (victoria_metrics if engine == VICTORIA_METRICS else prometheus)(
        engine, openmetrics, scratch
    ) as url:
        yield url


@contextmanager
def prometheus(directory: str, openmetrics: Path, scratch: Path) -> Iterator[str]:
    """A Prometheus of that directory, with the blocks that its promtool makes of the text."""
    data = scratch / "data"
    subprocess.run(
        [
            binary(directory, "promtool"),
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            "--max-block-duration=744h",  # with the default of 2 h a month takes minutes instead of seconds
            "--quiet",
            str(openmetrics),
            str(data),
        ],
        check=True,
        capture_output=True,
    )
    with serving(directory, data) as url:
        yield url


@contextmanager
def loaded(engine: str, text: str, scratch: Path) -> Iterator[PrometheusClient]:
    """A client of the engine with the samples of an OpenMetrics text."""
    openmetrics = scratch / "input.om"
    openmetrics.write_text(text)
    with serving_world(engine, openmetrics, scratch / "engine") as url:
        yield client_of(url)


@contextmanager
def deduplicating(interval: str, text: str, scratch: Path) -> Iterator[PrometheusClient]:
    """A client of a VictoriaMetrics that leaves out all but one sample of a series within so long."""
    openmetrics = scratch / "input.om"
    openmetrics.write_text(text)
    with (
        _serving_victoria_metrics(scratch, f"-dedup.minScrapeInterval={interval}") as url,
        httpx.Client(base_url=url, timeout=patience(30), limits=NEW_CONNECTIONS) as client,
    ):
        _import(client, openmetrics)
        yield client_of(url)


@contextmanager
def scraping(engine: str, config: str, scratch: Path) -> Iterator[PrometheusClient]:
    """A client of the engine while it scrapes by that configuration."""
    if engine != VICTORIA_METRICS:
        with running(engine, scratch / "data", config) as client:
            yield client
        return
    file = scratch / "scrape.yml"
    file.write_text(config)
    with _serving_victoria_metrics(scratch, f"-promscrape.config={file}") as url:
        yield client_of(url)


@contextmanager
def victoria_metrics(_name: str, openmetrics: Path, scratch: Path) -> Iterator[str]:
    """A VictoriaMetrics into which the text is imported; yields its URL."""
    with (
        _serving_victoria_metrics(scratch) as url,
        httpx.Client(base_url=url, timeout=patience(30), limits=NEW_CONNECTIONS) as client,
    ):
        _import(client, openmetrics)
        yield url


@contextmanager
def _serving_victoria_metrics(scratch: Path, *arguments: str) -> Iterator[str]:
    """One with all defaults but its place and how long it keeps samples."""
    program = shutil.which(VICTORIA_METRICS)
    if program is None:
        not_there("no VictoriaMetrics found: NOT TESTED. Install Debian's package victoria-metrics")
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        program,
        f"-storageDataPath={scratch / 'data'}",
        f"-httpListenAddr={url.removeprefix('http://')}",
        "-retentionPeriod=50y",
        "-memory.allowedBytes=128MiB",
        *arguments,
    ]
    with (scratch / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)

        def answers() -> bool:
            assert process.poll() is None, (scratch / "log").read_text()
            return httpx.get(f"{url}/health", trust_env=False, timeout=patience(5)).is_success

        try:
            poll(answers, "VictoriaMetrics to answer", seconds=30)
            yield url
        finally:
            process.terminate()
            process.wait(patience(10))


def _import(client: httpx.Client, openmetrics: Path) -> None:
    """The samples as Prometheus' text format has them: with milliseconds where OpenMetrics has seconds."""
    with openmetrics.open(encoding="ascii") as text:
        samples = (line for line in text if not line.startswith("#"))
        for lines in iter(lambda: list(itertools.islice(samples, _LINES_A_REQUEST)), []):
            body = "".join(map(_in_milliseconds, lines))
            client.post("/api/v1/import/prometheus", content=body).raise_for_status()
    client.get("/internal/force_flush").raise_for_status()


def _in_milliseconds(line: str) -> str:
    sample, _, moment = line.rpartition(" ")
    return f"{sample} {moment.replace('.', '')}"  # three digits stand behind the point
