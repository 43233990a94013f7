"""What is promised, and how it is measured: an SLA as the file of definitions gives it."""

from __future__ import annotations

import enum
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from sla_worker.model.measurement import Figures
from sla_worker.model.policy import DEFAULT_POLICY, NewSeries, Policy
from sla_worker.model.values import value
from sla_worker.needs import UNDIVIDED, Asked, Counts, Expression, Need
from sla_worker.selectors import Selector

_LONGEST_COMPONENT = 100  # letters that people are shown
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


class Promise(Protocol):
    """What a value is compared with; a Definition is one."""

    @property
    def comparison(self) -> Comparison: ...
    @property
    def target(self) -> float: ...
    @property
    def unit(self) -> str: ...


@value
class Judgement:
    """What the counts of one slot say: whether the promise was kept, the value, and the allowance used.

    `actual` is in the unit of the target, None when there is no value to show. `used` is 1 at the target.
    """

    kept: bool
    actual: float | None
    used: float


@dataclass(frozen=True, slots=True)
class Member:
    """A part of a composite: either one SLA, by its key, or the measured SLAs of a category.

    `among`: the keys of those alone that count in the category, as a team's file has it; None: all of them.
    """

    weight: float
    sla: str | None = None
    category: str | None = None
    among: tuple[str, ...] | None = None

    def includes(self, key: str, category: str) -> bool:
        """Whether an SLA counts in it."""
        if self.sla is not None:
            return key == self.sla
        return category == self.category and (self.among is None or key in self.among)


class MetricType(enum.StrEnum):
    """What Prometheus calls the types of metrics that a form can read."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Input:
    """What a form reads: under which key of the file, and the series (a histogram by its plain name)."""

    key: str
    selector: Selector
    type: MetricType


class Sli(Protocol):
    """What is measured, and how; the forms stand in the package sli, and nothing asks which one it is."""

    kind: ClassVar[str]
    """The form's name, for people and for the file."""

    one_event_a_slot: ClassVar[bool]
    """Whether a slot is one event, however much was measured in it."""

    @property
    def metric_name(self) -> str:
        """The metric's name, without matchers."""
        ...

    @property
    def percentile(self) -> float | None:
        """The share of events that must be within the target; None where the target itself is that share."""
        ...

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The series that it reads; nothing for an expression and a composite."""
        ...

    def asked(self, slot_seconds: int) -> str | None:
        """The PromQL that gives its value; None for a form that reads series."""
        ...

    @property
    def members(self) -> tuple[Member, ...]:
        """What a composite is made of; nothing for every other form."""
        ...

    def needs(self, definition: Definition) -> Sequence[Need]:
        """The series that are counted for an SLA."""
        ...

    def expressions(self, definition: Definition, slot_seconds: int) -> Sequence[Expression]:
        """The expressions that are evaluated for it at the end of each slot."""
        ...

    def measure(
        self, definition: Definition, asked: Asked, counts: Counts
    ) -> Mapping[str, Sequence[Figures]]:
        """The figures of each slot, by component; nothing where no series was seen.

        `asked` holds what `needs` and `expressions` gave.
        """
        ...

    def judge(self, promise: Promise, good: float, total: float, shown: float | None) -> Judgement:
        """Judge the counts of one slot; `total` is above 0, `shown` is the actual value of its figures."""
        ...


@dataclass(frozen=True, slots=True)
class Definition:
    """One SLA as the file of definitions gives it. `target` is in `unit` (ratio, seconds, tasks …).

    `by` are the labels whose values name its components; without them all is `component`. `graph`: it has a
    graph of its own on the dashboard. `valid_from`: from when on it is meant to hold, in epoch seconds; None:
    from the next slot after it was first read. `team`: whose file it is in; None: in that of the platform.
    """

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
    by: tuple[str, ...] = ()
    policy: Policy = DEFAULT_POLICY
    enabled: bool = True
    graph: bool = False
    valid_from: int | None = None
    team: str | None = None

    @property
    def objective_ratio(self) -> float:
        """The share of events that must be good, 0 to 1, whatever the unit of the target."""
        return objective_ratio(self.comparison, self.target, self.percentile)

    @property
    def percentile(self) -> float | None:
        """The share of events that must be within the target; None where the target itself is that share."""
        return self.sli.percentile

    @property
    def baseline(self) -> bool:
        """Whether a series that was not there before counts nothing at first."""
        return self.policy.new_series is NewSeries.BASELINE


def objective_ratio(comparison: Comparison, target: float, percentile: float | None) -> float:
    """The share of events that must be good: the percentile, else the target or its complement."""
    if percentile is not None:
        return percentile
    if comparison is Comparison.AT_LEAST:
        return target
    return round(1 - target, 12)  # 1 - 0.001 is 0.999, not 0.99900000000000000022


def title(name: str, component: str) -> str:
    """An SLA's name as people read it, with its component if it has several.

    A component is made of labels that programs set: a terminal or a mail's head is shown nothing to obey. One
    that is not shown as it is has a number of its own at its end: alerts are told apart by what is shown.
    """
    if component == UNDIVIDED:
        return name
    shown = component
    if len(component) > _LONGEST_COMPONENT:
        shown = f"{component[: _LONGEST_COMPONENT - 1]}…"
    if not shown.isprintable():
        shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in shown)
    if shown != component:
        number = zlib.crc32(component.encode(errors="surrogatepass"))
        shown = f"{shown} #{number:08x}"
    return f"{name} / {shown}"
