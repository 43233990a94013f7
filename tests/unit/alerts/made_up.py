"""A stack whose servers are a function from a request to an answer."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from e2e.live import Stack

Answer = Callable[[httpx.Request], httpx.Response]


def stack_of(answer: Answer, factor: float = 1) -> Stack:
    """A Stack with the servers' names for hosts."""
    return Stack(
        prometheus="http://prometheus",
        alertmanager="http://alertmanager",
        grafana="http://grafana",
        mailhog="http://mailhog",
        demo_metrics="http://demo-metrics",
        demo_api="http://demo-api",
        sla_worker="http://sla-worker",
        factor=factor,
        client=httpx.Client(transport=httpx.MockTransport(answer)),
    )
