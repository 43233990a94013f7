"""Engines that answer the worker's queries from a back-filled world: Prometheus of each version."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unit.sla_worker.prometheus_server import binary, serving


@contextmanager
def prometheus(directory: str, openmetrics: Path, scratch: Path) -> Iterator[str]:
    """A Prometheus of that directory, with the blocks that its promtool makes of the text; yields its URL."""
    scratch.mkdir(exist_ok=True)
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
