"""A Recorder on a registry of its own, with a clock that a test moves."""

from __future__ import annotations

import dataclasses

from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from insa_instruments import Recorder


@dataclasses.dataclass
class Seconds:
    """A clock that stands until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class Recorded:
    """A Recorder, its clock, and what it has recorded."""

    def __init__(self, max_label_values: int = 100) -> None:
        self.registry = CollectorRegistry()
        self.clock = Seconds()
        self.recorder = Recorder(self.registry, max_label_values=max_label_values, clock=self.clock)

    def value(self, name: str, **labels: str) -> float | None:
        """The value of a series; None when it is not there."""
        return self.registry.get_sample_value(name, labels)

    def requests(self, agent: str) -> dict[str, float]:
        """How many requests ended in each way that any request ended in."""
        return self._nonzero("insa_agent_requests_total", "status", agent=agent)

    def in_flight(self, agent: str) -> float | None:
        """How many requests are in flight."""
        return self.value("insa_agent_requests_in_flight", agent=agent)

    def seconds(self, agent: str) -> float | None:
        """The time that all requests took together."""
        return self.value("insa_agent_request_duration_seconds_sum", agent=agent)

    def queries(self, operation: str) -> dict[str, float]:
        """How many queries ended in each way that any query ended in."""
        return self._nonzero("insa_database_queries_total", "status", operation=operation)

    def errors(self) -> dict[str, float]:
        """How many queries failed, by each kind that there was any of."""
        return self._nonzero("insa_database_errors_total", "kind")

    def counters(self) -> dict[str, float]:
        """Every series of a counter, with its labels, and its value."""
        return {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for sample in self._samples()
            if sample.name.endswith("_total")
        }

    def names(self) -> set[str]:
        """The names of all series that there are."""
        return {sample.name for sample in self._samples() if not sample.name.endswith("_created")}

    def _nonzero(self, name: str, by: str, **labels: str) -> dict[str, float]:
        return {
            sample.labels[by]: sample.value
            for sample in self._samples()
            if sample.name == name and sample.value and labels.items() <= sample.labels.items()
        }

    def _samples(self) -> list[Sample]:
        return [sample for metric in self.registry.collect() for sample in metric.samples]
