"""All SLAs of a world, slot by slot: the sums of increases, of gauges and of failed scrapes, and values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from simulation.series import GAUGE, UP, Metric, Scrape, Target
from truth.accountant import DAY_MS, Accountant, Counted
from truth.coverage import Attendance, Share
from truth.forms import BAD, GOOD, TOTAL, Form
from truth.values import BY_HAND, Samples, Value, View

INSTANCE = "instance"


@dataclass(slots=True)
class Figures:
    """What one component has in one slot."""

    total: float = 0
    good: float = 0
    bad: float = 0


Place = tuple[Form, str, tuple[str, ...]]


@dataclass(slots=True)
class Books:
    """Takes every scrape of a world once, in the order of time."""

    forms: Sequence[Form]
    slot_seconds: int
    scrape_seconds: int
    figures: dict[tuple[str, str, int], Figures] = field(default_factory=lambda: defaultdict(Figures))
    values: dict[tuple[str, str, int], Value] = field(default_factory=dict)
    _shown: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _shares: dict[tuple[int, str | None], Share] = field(default_factory=dict)
    _places: dict[tuple[Target, Metric], list[Place]] = field(default_factory=dict)
    _accountant: Accountant = field(init=False)
    _attendance: Attendance = field(init=False)
    _samples: Samples = field(init=False)

    def __post_init__(self) -> None:
        self._accountant = Accountant(self.slot_seconds, self._place)
        self._attendance = Attendance(self.slot_seconds, self.scrape_seconds)
        self._samples = Samples(self.slot_seconds, self._evaluate)

    def take(self, scrape: Scrape) -> list[Counted]:
        """Enter a scrape; returns what its counters have counted."""
        slot = -(-scrape.at // (self.slot_seconds * 1000)) * self.slot_seconds
        self._attendance.take(scrape)
        self._samples.take(scrape)
        counted = self._accountant.take(scrape)
        for each in counted:
            for form, component, roles in self._place(scrape.target, each.metric):
                baseline = form.policy.baseline and each.first
                self._enter(form, component, slot, roles, 0 if baseline else each.amount)
                self._shown[form.key].add(slot)
        for metric, value in self._gauges(scrape):
            for form, component, _ in self._place(scrape.target, metric):
                assert form.holds
                self._enter(form, component, slot, (TOTAL, GOOD) if form.holds(value) else (TOTAL,), 1)
                self._shown[form.key].add(slot)
        if not scrape.up:
            for metric in self._accountant.shown(scrape):
                for form, component, _ in self._place(scrape.target, metric):
                    if form.failed_is_bad:
                        self._enter(form, component, slot, (TOTAL,), 1)
        return counted

    def close(self, end: int) -> None:
        """The world has passed; `end` is when, in epoch seconds."""
        self._samples.close(end * 1000)

    def share(self, form: Form, component: str, slot: int) -> Share:
        """The scrapes of a slot; a component that names an instance has those of its own."""
        instance = component.split("/")[form.by.index(INSTANCE)] if INSTANCE in form.by else None
        key = (slot, instance)
        if key not in self._shares:
            self._shares[key] = self._attendance.share(slot, instance)
        return self._shares[key]

    def known(self, form: Form, slot: int) -> bool:
        """Whether it is known whose scrapes count: a job is named, or series were shown within a day."""
        return form.names_job or any(each in self._shown[form.key] for each in self._day(slot))

    def _evaluate(self, slot: int, view: View) -> None:
        """One event for each component that has a value; two series of one are no value, nor is 0 ÷ 0."""
        for form in self.forms:
            if form.expression is None:
                continue
            parts: dict[str, list[Value]] = defaultdict(list)
            for labels, value in BY_HAND[form.expression](view):
                parts[form.part(labels)].append(value)
            for part, values in parts.items():
                if len(values) > 1:
                    continue
                [value] = values
                self.values[form.key, part, slot] = value
                if isinstance(value, Fraction):
                    assert form.holds
                    self._enter(form, part, slot, (TOTAL, GOOD) if form.holds(value) else (TOTAL,), 1)

    def _day(self, slot: int) -> range:
        return range(slot, slot - DAY_MS // 1000, -self.slot_seconds)

    def _gauges(self, scrape: Scrape) -> Iterable[tuple[Metric, float]]:
        yield UP, scrape.up
        yield from (each for each in scrape.samples if each[0].kind == GAUGE)

    def _place(self, target: Target, metric: Metric) -> list[Place]:
        key = (target, metric)
        if key not in self._places:
            found = ((form, form.role(target, metric)) for form in self.forms)
            self._places[key] = [(form, *role) for form, role in found if role]
        return self._places[key]

    def _enter(self, form: Form, component: str, slot: int, roles: Iterable[str], amount: float) -> None:
        figures = self.figures[form.key, component, slot]
        for role in roles:
            if role == TOTAL:
                figures.total += amount
            elif role == GOOD:
                figures.good += amount
            elif role == BAD:
                figures.bad += amount


def good_of(form: Form, figures: Figures) -> float:
    """The good events; where bad ones are counted, the rest."""
    return max(figures.total - figures.bad, 0) if BAD in dict(form.roles) else figures.good
