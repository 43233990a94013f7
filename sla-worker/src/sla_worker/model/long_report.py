"""What the weekly and the monthly report say: figures only, each from the statuses of a period or a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from sla_worker.conventions import MINIMUM_COVERAGE
from sla_worker.model.alert_quality import AlertQuality
from sla_worker.model.breach import Breach
from sla_worker.model.cause import Causes
from sla_worker.model.month import FrozenMonth
from sla_worker.model.outlook import Prospect
from sla_worker.model.period import Report, SLAStatus
from sla_worker.model.policy import Policy
from sla_worker.model.values import value


@dataclass(frozen=True, slots=True)
class Incident:
    """A breach as far as it lies in the period. `ended_at` of the breach is None while it lasts.

    `bad` are the bad events in it, `burned` is their share of the period's error budget; None where nothing
    was allowed, and for a composite, which has no events of its own.
    """

    breach: Breach
    seconds: int
    bad: float | None
    burned: float | None


class _OfEvents:
    """The error budget of one SLA, or of one component of it, in events. `kind` is the form of the SLA."""

    __slots__ = ()
    status: SLAStatus
    kind: str

    @property
    def bad(self) -> float:
        """How many events were bad."""
        return self.status.total - self.status.good

    @property
    def allowed(self) -> float:
        """How many of the events might have been bad."""
        return (1 - self.status.held_to_ratio) * self.status.total

    @property
    def is_time(self) -> bool:
        """Whether its events are moments, so that they stand for minutes."""
        return self.kind in {"uptime", "time", "value"}

    @property
    def minutes_an_event(self) -> float:
        """What one event stands for where events are moments."""
        return self.status.measured_seconds / 60 / self.status.total if self.status.total else 0.0


@dataclass(frozen=True, slots=True)
class SoFar(_OfEvents):
    """One SLA, or one component of it, over the month that a day belongs to, up to the end of that day."""

    status: SLAStatus
    kind: str


@value
class Day:
    """One day of one SLA, or of one component of it: a month of thousands has a hundred thousand.

    The fields are those of its SLAStatus; `bad` are the events that were.
    """

    compliance_ratio: float | None
    meets_target: bool | None
    coverage_ratio: float
    bad: float
    period_seconds: int

    @staticmethod
    def of(status: SLAStatus) -> Day:
        """What is kept of the status of a day."""
        return Day(
            status.compliance_ratio,
            status.meets_target,
            status.coverage_ratio,
            status.total - status.good,
            status.period_seconds,
        )


@dataclass(frozen=True, slots=True)
class DayTotals:
    """A day that begins at `start`: of each category, how many SLAs kept their target, and had events.

    Last: whether all that was judged was measured well enough for a pass to stand.
    """

    start: int
    categories: Mapping[str, tuple[int, int, bool]]

    @staticmethod
    def of(report: Report) -> DayTotals:
        """Those of the report over the day."""
        found = {}
        for each in report.categories:
            judged = [one.coverage_ratio for one in each.statuses if one.meets_target is not None]
            sure = all(coverage >= MINIMUM_COVERAGE for coverage in judged)
            found[each.name] = sum(each.measured.values()), len(each.measured), sure
        return DayTotals(report.start, found)


@dataclass(frozen=True, slots=True)
class Line(_OfEvents):
    """One SLA, or one component of it: the whole period, its days, and the period before.

    `days` has None for a day on which it was not there yet. `kind` is the form of the SLA. `down_seconds` is
    the time in breach, `breaches` how many touch the period. `new_version`: it was judged by another version
    in a part of the period or of the one before, so that the two are not compared. `month`: of a day.
    """

    status: SLAStatus
    days: tuple[Day | None, ...]
    before: SLAStatus | None
    kind: str
    policy: Policy
    breaches: int
    down_seconds: int
    new_version: bool = False
    month: SoFar | None = None

    @property
    def measured_days(self) -> list[float]:
        """The compliance of each day that had events."""
        return [
            each.compliance_ratio
            for each in self.days
            if each is not None and each.compliance_ratio is not None
        ]

    @property
    def lowest_ratio(self) -> float | None:
        """The compliance of the worst day; None without events."""
        return min(self.measured_days, default=None)

    @property
    def highest_ratio(self) -> float | None:
        """The compliance of the best day; None without events."""
        return max(self.measured_days, default=None)

    @property
    def change(self) -> float | None:
        """Compliance now less that of the period before.

        None where one of them had no events, and where they were judged by different versions.
        """
        if self.new_version:
            return None
        before = None if self.before is None else self.before.compliance_ratio
        return difference(self.status.compliance_ratio, before)


@dataclass(frozen=True, slots=True)
class Score:
    """The share of the SLAs that kept their target in the month that begins at `start`; None: not known."""

    start: int
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Whole:
    """A longer time that ends with the month: `meeting` of the `measured` SLAs kept their target."""

    name: str
    start: int
    meeting: int
    measured: int
    coverage_ratio: float


@dataclass(frozen=True, slots=True)
class LongReport:
    """A day, a week or a month: `whole`, its days, and the period of equal kind before.

    `down_seconds`: the time in which an SLA of the category availability was in breach. `revision` is the
    hash of the definitions that were in force at the end. `history` has the last twelve months, the reported
    one last; nothing where no month is reported. `frozen`: its figures are those of this frozen month.
    `wholes`: of a month, the year to date and the last twelve months. `outlook`: of a day or a week,
    what is still allowed until its month ends; `alerts`: of a week.
    `causes` has the likely ones of the worst incidents, by the id of the breach.
    `credits` says what is owed for the month and what people have to decide, a line each; nothing where no
    SLA has credits.
    """

    kind: str
    whole: Report
    before: Report
    days: tuple[DayTotals, ...]
    lines: tuple[Line, ...]
    incidents: tuple[Incident, ...]
    down_seconds: int
    before_breaches: int
    before_down_seconds: int
    revision: str
    history: tuple[Score, ...] = ()
    frozen: FrozenMonth | None = None
    wholes: tuple[Whole, ...] = ()
    outlook: tuple[Prospect, ...] = ()
    alerts: AlertQuality | None = None
    credits: tuple[str, ...] = ()
    causes: Mapping[int, Causes] = field(default_factory=dict)

    @property
    def by_category(self) -> list[tuple[str, list[Line]]]:
        """The lines in the order of `Report.categories`: what there is to look at first."""
        where = {(each.status.key, each.status.component): each for each in self.lines}
        return [
            (category.name, [where[each.key, each.component] for each in category.statuses])
            for category in self.whole.categories
        ]

    @property
    def failed_first(self) -> list[Line]:
        """The lines in the order of `Report.failed_first`."""
        where = {(each.status.key, each.status.component): each for each in self.lines}
        return [where[each.key, each.component] for each in self.whole.failed_first]

    @property
    def worst_first(self) -> list[Line]:
        """The lines in the order in which a reader needs them who has room for some.

        What missed its target, furthest over its budget first; breaches that last; what was not measured;
        then what has least of its budget left.
        """

        def rank(line: Line) -> tuple[int, float]:
            status = line.status
            if status.meets_target is False:
                allows = status.held_to_ratio < 1
                return 0, status.budget_left_ratio or 0.0 if allows else -inf
            if status.in_breach:
                return 1, 0.0
            if status.compliance_ratio is None:
                return (2 if status.coverage_ratio == 0 else 4), 0.0
            return 3, 1.0 if status.budget_left_ratio is None else status.budget_left_ratio

        return sorted(self.lines, key=rank)

    def days_of(self, category: str) -> list[tuple[int, int, bool]]:
        """Of each day, how many SLAs of a category kept their target, and how many had events.

        Last: whether all that was judged was measured well enough for a pass to stand.
        """
        return [each.categories.get(category, (0, 0, True)) for each in self.days]

    @property
    def score_change(self) -> float | None:
        """The share of SLAs that kept their target, less that of the period before."""
        return difference(self.whole.score_ratio, self.before.score_ratio)

    @property
    def by_severity(self) -> list[tuple[str, int, int]]:
        """Each severity that had breaches: how many, and how long they lasted together."""
        order = ("critical", "high", "medium", "low")
        return [
            (severity, len(found), sum(found))
            for severity in order
            if (found := [each.seconds for each in self.incidents if each.breach.severity == severity])
        ]

    def worst(self, count: int) -> list[Incident]:
        """The incidents that burned most of their error budget, then the longest."""

        def rank(each: Incident) -> tuple[float, int]:
            return -(each.burned or 0.0), -each.seconds

        return sorted(self.incidents, key=rank)[:count]

    @property
    def below_99(self) -> list[Line]:
        """The lines whose compliance is below 99 %, the lowest first."""
        limit = 0.99
        found = [
            each
            for each in self.lines
            if each.status.compliance_ratio is not None and each.status.compliance_ratio < limit
        ]
        return sorted(found, key=lambda each: each.status.compliance_ratio or 0.0)


def difference(now: float | None, before: float | None) -> float | None:
    """Now less before; None where one is not known."""
    return None if now is None or before is None else now - before


def clipped(breach: Breach, start: int, end: int) -> tuple[int, int]:
    """The part of a breach that lies in [start, end)."""
    until = end if breach.ended_at is None else min(breach.ended_at, end)
    return max(breach.started_at, start), max(until, breach.started_at, start)


def seconds_together(spans: Iterable[Sequence[int]]) -> int:
    """The length of the time that lies in at least one of the spans."""
    total, reached = 0, 0
    for start, end in sorted((each[0], each[1]) for each in spans):
        total += max(end - max(start, reached), 0)
        reached = max(reached, end)
    return total
