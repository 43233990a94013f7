"""What is known about a fault."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """What a fault does, in which unit and range its intensity is given, and what it should show in.

    `metrics`, `alerts` and `slas` are for people: where to look once the fault is active. Tests hold that
    `metrics` are all that move by a fifth or more, CARRIED aside, and that `alerts` are all that fire at the
    default or the maximum intensity when the fault lasts long enough.
    """

    name: str
    description: str
    unit: str
    minimum: float
    maximum: float
    default: float
    metrics: tuple[str, ...]
    alerts: tuple[str, ...] = ()
    slas: tuple[str, ...] = ()
    whole: bool = False


CARRIED: Final = frozenset(
    {
        "insa_agent_request_duration_seconds",
        "insa_agent_requests_in_flight",
        "insa_worker_task_duration_seconds",
        "insa_worker_tasks_failed_total",
        "insa_worker_tasks_processed_total",
        "insa_worker_utilization_ratio",
    }
)
"""What nearly every fault moves too, since requests end later or differently: a fault lists these only where
they are its main sign."""
