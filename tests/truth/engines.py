"""Engines that answer the worker from a back-filled world: Prometheus of each version, VictoriaMetrics."""

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
from unit.sla_worker.prometheus_server import binary, directories, serving
from waiting import patience, poll

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
def victoria_metrics(name: str, openmetrics: Path, scratch: Path) -> Iterator[str]:
    """A VictoriaMetrics with all defaults but its place, into which the text is imported."""
    program = shutil.which(name)
    if program is None:
        not_there("no VictoriaMetrics found: NOT TESTED. Install Debian's package victoria-metrics")
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        program,
        f"-storageDataPath={scratch / 'data'}",
        f"-httpListenAddr={url.removeprefix('http://')}",
        "-retentionPeriod=50y",
        "-memory.allowedBytes=128MiB",
    ]
    with (scratch / "log").open("w") as log, httpx.Client(base_url=url, timeout=patience(30)) as client:
        process = subprocess.Popen(command, stdout=log, stderr=log)

        def answers() -> bool:
            assert process.poll() is None, (scratch / "log").read_text()
            return client.get("/health").is_success

        try:
            poll(answers, "VictoriaMetrics to answer", seconds=30)
            _import(client, openmetrics)
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
