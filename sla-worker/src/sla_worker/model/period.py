"""What holds over a period: one SLA, and the report over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from sla_worker.model.breach import Breach
from sla_worker.model.correction import Correction
from sla_worker.model.definition import Comparison, title
from sla_worker.model.exclusion import BadBefore, Exclusion
from sla_worker.model.measurement import Status
from sla_worker.model.values import value


@value
class SLAStatus:
    """One SLA over a period that ends at the newest slot.

    `compliance_ratio` is good ÷ total events, None without events. `coverage_ratio` is the measured
    share of the period since the SLA exists. `actual` and `status` are those of the newest slot.
    `meets_target` is None where there is nothing to judge. `weakest` is the key of the member of a composite
    whose compliance is lowest, beside its name and that compliance.

    `target`, `unit` and `objective_ratio` are what was in force at the end. Where several versions held,
    `changes` says when the later ones began, and `period_objective_ratio` is the share that must be good by
    all of them, weighted by their events; None where it is that of the end. `excluded_seconds` of the period
    do not count: maintenance. `period_seconds` are those since the SLA began, while it was in force, and
    `measured_seconds` those of them by which it was measured.
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
    weakest: str | None = None
    weakest_name: str | None = None
    weakest_ratio: float | None = None
    period_objective_ratio: float | None = None
    changes: tuple[int, ...] = ()
    excluded_seconds: int = 0
    measured_seconds: float = 0.0
    period_seconds: int = 0

    @property
    def held_to_ratio(self) -> float:
        """The share of the period's events that must be good."""
        return self.objective_ratio if self.period_objective_ratio is None else self.period_objective_ratio

    @property
    def title(self) -> str:
        """The SLA, and its component if it has several."""
        return title(self.name, self.component)

    @property
    def meets_target(self) -> bool | None:
        """Whether the period's ratio of sums reaches the objective; None without events."""
        if self.compliance_ratio is None:
            return None
        return self.compliance_ratio >= self.held_to_ratio

    @property
    def burn_rate(self) -> float | None:
        """Bad share ÷ allowed share; None without events, and where nothing is allowed (100 %)."""
        allowed = 1 - self.held_to_ratio
        if self.compliance_ratio is None or allowed <= 0:
            return None
        return (1 - self.compliance_ratio) / allowed

    @property
    def budget_left_ratio(self) -> float | None:
        """1 - bad ÷ allowed, below 0 where more was used; None without events.

        An objective of 100 % has all or, after a bad event, -1.
        """
        if self.compliance_ratio is None:
            return None
        used = self.burn_rate
        if used is None:
            return 1.0 if self.compliance_ratio >= self.held_to_ratio else -1.0
        return 1 - used

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
class Budget:
    """The error budget of one SLA and component over a window.

    `burn_rate` is that of the window, `hour_burn_rate` that of its last hour: at this rate the rest lasts
    `lasts_seconds`, 0 where nothing is left. None: it does not end at this rate, or that cannot be said.
    """

    left_ratio: float | None
    burn_rate: float | None
    hour_burn_rate: float | None
    lasts_seconds: float | None


class _OfStatuses:
    """What is counted over the SLAs of some statuses."""

    __slots__ = ()
    statuses: tuple[SLAStatus, ...]

    @property
    def slas(self) -> int:
        """How many SLAs there are, each with all its components."""
        return len({each.key for each in self.statuses})

    @property
    def measured(self) -> dict[str, bool]:
        """The SLAs that had events in the period, and whether all their components kept the target."""
        found: dict[str, bool] = {}
        for each in self.statuses:
            if each.meets_target is not None:
                found[each.key] = found.get(each.key, True) and each.meets_target
        return found


@dataclass(frozen=True, slots=True)
class Category(_OfStatuses):
    """The SLAs of one category over a period: what failed first, worst first, then what a reader looks at."""

    name: str
    statuses: tuple[SLAStatus, ...]

    @property
    def without_data(self) -> int:
        """How many SLAs have a component of which nothing was measured."""
        return len({each.key for each in self.statuses if _without_data(each)})

    @property
    def in_breach(self) -> int:
        """How many SLAs have a breach that lasts."""
        return len({each.key for each in self.statuses if each.in_breach})

    @property
    def is_healthy(self) -> bool:
        """Whether there is nothing to look at: no target missed, no breach that lasts, nothing unknown."""
        return all(self.measured.values()) and not (self.without_data or self.in_breach)


def _without_data(status: SLAStatus) -> bool:
    return status.meets_target is None and status.coverage_ratio == 0


def _worst_first(status: SLAStatus) -> tuple[int, float]:
    if status.meets_target is False:
        allowed = 1 - status.objective_ratio
        return 0, -(1 - (status.compliance_ratio or 0.0)) / allowed if allowed > 0 else -inf
    return 1 if status.in_breach else 2 if _without_data(status) else 3, 0.0


@dataclass(frozen=True, slots=True)
class Report(_OfStatuses):
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
    maintenance: tuple[Exclusion, ...] = ()
    corrections: tuple[Correction, ...] = ()
    lingering: Mapping[int, BadBefore] = field(default_factory=dict)
    """By the id of a breach that lasts since maintenance ended: how it had been bad before."""

    @property
    def failed_first(self) -> tuple[SLAStatus, ...]:
        """The statuses as a reader wants them: what failed, then what was not measured, then the others.

        Within each of the three they keep the order of the definitions.
        """

        def rank(status: SLAStatus) -> int:
            if status.meets_target is False:
                return 0
            return 1 if _without_data(status) else 2

        return tuple(sorted(self.statuses, key=rank))

    @property
    def categories(self) -> tuple[Category, ...]:
        """The SLAs by category: what there is to look at first, else in the order of the definitions."""
        found: dict[str, list[SLAStatus]] = {}
        for each in self.statuses:
            found.setdefault(each.category, []).append(each)
        made = [Category(name, tuple(sorted(each, key=_worst_first))) for name, each in found.items()]
        return tuple(sorted(made, key=lambda each: _worst_first(each.statuses[0])[0]))

    @property
    def meeting(self) -> int:
        """How many SLAs kept their target."""
        return sum(self.measured.values())

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
