"""The values that the modules hand to one another: frozen, checked by whoever makes them.

Ratios are 0 to 1, times are whole epoch seconds, durations are seconds. None means "not known", never 0.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sla_worker.grid import Grid

UNDIVIDED = "all"  # the component of an SLA that is not measured per component

SEVERITIES = ("critical", "high", "medium", "low")
CATEGORIES = (
    "availability",
    "performance",
    "reliability",
    "efficiency",
    "business",
    "compliance",
    "composite",
)


class Comparison(enum.StrEnum):
    """On which side of its target a value is good."""

    AT_LEAST = ">="
    AT_MOST = "<="


class State(enum.IntEnum):
    """What one slot says about its SLA. The numbers stand in the database and never change."""

    MET = 0
    BREACHED = 1
    NO_TRAFFIC = 2
    NO_DATA = 3
    PARTIAL = 4

    @property
    def word(self) -> str:
        """The state as a person reads it: `no data`."""
        return self.name.lower().replace("_", " ")


class Status(enum.IntEnum):
    """How much of what is allowed was used, or why that is unknown. The numbers stand in the database."""

    EXCELLENT = 0
    GOOD = 1
    POOR = 2
    CRITICAL = 3
    NO_TRAFFIC = 4
    NO_DATA = 5
    PARTIAL = 6

    @property
    def label(self) -> str:
        """The status as a label value: `no_data`."""
        return self.name.lower()

    @property
    def word(self) -> str:
        """The status as a person reads it: `no data`."""
        return self.label.replace("_", " ")


class Promise(Protocol):
    """What a value is compared with; a Definition is one."""

    @property
    def comparison(self) -> Comparison: ...
    @property
    def target(self) -> float: ...
    @property
    def unit(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the counts of one slot say: whether the promise was kept, the value, and the allowance used.

    `actual` is in the unit of the target, None when there is no value to show. `used` is 1 at the target.
    """

    kept: bool
    actual: float | None
    used: float


class Sli(Protocol):
    """What is measured, and how; the forms stand in the package sli, and nothing asks which one it is."""

    @property
    def metric_name(self) -> str:
        """The metric's name, without matchers."""
        ...

    @property
    def percentile(self) -> float | None:
        """The percentile that is promised, as a ratio; None for a form that has none."""
        ...

    @property
    def scraped(self) -> str:
        """A selector whose samples show that a scrape took place."""
        ...

    def figures(self, grid: Grid) -> Mapping[str, str]:
        """The expressions that are asked of raw series, by the names of the recording rules."""
        ...

    def judge(self, promise: Promise, good: float, total: float, shown: float | None) -> Judgement:
        """Judge the counts of one slot; `total` is above 0, `shown` is the figure `sla:actual:value`."""
        ...


@dataclass(frozen=True, slots=True)
class Definition:
    """One SLA as the file of definitions gives it. `target` is in `unit` (ratio or seconds)."""

    key: str
    name: str
    category: str
    description: str
    comparison: Comparison
    target: float
    unit: str
    severity: str
    sli: Sli
    component: str = UNDIVIDED

    @property
    def objective_ratio(self) -> float:
        """The share of events that must be good, 0 to 1, whatever the unit of the target."""
        return objective_ratio(self.comparison, self.target, self.percentile)

    @property
    def percentile(self) -> float | None:
        """The percentile of a latency SLA as a ratio; None for the others."""
        return self.sli.percentile


def objective_ratio(comparison: Comparison, target: float, percentile: float | None) -> float:
    """The share of events that must be good: the percentile, else the target or its complement."""
    if percentile is not None:
        return percentile
    if comparison is Comparison.AT_LEAST:
        return target
    return round(1 - target, 12)  # 1 - 0.001 is 0.999, not 0.99900000000000000022


@dataclass(frozen=True, slots=True)
class Figures:
    """What Prometheus says about one slot of one SLA. None: Prometheus returned nothing.

    `good` and `total` are counts of events, `coverage` is measured scrapes ÷ expected ones,
    `actual` is only there for latency: the percentile in seconds.
    """

    good: float | None = None
    total: float | None = None
    coverage: float | None = None
    actual: float | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row of the ledger: the slot ends at `slot` and is one interval long.

    `compliant` is None where the state is neither met nor breached, `actual` is None without traffic.
    """

    key: str
    component: str
    slot: int
    good: float
    total: float
    coverage: float
    actual: float | None
    target: float
    state: State
    status: Status
    late: bool = False

    @property
    def compliant(self) -> bool | None:
        """True: met, False: breached, None: it cannot be said."""
        return {State.MET: True, State.BREACHED: False}.get(self.state)


@dataclass(frozen=True, slots=True)
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

    def duration_seconds(self, now: int) -> int:
        """How long the breach lasted, or has lasted at `now`; not less than 0 when the clock went back."""
        return max((now if self.ended_at is None else self.ended_at) - self.started_at, 0)


@dataclass(frozen=True, slots=True)
class SLAStatus:
    """One SLA over a period that ends at the newest slot.

    `compliance_ratio` is good ÷ total events, None without events. `coverage_ratio` is the measured
    share of the period since the SLA exists. `actual` and `status` are those of the newest slot.
    `meets_target` is None where there is nothing to judge.
    """

    key: str
    name: str
    component: str
    category: str
    severity: str
    unit: str
    comparison: Comparison
    target: float
    objective_ratio: float
    percentile: float | None
    actual: float | None
    status: Status
    slot: int | None
    good: float
    total: float
    compliance_ratio: float | None
    coverage_ratio: float
    in_breach: bool

    @property
    def meets_target(self) -> bool | None:
        """Whether the period's ratio of sums reaches the objective; None without events."""
        if self.compliance_ratio is None:
            return None
        return self.compliance_ratio >= self.objective_ratio

    @property
    def period_actual(self) -> float | None:
        """The period's figure in the target's own terms.

        A ratio that must be low shows its bad share; a percentile cannot be had from counts, so the
        share within the target stands for it. None without events.
        """
        if self.compliance_ratio is None:
            return None
        if self.percentile is None and self.comparison is Comparison.AT_MOST:
            return (self.total - self.good) / self.total
        return self.compliance_ratio


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report over one period says; figures only, no words and no colours.

    `score_ratio` is the share of measured SLAs that kept their target, None when nothing was measured.
    """

    title: str
    start: int
    end: int
    generated_at: int
    statuses: tuple[SLAStatus, ...]
    active_breaches: tuple[Breach, ...]
    period_breaches: int

    @property
    def measured(self) -> tuple[SLAStatus, ...]:
        """The SLAs that had events in the period."""
        return tuple(each for each in self.statuses if each.compliance_ratio is not None)

    @property
    def meeting(self) -> int:
        """How many SLAs kept their target."""
        return sum(each.meets_target is True for each in self.statuses)

    @property
    def score_ratio(self) -> float | None:
        """The overall compliance: SLAs that kept their target ÷ SLAs that were measured."""
        return self.meeting / len(self.measured) if self.measured else None

    @property
    def coverage_ratio(self) -> float:
        """The measured share of the period, all SLAs alike; 0 without SLAs."""
        if not self.statuses:
            return 0.0
        return sum(each.coverage_ratio for each in self.statuses) / len(self.statuses)


@dataclass(frozen=True, slots=True)
class Notification:
    """A mail that is owed. `key` is unique: what stands once in the outbox is sent once."""

    id: int
    type: str
    key: str
    breach_id: int | None
    period_end: int | None
    outage_id: int | None
    created_at: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A mail that is owed to one address. `attempts` were begun; the next is due at `next_attempt_at`."""

    notification_id: int
    kind: str
    recipient: str
    attempts: int
    next_attempt_at: int


@dataclass(frozen=True, slots=True)
class FutureRows:
    """Rows of the ledger that lie after the newest slot that is due: the clock was ahead, or is behind now.

    They count nowhere until their time has come, and are measured again then. `until` is the last one's slot.
    """

    rows: int
    until: int


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


@dataclass(frozen=True, slots=True)
class Mail:
    """A message ready to be sent: plain text and the same as HTML."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class WebhookAlert:
    """One alert of one call of Alertmanager's webhook, as it was sent; times are RFC 3339 texts."""

    status: str
    alertname: str
    receiver: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    received_at: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PassResult:
    """What one pass did: the rows it stored, how many of them late, and how many queries it took."""

    measurements: tuple[Measurement, ...]
    late: int
    queries: int
