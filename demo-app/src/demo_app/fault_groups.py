"""Which part of the system a fault belongs to: the part where it shows first."""

from collections.abc import Sequence
from typing import Final

from demo_app.catalogue import FaultSpec

OTHER: Final = "Other"
GROUPS: Final = (
    ("Requests", ("insa_agent_",)),
    ("Workers", ("insa_worker_",)),
    ("Dependencies", ("insa_circuit_breaker_", "insa_retry_")),
    ("Dead letters", ("insa_dlq_",)),
    ("Caches", ("insa_cache_",)),
    ("Database", ("insa_database_",)),
    ("Message bus", ("insa_message_bus_",)),
    ("Sessions", ("insa_session",)),
    ("System", ("insa_system_",)),
    ("Compliance", ("insa_backup_", "insa_scan_", "insa_metrics_retention_")),
    ("Monitoring", ("series_gone", "metrics_gone", "up{", "scrape_")),
)
"""The groups in display order, each with the prefixes of its faults or metrics."""


def groups_of(specs: Sequence[FaultSpec]) -> list[str]:
    """Return the groups that have a fault, in display order."""
    there = {group_of(spec) for spec in specs}
    return [group for group in (*(group for group, _ in GROUPS), OTHER) if group in there]


def group_of(spec: FaultSpec) -> str:
    """Return the group of a fault, by its name or else by the first metric it shows in."""
    for name in (spec.name, *spec.metrics[:1]):
        for group, beginnings in GROUPS:
            if f"{name}{{".startswith(beginnings):  # a name without labels too ends where labels begin
                return group
    return OTHER
