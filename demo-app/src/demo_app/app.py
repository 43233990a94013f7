"""Puts the parts together, runs them until SIGTERM or SIGINT, and ends them in order."""

import argparse
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, disable_created_metrics, start_http_server

from demo_app import __version__
from demo_app.agents import all_agents
from demo_app.api import create_api
from demo_app.catalogue import SPECS
from demo_app.circuit_breaker import CircuitBreaker
from demo_app.clock import Clock, Repeater, SystemClock
from demo_app.context import Contexts
from demo_app.database import Database, DatabaseStartError
from demo_app.dead_letter import Replayer
from demo_app.faults import Faults
from demo_app.housekeeping import Chore, Housekeeping
from demo_app.metrics import Metrics, add_runtime_collectors
from demo_app.model import DEPENDENCIES
from demo_app.orchestrator import Orchestrator
from demo_app.settings import Settings, SettingsError, load
from demo_app.state import OBSERVATION_SECONDS as STATE_SECONDS
from demo_app.state import StateReader
from demo_app.traffic import Traffic, arrivals
from demo_app.upstream import Upstream
from demo_app.workers import Spawn, Supervisor, spawn_thread

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 1.0
SUPERVISION_SECONDS: Final = 1.0
RESTART_DELAY_SECONDS: Final = 2.0
BREAKER_OPEN_SECONDS: Final = 30.0
OBSERVATION_SECONDS: Final = 1.0
REPLAY_SECONDS: Final = 10.0
REPLAY_BATCH: Final = 20
DRAIN_SECONDS: Final = 2.5
"""How long the end waits for requests under way: at rest nearly every one is done in 1.5 s."""


class PortInUseError(Exception):
    """A port cannot be bound; the message names it and the variable that moves it."""


@dataclass(frozen=True, slots=True)
class System:
    """The parts of a running demo-app."""

    faults: Faults
    orchestrator: Orchestrator
    supervisor: Supervisor
    housekeeping: Housekeeping
    breakers: Mapping[str, CircuitBreaker]
    database: Database
    traffic: Traffic
    state: StateReader


def build(
    settings: Settings, clock: Clock, registry: CollectorRegistry, spawn: Spawn = spawn_thread
) -> System:
    """Return the parts, joined by their events and not yet started."""
    events = Metrics(registry, [spec.name for spec in SPECS])
    faults = Faults(clock, events)
    breakers = {
        name: CircuitBreaker(
            name, clock=clock, events=events, open_seconds=BREAKER_OPEN_SECONDS / settings.time_scale
        )
        for name in DEPENDENCIES
    }
    contexts = Contexts(faults, clock, events)
    database = Database(settings.data_dir, faults=faults, clock=clock, events=events)
    orchestrator = Orchestrator(
        agents=all_agents(contexts, Upstream(faults, clock), breakers, database, events),
        faults=faults,
        clock=clock,
        events=events,
        heartbeat_seconds=HEARTBEAT_SECONDS / settings.time_scale,
        spawn=spawn,
    )
    supervisor = Supervisor(
        orchestrator.workers,
        faults=faults,
        clock=clock,
        events=events,
        check_seconds=SUPERVISION_SECONDS / settings.time_scale,
        restart_delay_seconds=RESTART_DELAY_SECONDS / settings.time_scale,
    )
    replayer = Replayer(
        orchestrator.dead_letters,
        revive=orchestrator.revive,
        faults=faults,
        events=events,
        batch=REPLAY_BATCH,
    )
    traffic = Traffic(
        arrivals(settings.seed, settings.rate), submit=orchestrator.submit, faults=faults, clock=clock
    )
    state = StateReader(
        clock=clock,
        faults=faults,
        orchestrator=orchestrator,
        breakers=breakers,
        caches=contexts.caches,
        database=database,
        traffic=traffic,
    )
    observation = OBSERVATION_SECONDS / settings.time_scale
    housekeeping = Housekeeping(
        clock,
        [
            *(Chore(observation, breaker.observe) for breaker in breakers.values()),
            Chore(observation, contexts.observe),
            Chore(observation, database.observe),
            Chore(observation, orchestrator.dead_letters.observe),
            Chore(REPLAY_SECONDS / settings.time_scale, replayer.replay),
            Chore(STATE_SECONDS, state.observe),  # for people, who see seconds: not divided
        ],
    )
    return System(faults, orchestrator, supervisor, housekeeping, breakers, database, traffic, state)


class Service:
    """A system at work: workers, supervision, housekeeping, traffic."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._supervision = Repeater("supervisor", system.supervisor.step)
        self._housekeeping = Repeater("housekeeping", system.housekeeping.step)
        self._traffic = Repeater("traffic", system.traffic.step)

    def start(self) -> None:
        """Start the threads, workers first."""
        self._system.orchestrator.start()
        self._supervision.start()
        self._housekeeping.start()
        self._traffic.start()

    def stop(self) -> None:
        """End the traffic, let requests under way finish for a moment, then end the rest."""
        self._traffic.stop()
        until = time.monotonic() + DRAIN_SECONDS
        while (waiting := self._system.orchestrator.counts().waiting) and time.monotonic() < until:
            time.sleep(0.02)
        self._housekeeping.stop()
        self._supervision.stop()
        self._system.orchestrator.stop()
        if not any(worker.alive for worker in self._system.orchestrator.workers):
            self._system.database.close()
        log.info("stopped requests_abandoned=%d", waiting)

    def ailments(self) -> list[str]:
        """Return the reasons why the system is not well; none when it is."""
        reasons = [
            f"the thread {thread.name} has ended"
            for thread in (self._supervision, self._housekeeping, self._traffic)
            if not thread.alive
        ]
        if not any(worker.alive for worker in self._system.orchestrator.workers):
            reasons.append("no worker is alive")
        return reasons


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo-app until SIGTERM or SIGINT, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="demo_app",
        description="A small multi-agent CRM into which faults can be put. Its settings are environment "
        "variables: DEMO_METRICS_PORT, DEMO_API_PORT, DEMO_BIND, DEMO_RATE, DEMO_SEED, DEMO_TIME_SCALE, "
        "DEMO_DATA_DIR, DEMO_TOKEN (each also as NAME_FILE).",
    )
    parser.parse_args(argv)
    _log_to_stderr()
    try:
        run(load(os.environ))
    except (SettingsError, PortInUseError, DatabaseStartError) as error:
        print(f"demo_app: {error}", file=sys.stderr)
        return 2
    return 0


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; raises PortInUseError and DatabaseStartError."""
    # Without this, every counter and histogram comes twice in OpenMetrics, the second time as its birthday.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client left it without types
    clock = SystemClock()
    registry = CollectorRegistry()
    add_runtime_collectors(registry)
    system = build(settings, clock, registry)
    service = Service(system)
    api = create_api(
        faults=system.faults,
        state=system.state.view,
        ailments=service.ailments,
        version=__version__,
        metrics_port=settings.metrics_port,
        token=settings.token,
    )
    with _listen(settings.bind, settings.api_port) as api_socket:
        try:
            metrics_server, metrics_thread = start_http_server(settings.metrics_port, settings.bind, registry)
        except OSError as error:
            raise PortInUseError(_port_text("DEMO_METRICS_PORT", settings.metrics_port, error)) from error
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
            metrics_server.shutdown()
            metrics_server.server_close()
            metrics_thread.join()


def _listen(bind: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        listener = socket.create_server((bind, port), family=family)
    except OSError as error:
        raise PortInUseError(_port_text("DEMO_API_PORT", port, error)) from error
    # asyncio does this only for sockets that it has made; without it, an answer to a connection that is kept
    # open waits 40 ms for the acknowledgement of its own headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _port_text(variable: str, port: int, error: OSError) -> str:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return f"{variable}={port} cannot be bound ({reason}): set {variable} to a free port"


def _serve(api: FastAPI, listener: socket.socket) -> None:
    # uvicorn ends on both signals and then raises them again for whoever handled them before: nobody, here,
    # or the process would end with the signal's code instead of 0.
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
