"""The whole demo-app on a clock of its own and without threads: a minute of traffic takes milliseconds."""

from collections import Counter
from dataclasses import dataclass

from demo_app.model import AGENTS, TOPICS, WORKERS
from history.app import SetClock, SimulatedApp

FakeClock = SetClock

BUCKETS = ("0.05", "0.1", "0.25", "0.5", "1.0", "2.0", "5.0", "10.0", "15.0", "30.0", "60.0", "+Inf")


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
