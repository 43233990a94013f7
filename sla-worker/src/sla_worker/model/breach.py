"""Times in which something was not as it should be: a breach of an SLA, an outage of the alerts."""

from __future__ import annotations

from dataclasses import dataclass

from sla_worker.model.definition import Comparison, title
from sla_worker.model.values import value


@value
class Breach:
    """A time in which an SLA was not kept. `ended_at` is None while it lasts."""

    id: int
    name: str
    key: str
    component: str
    description: str
    severity: str
    unit: str
    comparison: Comparison
    target: float
    worst: float | None
    started_at: int
    ended_at: int | None

    @property
    def title(self) -> str:
        """The SLA, and its component if it has several."""
        return title(self.name, self.component)

    def duration_seconds(self, now: int) -> int:
        """How long the breach lasted, or has lasted at `now`; not less than 0 when the clock went back."""
        return max((now if self.ended_at is None else self.ended_at) - self.started_at, 0)


@dataclass(frozen=True, slots=True)
class WatchdogOutage:
    """A time in which no Watchdog came, so that no alert would have come either.

    It began with the last Watchdog, or with the start of the worker if that was later. `last_received_at` is
    None if none ever came, `ended_at` is None while it lasts.
    """

    id: int
    started_at: int
    last_received_at: int | None
    noticed_at: int
    ended_at: int | None

    def duration_seconds(self, now: int) -> int:
        """How long it lasted, or has lasted at `now`: not less than it took to notice."""
        ended = now if self.ended_at is None else self.ended_at
        return max(ended, self.noticed_at) - self.started_at
