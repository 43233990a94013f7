"""Runs the parts until SIGTERM or SIGINT, and stops them in order."""

import argparse
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from typing import Final

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, disable_created_metrics

from demo_app import __version__
from demo_app.api import create_api
from demo_app.clock import Repeater, SystemClock
from demo_app.errors import StartError
from demo_app.exposition import MetricsServer
from demo_app.metrics import add_runtime_collectors
from demo_app.settings import Settings, load
from demo_app.system import System, build

log = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 2.5
"""How long shutdown waits for requests under way: without faults nearly every one is done in 1.5 s."""


class PortInUseError(StartError):
    """A port cannot be bound; the message names it and the variable that sets it."""

    def __init__(self, variable: str, port: int, error: OSError) -> None:
        reason = os.strerror(error.errno) if error.errno else str(error)
        super().__init__(f"{variable}={port} cannot be bound: {reason}", f"set {variable} to a free port")


class Service:
    """A system at work: workers, supervision, housekeeping, message bus, traffic, pressure."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._supervision = Repeater("supervisor", system.supervisor.step)
        self._housekeeping = Repeater("housekeeping", system.housekeeping.step)
        self._bus = Repeater("message bus", system.bus.step, wake=system.bus.changed)
        self._traffic = Repeater("traffic", system.traffic.step)
        self._pressure = Repeater("pressure", system.pressure.step)

    def start(self) -> None:
        """Start the threads, workers first."""
        self._system.orchestrator.start()
        self._supervision.start()
        self._housekeeping.start()
        self._bus.start()
        self._traffic.start()
        self._pressure.start()

    def stop(self) -> None:
        """Stop the traffic, give requests and messages under way a moment to finish, then stop the rest."""
        self._traffic.stop()
        self._pressure.stop()
        self._system.pressure.release()
        until = time.monotonic() + DRAIN_SECONDS
        while any(left := self._left()) and time.monotonic() < until:
            time.sleep(0.02)
        self._housekeeping.stop()
        self._supervision.stop()
        self._system.orchestrator.stop()
        self._bus.stop()
        if not any(worker.alive for worker in self._system.orchestrator.workers):
            self._system.database.close()
            self._system.volume.close()
        log.info("stopped requests_abandoned=%d messages_abandoned=%d", *left)

    def problems(self) -> list[str]:
        """Return the reasons why the system is unhealthy; none when it is healthy."""
        reasons = [
            f"the thread {thread.name} has ended"
            for thread in (self._supervision, self._housekeeping, self._bus, self._traffic, self._pressure)
            if not thread.alive
        ]
        if not any(worker.alive for worker in self._system.orchestrator.workers):
            reasons.append("no worker is alive")
        return reasons

    def _left(self) -> tuple[int, int]:
        """Return how many requests and how many messages are unfinished."""
        requests = self._system.orchestrator.counts().waiting  # first: its end publishes a message
        topics = self._system.bus.counts().values()
        return requests, sum(topic.backlog + topic.under_way for topic in topics)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo-app until SIGTERM or SIGINT, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="demo_app",
        description="A small multi-agent CRM with faults to inject. Its settings are environment "
        "variables: DEMO_METRICS_PORT, DEMO_API_PORT, DEMO_BIND, DEMO_RATE, DEMO_SEED, DEMO_TIME_SCALE, "
        "DEMO_DATA_DIR, DEMO_MEMORY_LIMIT_MIB, DEMO_CPU_LIMIT_CORES, DEMO_RETENTION_DAYS, DEMO_TOKEN (each "
        "also as NAME_FILE).",
    )
    parser.add_argument("--check", action="store_true", help="say whether the settings can be used, and end")
    arguments = parser.parse_args(argv)
    _log_to_stderr()
    try:
        settings = load(os.environ)
        if not arguments.check:
            run(settings)
    except StartError as error:
        print(error.lines, file=sys.stderr)
        return 2
    return 0


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; raises PortInUseError and DatabaseStartError."""
    # Without this, every counter and histogram has a second series in OpenMetrics: the time of its creation.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client left it without types
    clock = SystemClock()
    registry = CollectorRegistry()
    add_runtime_collectors(registry)
    system = build(settings, clock, registry)
    service = Service(system)
    api = create_api(
        faults=system.faults,
        state=system.state.view,
        problems=service.problems,
        version=__version__,
        metrics_port=settings.metrics_port,
        token=settings.token,
    )
    with _listen(settings.bind, settings.api_port) as api_socket:
        try:
            metrics = MetricsServer(settings.bind, settings.metrics_port, system.exposed, system.faults)
        except OSError as error:
            raise PortInUseError("DEMO_METRICS_PORT", settings.metrics_port, error) from error
        metrics.start()
        service.start()
        log.info(
            "started api=%s:%d metrics=%s:%d rate=%g seed=%d",
            settings.bind,
            settings.api_port,
            settings.bind,
            settings.metrics_port,
            settings.rate,
            settings.seed,
        )
        try:
            _serve(api, api_socket)
        finally:
            service.stop()
            metrics.stop()


def _listen(bind: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        listener = socket.create_server((bind, port), family=family)
    except OSError as error:
        raise PortInUseError("DEMO_API_PORT", port, error) from error
    # asyncio does this only for sockets that it created; without it, an answer on a kept-alive connection
    # waits 40 ms for the acknowledgement of its own headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _serve(api: FastAPI, listener: socket.socket) -> None:
    # uvicorn ends on both signals and then raises them again for the previous handlers: none here, or the
    # process would end with the signal's code instead of 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server = uvicorn.Server(
        uvicorn.Config(
            api,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    server.run(sockets=[listener])


def _log_to_stderr() -> None:
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
