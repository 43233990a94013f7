"""The parts of the demo-app, put together: who hears of what, and how often each chore is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from demo_app.activity import ActivityFeed
from demo_app.agents import all_agents
from demo_app.backup import Backup
from demo_app.catalogue import SPECS
from demo_app.circuit_breaker import CircuitBreaker
from demo_app.clock import Clock
from demo_app.component_scan import ComponentScan
from demo_app.context import Contexts
from demo_app.database import Database
from demo_app.dead_letter import Replayer
from demo_app.exposition import Exposed
from demo_app.faults import Faults
from demo_app.housekeeping import Chore, Housekeeping
from demo_app.message_bus import MessageBus
from demo_app.metrics import Metrics
from demo_app.model import DEPENDENCIES, TOPICS
from demo_app.orchestrator import Orchestrator
from demo_app.pressure import CpuBurner, Machine, MemoryBallast, Pressure, ThisProcess
from demo_app.resources import Limits, Resources
from demo_app.sessions import Sessions
from demo_app.settings import Settings
from demo_app.state import OBSERVATION_SECONDS as STATE_SECONDS
from demo_app.state import StateReader
from demo_app.traffic import Traffic, arrivals
from demo_app.upstream import Upstream
from demo_app.usage import UsageHistory
from demo_app.volume import DiskBallast, Volume
from demo_app.workers import CRASH_SECONDS, Spawn, Supervisor, spawn_thread

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
    machine = machine or ThisProcess()
    limits = Limits(settings.memory_limit_mib * 2**20, settings.cpu_limit_cores)
    resources = Resources(machine, limits, clock=clock, events=events)
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
        bus=bus,
        sessions=sessions,
        activity=activity,
        resources=resources,
        volume=volume,
        backup=backup,
        scan=scan,
        usage=usage,
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
