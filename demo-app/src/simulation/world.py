"""The parameters of a simulated world."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class MetricGroup(enum.StrEnum):
    """Metrics that are made together; fewer groups make a smaller and faster world."""

    REQUESTS = "requests"
    WORKERS = "workers"
    CACHES = "caches"
    BREAKERS = "breakers"
    RETRIES = "retries"
    DEAD_LETTERS = "dead_letters"
    DATABASE = "database"
    BUS = "bus"
    SESSIONS = "sessions"
    COMPLIANCE = "compliance"


EVERYTHING = tuple(MetricGroup)


@dataclass(frozen=True, slots=True)
class World:
    """One seed and these parameters are one world, always the same.

    `start` is epoch seconds, `seconds` how long the world lasts. `harshness` multiplies how often anything
    goes wrong: 0 is a world without any trouble, 1 has about one restart a day and replica. `jitter_ms` is by
    how much a scrape may be late. `start_times`: whether processes tell when they began, as all do whose
    client library exposes `process_start_time_seconds`. `lazy` creates the label sets of errors and timeouts
    with their first event instead of at zero, as many programs do.
    """

    seed: int
    start: int
    seconds: int
    scrape_seconds: int = 15
    timezone: str = "Europe/Berlin"
    job: str = "demo-app"
    replicas: int = 2
    agents: tuple[str, ...] = ("crm", "email", "analytics")
    workers: tuple[str, ...] = ("crm-worker", "email-worker")
    groups: tuple[MetricGroup, ...] = EVERYTHING
    requests_per_second: float = 1.0
    harshness: float = 1.0
    jitter_ms: int = 0
    start_times: bool = True
    lazy: bool = True

    @property
    def start_ms(self) -> int:
        return self.start * 1000

    @property
    def end_ms(self) -> int:
        return (self.start + self.seconds) * 1000
