"""A store behind a real Prometheus that does not answer, and a target whose samples it would have."""

from __future__ import annotations

from collections.abc import Sequence

from sla_worker.prometheus import HTTPTransport
from sla_worker.settings import read_settings
from unit.sla_worker.setting import Setting

REMOTE = "remote_read: [{{url: 'http://127.0.0.1:{port}/read', read_recent: true, remote_timeout: 2s}}]\n"
"""The store, for the configuration of Prometheus."""


def scraped(times: Sequence[int]) -> list[str]:
    """A target that was scraped at these times, in OpenMetrics' text; of 10 requests a scrape one fails."""
    lines = ["# TYPE requests counter"]
    for code, step in (("200", 9), ("500", 1)):
        lines += [
            f'requests_total{{job="app",instance="a",code="{code}"}} {step * number} {at}'
            for number, at in enumerate(times)
        ]
    lines += ["# TYPE up gauge"]
    lines += [f'up{{job="app",instance="a"}} 1 {at}' for at in times]
    return lines


def using(setting: Setting, url: str) -> None:
    """Start the worker again, now asking there."""
    setting.close()
    setting.prometheus = HTTPTransport(read_settings({"PROMETHEUS_URL": url}).prometheus)  # type: ignore[assignment]
    setting.start()
