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
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, disable_created_metrics

from demo_app import __version__
from demo_app.activity import ActivityFeed
from demo_app.agents import all_agents
from demo_app.api import create_api
from demo_app.backup import Backup
from demo_app.catalogue import SPECS
from demo_app.circuit_breaker import CircuitBreaker
from demo_app.clock import Clock, Repeater, SystemClock
from demo_app.component_scan import ComponentScan
from demo_app.context import Contexts
from demo_app.database import Database, DatabaseStartError
from demo_app.dead_letter import Replayer
from demo_app.exposition import Exposed, MetricsServer
from demo_app.faults import Faults
from demo_app.housekeeping import Chore, Housekeeping
from demo_app.message_bus import MessageBus
from demo_app.metrics import Metrics, add_runtime_collectors
from demo_app.model import DEPENDENCIES, TOPICS
from demo_app.orchestrator import Orchestrator
from demo_app.pressure import CpuBurner, Machine, MemoryBallast, Pressure, ThisProcess
from demo_app.resources import Limits, Resources
from demo_app.sessions import Sessions
from demo_app.settings import Settings, SettingsError, load
from demo_app.state import OBSERVATION_SECONDS as STATE_SECONDS
from demo_app.state import StateReader
from demo_app.traffic import Traffic, arrivals
from demo_app.upstream import Upstream
from demo_app.usage import UsageHistory
from demo_app.volume import DiskBallast, Volume
from demo_app.workers import CRASH_SECONDS, Spawn, Supervisor, spawn_thread

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 1.0
SUPERVISION_SECONDS: Final = 1.0
RESTART_DELAY_SECONDS: Final = 2.0
BREAKER_OPEN_SECONDS: Final = 30.0
OBSERVATION_SECONDS: Final = 1.0
REPLAY_SECONDS: Final = 10.0
REPLAY_BATCH: Final = 40
"""Four letters a second: what ten minutes of the default poison leave, some 900, is gone in four minutes."""
BACKUP_SECONDS: Final = 60.0
SCAN_SECONDS: Final = 300.0
USAGE_SECONDS: Final = 60.0
DAY_SECONDS: Final = 86_400
PACKAGES: Final = ("demo_app", "insa_instruments")
"""Where the components of the application lie."""

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
    bus: MessageBus
    activity: ActivityFeed
    sessions: Sessions
    traffic: Traffic
    volume: Volume
    pressure: Pressure
    exposed: Exposed
    state: StateReader


def build(
    settings: Settings,
    clock: Clock,
    registry: CollectorRegistry,
    spawn: Spawn = spawn_thread,
    machine: Machine | None = None,
) -> System:
    """Return the parts, joined by their events and not yet started.

    `machine` is the process whose resources are measured and used up; None: this one.
    """
    events = Metrics(registry, [spec.name for spec in SPECS])
    faults = Faults(clock, events)
    breakers = {
        name: CircuitBreaker(
            name, clock=clock, events=events, open_seconds=BREAKER_OPEN_SECONDS / settings.time_scale
        )
        for name in DEPENDENCIES
    }
    contexts = Contexts(faults, clock, events)
    volume = Volume(settings.data_dir, events=events)
    database = Database(volume.path, faults=faults, clock=clock, events=events)
    observation = OBSERVATION_SECONDS / settings.time_scale
    bus = MessageBus(TOPICS, faults=faults, clock=clock, events=events, idle_seconds=observation)
    activity = ActivityFeed(clock)
    for topic in TOPICS:
        bus.subscribe(topic, activity.note)
    sessions = Sessions(faults=faults, clock=clock, events=events)
    orchestrator = Orchestrator(
        agents=all_agents(
            contexts, Upstream(faults, clock), breakers, database, publisher=bus, events=events
        ),
        faults=faults,
        clock=clock,
        events=events,
        publisher=bus,
        sessions=sessions,
        heartbeat_seconds=HEARTBEAT_SECONDS / settings.time_scale,
        crash_seconds=CRASH_SECONDS / settings.time_scale,
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
    backup = Backup(database, volume, faults=faults, clock=clock, events=events)
    usage = UsageHistory(
        database,
        volume,
        ended=lambda: orchestrator.counts().ended,
        retention_seconds=settings.retention_days * DAY_SECONDS,
        clock=clock,
        events=events,
    )
    modules = [Path(__file__).parents[1] / package for package in PACKAGES]
    scan = ComponentScan(modules, faults=faults, clock=clock, events=events)
    scan.run()
    machine = machine or ThisProcess()
    limits = Limits(settings.memory_limit_mib * 2**20, settings.cpu_limit_cores)
    resources = Resources(machine, limits, events)
    pressure = Pressure(
        [
            MemoryBallast(machine, limits, faults),
            CpuBurner(machine, limits, faults, clock),
            DiskBallast(volume, faults),
        ]
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
    housekeeping = Housekeeping(
        clock,
        [
            *(Chore(observation, breaker.observe) for breaker in breakers.values()),
            Chore(observation, contexts.observe),
            Chore(observation, database.observe),
            Chore(observation, sessions.observe),
            Chore(observation, orchestrator.batch.step),
            Chore(observation, orchestrator.dead_letters.observe),
            Chore(REPLAY_SECONDS / settings.time_scale, replayer.replay),
            Chore(observation, volume.observe),
            Chore(observation, resources.observe),
            Chore(BACKUP_SECONDS / settings.time_scale, backup.run),
            Chore(SCAN_SECONDS / settings.time_scale, scan.run),
            Chore(USAGE_SECONDS / settings.time_scale, usage.record),
            Chore(STATE_SECONDS, state.observe),  # for people, who see seconds: not divided
        ],
    )
    return System(
        faults=faults,
        orchestrator=orchestrator,
        supervisor=supervisor,
        housekeeping=housekeeping,
        breakers=breakers,
        database=database,
        bus=bus,
        activity=activity,
        sessions=sessions,
        traffic=traffic,
        volume=volume,
        pressure=pressure,
        exposed=Exposed(registry, faults),
        state=state,
    )


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
        """End the traffic, let requests and messages under way finish for a moment, then end the rest."""
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

    def ailments(self) -> list[str]:
        """Return the reasons why the system is not well; none when it is."""
        reasons = [
            f"the thread {thread.name} has ended"
            for thread in (self._supervision, self._housekeeping, self._bus, self._traffic, self._pressure)
            if not thread.alive
        ]
        if not any(worker.alive for worker in self._system.orchestrator.workers):
            reasons.append("no worker is alive")
        return reasons

    def _left(self) -> tuple[int, int]:
        """Return how many requests, and how many messages, are not done."""
        requests = self._system.orchestrator.counts().waiting  # first: its end publishes a message
        topics = self._system.bus.counts().values()
        return requests, sum(topic.backlog + topic.under_way for topic in topics)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo-app until SIGTERM or SIGINT, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="demo_app",
        description="A small multi-agent CRM into which faults can be put. Its settings are environment "
        "variables: DEMO_METRICS_PORT, DEMO_API_PORT, DEMO_BIND, DEMO_RATE, DEMO_SEED, DEMO_TIME_SCALE, "
        "DEMO_DATA_DIR, DEMO_MEMORY_LIMIT_MIB, DEMO_CPU_LIMIT_CORES, DEMO_RETENTION_DAYS, DEMO_TOKEN (each "
        "also as NAME_FILE).",
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
            metrics = MetricsServer(settings.bind, settings.metrics_port, system.exposed, system.faults)
        except OSError as error:
            raise PortInUseError(_port_text("DEMO_METRICS_PORT", settings.metrics_port, error)) from error
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
