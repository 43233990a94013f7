"""The whole demo-app on a clock of its own and without threads: a minute of traffic takes milliseconds."""

import functools
import math
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from demo_app.model import AGENTS, TOPICS, WORKERS
from demo_app.settings import Settings
from demo_app.system import build
from demo_app.workers import Worker, WorkerCrashError
from unit.demo_app.machine import FakeMachine

BUCKETS = ("0.05", "0.1", "0.25", "0.5", "1.0", "2.0", "5.0", "10.0", "15.0", "30.0", "60.0", "+Inf")


Step = Callable[[], float]
"""A turn of a thread's loop; it returns the seconds until the next one."""


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_800_000_000.0 + self.now


@dataclass(frozen=True)
class Figures:
    """What the metrics say of a stretch of time: counts are of the stretch, states of its end."""

    success: float
    error: float
    timeout: float
    over_5s: float
    p95_seconds: float
    restarts: float
    task_failures: float
    healthy: float
    queued: float
    messages: float
    messages_dropped: float
    messages_over_2s: float
    backlog: float
    sessions: float
    sessions_below_300s: float

    @property
    def requests(self) -> float:
        return self.success + self.error + self.timeout


class Simulation:
    """Runs a demo-app step by step; `registry` holds its metrics."""

    def __init__(self, rate: float = 5.0, seed: int = 1) -> None:
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        self.machine = FakeMachine(self.clock)
        self.system = build(
            Settings(rate=rate, seed=seed),
            self.clock,
            self.registry,
            spawn=self._spawned,
            machine=self.machine,
        )
        self.faults = self.system.faults
        self.orchestrator = self.system.orchestrator
        self._steps: dict[str, tuple[Step, threading.Event]] = {
            "traffic": (self.system.traffic.step, threading.Event()),
            "supervisor": (self.system.supervisor.step, threading.Event()),
            "housekeeping": (self.system.housekeeping.step, threading.Event()),
            "pressure": (self.system.pressure.step, threading.Event()),
            **{
                worker.name: (functools.partial(_turn_of, worker), worker.changed)
                for worker in self.orchestrator.workers
            },
            "bus": (self.system.bus.step, self.system.bus.changed),  # after those who publish
        }
        self._due = dict.fromkeys(self._steps, self.clock.now)
        self.orchestrator.start()

    def run(self, seconds: float) -> None:
        """Let `seconds` pass, with every thread's turn when it is due."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self._turn()
            woken = any(changed.is_set() for _, changed in self._steps.values())
            following = self.clock.now if woken else min(self._due.values())
            # A smaller step could be lost in rounding.
            self.clock.now = min(end, max(following, self.clock.now + 1e-6))

    def _turn(self) -> None:
        """Give each thread its turn, if that is due or the thread was woken."""
        for name, (step, changed) in self._steps.items():
            if changed.is_set():
                changed.clear()
            elif self._due[name] > self.clock.now:
                continue
            self._due[name] = self.clock.now + step()

    def _spawned(self, _target: object, name: str) -> None:
        """A worker was started: its thread would turn at once."""
        self._due[name] = self.clock.now

    def value(self, name: str, **labels: str) -> float:
        """Return one sample; the series must exist."""
        value = self.registry.get_sample_value(name, labels)
        assert value is not None, (name, labels)
        return value

    def samples(self) -> dict[str, float]:
        """Return every sample by name and labels."""
        return {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if not sample.name.endswith("_created")
        }

    def figures(self, seconds: float) -> Figures:
        """Run for `seconds` and return what the metrics say of them."""
        before = self._totals()
        self.run(seconds)
        after = self._totals()
        after.subtract(before)
        buckets = [after[f"le={bound}"] for bound in BUCKETS]
        return Figures(
            success=after["success"],
            error=after["error"],
            timeout=after["timeout"],
            over_5s=after["le=+Inf"] - after["le=5.0"],
            p95_seconds=quantile(0.95, buckets),
            restarts=after["restarts"],
            task_failures=after["failed"],
            healthy=sum(self.value("insa_worker_health_status", worker_name=name) for name in WORKERS),
            queued=sum(self.value("insa_worker_queue_depth", worker_name=name) for name in WORKERS),
            messages=after["delivered"],
            messages_dropped=after["dropped"],
            messages_over_2s=after["delivered"] - after["delivered in 2 s"],
            backlog=sum(self.value("insa_message_bus_backlog", topic=topic) for topic in TOPICS),
            sessions=self.value("insa_sessions_active"),
            sessions_below_300s=after["short sessions"],
        )

    def _totals(self) -> Counter[str]:
        totals: Counter[str] = Counter()
        for agent in AGENTS:
            for status in ("success", "error", "timeout"):
                totals[status] += int(self.value("insa_agent_requests_total", agent=agent, status=status))
            for bound in BUCKETS:
                name = "insa_agent_request_duration_seconds_bucket"
                totals[f"le={bound}"] += int(self.value(name, agent=agent, le=bound))
        for worker in WORKERS:
            totals["restarts"] += int(self.value("insa_worker_restarts_total", worker_name=worker))
            totals["failed"] += int(self.value("insa_worker_tasks_failed_total", worker_name=worker))
        for topic in TOPICS:
            totals["delivered"] += int(self.value("insa_message_bus_delivered_total", topic=topic))
            totals["dropped"] += int(self.value("insa_message_bus_dropped_total", topic=topic))
            name = "insa_message_bus_processing_duration_seconds_bucket"
            totals["delivered in 2 s"] += int(self.value(name, topic=topic, le="2.0"))
        totals["short sessions"] = int(self.value("insa_session_duration_seconds_bucket", le="300.0"))
        return totals


def quantile(share: float, cumulative: list[int]) -> float:
    """Return what PromQL's histogram_quantile would: linear within the bucket; NaN without requests."""
    bounds = [float(bound) for bound in BUCKETS]
    if not cumulative[-1]:
        return float("nan")
    rank = share * cumulative[-1]
    index = next(i for i, count in enumerate(cumulative) if count >= rank)
    if index == len(bounds) - 1:
        return bounds[-2]
    low, below = (bounds[index - 1], cumulative[index - 1]) if index else (0.0, 0)
    return low + (bounds[index] - low) * (rank - below) / (cumulative[index] - below)


def _turn_of(worker: Worker) -> float:
    """A turn of a worker; for one that is down there is none until it is started again."""
    try:
        turn = worker.turn() if worker.alive else None
    except WorkerCrashError:  # as in a thread of its own, it has ended and the others go on
        turn = None
    return math.inf if turn is None else turn
