"""The whole demo-app on a clock of its own and without threads: a minute of traffic takes milliseconds."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from demo_app.model import AGENTS, TOPICS, WORKERS
from history.app import SetClock, SimulatedApp

FakeClock = SetClock

BUCKETS = ("0.05", "0.1", "0.25", "0.5", "1.0", "2.0", "5.0", "10.0", "15.0", "30.0", "60.0", "+Inf")

REQUESTS = "insa_agent_requests_total"
REQUEST_DURATION = "insa_agent_request_duration_seconds_bucket"
RESTARTS = "insa_worker_restarts_total"
FAILED = "insa_worker_tasks_failed_total"
DELIVERED = "insa_message_bus_delivered_total"
DROPPED = "insa_message_bus_dropped_total"
PROCESSING = "insa_message_bus_processing_duration_seconds_bucket"
SESSIONS = "insa_session_duration_seconds_bucket"
SUMMED = {REQUESTS, REQUEST_DURATION, RESTARTS, FAILED, DELIVERED, DROPPED, PROCESSING, SESSIONS}

Key = tuple[str, frozenset[tuple[str, str]]]
"""The name of a series and its labels."""


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


class Simulation(SimulatedApp):
    """A demo-app step by step, and what its metrics say."""

    def value(self, name: str, **labels: str) -> float:
        """Return one sample; the series must exist."""
        value = self._found({name}).get(_key(name, labels))
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

    def _found(self, names: set[str]) -> dict[Key, float]:
        """Return the samples of these names; nothing else of the registry is collected."""
        return {
            _key(sample.name, sample.labels): sample.value
            for family in self.registry.restricted_registry(names).collect()
            for sample in family.samples
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
        found = self._found(SUMMED)

        def count(name: str, **labels: str) -> int:
            return int(found[_key(name, labels)])

        totals: Counter[str] = Counter()
        for agent in AGENTS:
            for status in ("success", "error", "timeout"):
                totals[status] += count(REQUESTS, agent=agent, status=status)
            for bound in BUCKETS:
                totals[f"le={bound}"] += count(REQUEST_DURATION, agent=agent, le=bound)
        for worker in WORKERS:
            totals["restarts"] += count(RESTARTS, worker_name=worker)
            totals["failed"] += count(FAILED, worker_name=worker)
        for topic in TOPICS:
            totals["delivered"] += count(DELIVERED, topic=topic)
            totals["dropped"] += count(DROPPED, topic=topic)
            totals["delivered in 2 s"] += count(PROCESSING, topic=topic, le="2.0")
        totals["short sessions"] = count(SESSIONS, le="300.0")
        return totals


def _key(name: str, labels: Mapping[str, str]) -> Key:
    return name, frozenset(labels.items())


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
