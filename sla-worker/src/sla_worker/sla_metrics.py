"""The metrics of the SLAs: made from the ledger after each pass, and kept as text until the next one.

A scrape comes every 15 seconds, a pass every five minutes: writing a thousand samples for each scrape again
would cost many times the pass. What is not known has no series: never a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sla_worker import conventions as names
from sla_worker.burning import Sustained, current, is_over, minimum_bad_events, sustained
from sla_worker.conventions import (
    BURN_EVEN,
    BURN_WINDOWS,
    LEAST,
    MEASURED_RESULTS,
    MOST,
    PERIODS,
    THIRTY_DAYS,
)
from sla_worker.metrics_text import Families
from sla_worker.model import SEVERITIES, Breach, Definition, Measurement, SLAStatus, State, Status
from sla_worker.uncollected import without_collection
from sla_worker.windows import Now, TimeInBreach

_UNSURE_ROWS = 50_000
_EACH = ("sla", "component")
_STATUSES = tuple(each.label for each in Status)

LABELS: Mapping[str, tuple[str, ...]] = {
    names.INFO: ("sla", "name", "category", "severity", "unit", "comparison"),
    names.TEAM: ("sla", "team"),
    names.TARGET: (*_EACH, "unit"),
    names.OBJECTIVE: (*_EACH, "category"),
    names.ACTUAL: (*_EACH, "unit"),
    names.STATUS: (*_EACH, "status"),
    names.COVERAGE: (*_EACH, "category"),
    names.COMPLIANCE: (*_EACH, "category"),
    names.BUDGET: _EACH,
    names.WINDOW_COMPLIANCE: (*_EACH, "category", "window"),
    names.WINDOW_COVERAGE: (*_EACH, "category", "window"),
    names.WINDOW_BUDGET: (*_EACH, "category", "window"),
    names.WINDOW_SLAS: ("category", "window", "result"),
    names.BURN_RATE: (*_EACH, "category", "window"),
    names.SUSTAINED: ("sla", "title", "severity", "team", "window", "bound"),
    names.BUDGET_LASTS: ("sla", "title", "severity", "team", "window"),
    names.WEAKEST: (*_EACH, "member"),
    names.BREACHES: ("severity",),
    names.BREACH_START: (*_EACH, "severity", "team", "title"),
    names.MONTH_BREACHES: (*_EACH, "severity"),
    names.MONTH_BREACH_SECONDS: (*_EACH, "severity"),
    names.MONTH_BREACH_LONGEST: (*_EACH, "severity"),
    names.GOOD_EVENTS: (*_EACH, "category"),
    names.TOTAL_EVENTS: (*_EACH, "category"),
}
"""Every metric of this module with its labels; `team` where the SLA is in a team's file, and else not."""

_TEXTS: Mapping[str, str] = {
    names.INFO: "1; its labels say what the SLA is",
    names.TEAM: "1; the team in whose file the SLA is, none for those of the platform's",
    names.TARGET: "Target, in the unit of the actual value",
    names.OBJECTIVE: "Share of events that must be good",
    names.ACTUAL: "Value of the newest slot in the unit of the target",
    names.STATUS: "1 for the status of the newest slot, 0 for the others",
    names.COVERAGE: "Measured scrapes of the newest slot ÷ those that should have been",
    names.COMPLIANCE: "Good events of the last 24 hours ÷ all; absent without events",
    names.BUDGET: "Share of the error budget of the last 30 days that is left; negative when overdrawn",
    names.WINDOW_COMPLIANCE: "Good events of the window ÷ all; absent without events",
    names.WINDOW_COVERAGE: "Measured share of the window",
    names.WINDOW_BUDGET: "Share of the window's error budget that is left; negative when overdrawn",
    names.WINDOW_SLAS: "SLAs that met their target over the window, missed it, or had no events",
    names.BURN_RATE: "Bad share of the window ÷ allowed share; 1 uses up exactly the error budget",
    names.SUSTAINED: "Lesser burn rate of the window and its last twelfth: the least and the most it can be",
    names.BUDGET_LASTS: "How long the rest of 30 days' error budget lasts at the least sustained burn rate",
    names.WEAKEST: "1; the member of a composite whose compliance of the last 24 hours is lowest",
    names.BREACHES: "Breaches that last",
    names.BREACH_START: "When a breach that lasts began",
    names.MONTH_BREACHES: "Breaches of this calendar month",
    names.MONTH_BREACH_SECONDS: "Time in breach in this calendar month",
    names.MONTH_BREACH_LONGEST: "The longest breach's part of this calendar month",
    names.GOOD_EVENTS: "Good events in the ledger, as measured: maintenance is not left out",
    names.TOTAL_EVENTS: "Events in the ledger, as measured: maintenance is not left out",
}


_T = TypeVar("_T")
_Add = Callable[..., None]
"""Families.add"""


@dataclass(frozen=True, slots=True)
class _Sum:
    good: float = 0.0
    total: float = 0.0

    def plus(self, good: float, total: float) -> _Sum:
        return _Sum(self.good + good, self.total + total)


_Of = tuple[str, str, str]
"""An SLA, its component and category."""


class _Inside(dict[_Of, str]):
    """Its labels as they are written, each made once."""

    def __init__(self, families: Families) -> None:
        super().__init__()
        self._families = families

    def __missing__(self, of: _Of) -> str:
        made = self[of] = self._families.inside(sla=of[0], component=of[1], category=of[2])
        return made


class SLAMetrics:
    """Figures of the SLAs that the file defines. Its text is made when it is asked for after a change."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self._definitions = {each.key: each for each in definitions}
        self._now: Now | None = None
        self._events: dict[tuple[str, str], _Sum] = {}
        self._coverage: dict[tuple[str, str], tuple[int, float]] = {}  # the newest slot of each
        self._unsure: dict[tuple[str, str, int], tuple[float, float]] = {}  # rows that may be read again
        self._changes = 0
        self._made: tuple[int, bytes] | None = None  # the text, and after how many changes it was made

    def show(self, now: Now) -> None:
        """Take what the ledger says now; what it no longer names leaves no series."""
        self._now = now
        shown = {(each.key, each.component) for each in now.day}
        self._coverage = {where: each for where, each in self._coverage.items() if where in shown}
        self._changes += 1

    def add(self, key: str, component: str, good: float, total: float) -> None:
        """Add events of an SLA and component to the counters."""
        where = (key, component)
        self._events[where] = self._events.get(where, _Sum()).plus(good, total)
        self._changes += 1

    def counted(self, row: Measurement, *, again: bool) -> None:
        """Add the events of a row that was stored; of one that was read `again` what it has more now.

        What it had before is only known of rows that this process has stored.
        """
        place = (row.key, row.component, row.slot)
        if row.state not in {State.OUT_OF_HOURS, State.EXCLUDED} and (not again or place in self._unsure):
            good, total = self._unsure.pop(place, (0.0, 0.0))
            self.add(row.key, row.component, max(row.good - good, 0.0), max(row.total - total, 0.0))
            if not row.final:
                self._unsure[place] = (max(row.good, good), max(row.total, total))
                if len(self._unsure) > _UNSURE_ROWS:
                    del self._unsure[next(iter(self._unsure))]
        newest = self._coverage.get(place[:2])
        if newest is None or row.slot >= newest[0]:
            self._coverage[place[:2]] = (row.slot, row.coverage)
            self._changes += 1

    def text(self) -> bytes:
        """The metrics in Prometheus' text format."""
        changes, made = self._changes, self._made  # the loop may change both meanwhile
        if made is None or made[0] != changes:
            with without_collection():
                made = self._made = changes, self._text()
        return made[1]

    def _text(self) -> bytes:
        """Every family, of the SLAs in the file alone."""
        families = Families(LABELS, _TEXTS, (names.GOOD_EVENTS, names.TOTAL_EVENTS))
        add = families.add
        inside = _Inside(families)
        now = self._now
        if now is None:
            self._beginning(families)
        else:
            # A component that is gone has figures of the longer windows, which need what they are held to.
            known = {_of(each): each for statuses in now.windows.values() for each in statuses}
            labels = [inside[of] for of in known]
            families.put(names.OBJECTIVE, [each.objective_ratio for each in known.values()], labels)
            _present(families, now.day, inside)
            for window, statuses in now.windows.items():
                _window(families, window, statuses, inside)
            self._burning(families, now)
            self._breaches(families, now.active)
            _in_breach(families, now.month)
        for definition in self._definitions.values():
            said = (definition.name, definition.category, definition.severity, definition.unit)
            add(names.INFO, 1, definition.key, *said, definition.comparison)
            if definition.team is not None:
                add(names.TEAM, 1, definition.key, definition.team)
        shares = {inside[of]: share for of, (_, share) in self._defined(self._coverage)}
        families.put(names.COVERAGE, shares.values(), shares)
        events = {inside[of]: each for of, each in self._defined(self._events)}
        families.put(names.GOOD_EVENTS, [each.good for each in events.values()], events)
        families.put(names.TOTAL_EVENTS, [each.total for each in events.values()], events)
        return families.text()

    def _defined(self, found: Mapping[tuple[str, str], _T]) -> Iterator[tuple[_Of, _T]]:
        """What is known of SLAs and components, of the SLAs in the file; another thread may add to it."""
        for (key, component), each in list(found.items()):
            definition = self._definitions.get(key)
            if definition is not None:
                yield (key, component, definition.category), each

    def _burning(self, families: Families, now: Now) -> None:
        """What burns its error budget faster than allowed, or may do so; all else has no series."""
        budgets = {(each.key, each.component): each for each in now.windows.get(THIRTY_DAYS, ())}
        for window, burning in now.burning.items():
            shorts, lasts_of = (
                {(each.key, each.component): each for each in statuses}
                for statuses in (burning.short, burning.last)
            )
            for each in current(burning.long):
                # Nothing is allowed to be bad, now or in all of the window: there is no budget.
                if max(each.objective_ratio, each.held_to_ratio) >= 1 or each.key not in self._definitions:
                    continue
                where = each.key, each.component
                short, last = shorts.get(where), lasts_of.get(where)
                found = self._sustained(each, short)
                if found.most <= BURN_EVEN or is_over(each, short, last, last.burn_rate if last else None):
                    continue
                labels = self._alerted(each.key, each.title, each.severity) | {"window": window}
                bounds = [families.inside(**labels, bound=bound) for bound in (LEAST, MOST)]
                families.put(names.SUSTAINED, [found.least, found.most], bounds)
                lasts = _lasts(budgets.get(where), found, burning.budget_seconds)
                families.put(names.BUDGET_LASTS, [lasts], [families.inside(**labels)])

    def _breaches(self, families: Families, active: Iterable[Breach]) -> None:
        """Breaches that last."""
        lasting = list(active)
        severities = [each.severity for each in lasting]
        for severity in SEVERITIES:
            families.add(names.BREACHES, severities.count(severity), severity)
        for each in lasting:
            labels = self._alerted(each.key, each.title, each.severity) | {"component": each.component}
            families.put(names.BREACH_START, [each.started_at], [families.inside(**labels)])

    def _alerted(self, key: str, title: str, severity: str) -> dict[str, str]:
        """The labels by which alerts say which SLA, and whose: `team` sends them to its receivers."""
        definition = self._definitions.get(key)
        team = {} if definition is None or definition.team is None else {"team": definition.team}
        return {"sla": key, "title": title, "severity": severity} | team

    def _sustained(self, long: SLAStatus, short: SLAStatus | None) -> Sustained:
        minimum = minimum_bad_events(one_event_a_slot=self._definitions[long.key].sli.one_event_a_slot)
        rates = long.burn_rate, None if short is None else short.burn_rate
        return sustained(long, short, rates, minimum)

    def _beginning(self, families: Families) -> None:
        """Before the ledger was read: what the file alone says."""
        add = families.add
        for each in self._definitions.values():
            where = (each.key, each.component)
            add(names.OBJECTIVE, each.objective_ratio, *where, each.category)
            add(names.TARGET, each.target, *where, each.unit)
            families.add_one_of(names.STATUS, "", _STATUSES, *where)
        self._breaches(families, ())


def _present(families: Families, day: Sequence[SLAStatus], inside: Mapping[_Of, str]) -> None:
    """What holds for the newest slot, and the figures over a day."""
    units = [families.inside(sla=each.key, component=each.component, unit=each.unit) for each in day]
    families.put(names.TARGET, [each.target for each in day], units)
    families.put(names.ACTUAL, [each.actual for each in day], units)
    families.put(
        names.COMPLIANCE, [each.compliance_ratio for each in day], [inside[_of(each)] for each in day]
    )
    for each in day:
        families.add_one_of(names.STATUS, each.status.label, _STATUSES, each.key, each.component)
        if each.weakest is not None:
            families.add(names.WEAKEST, 1, each.key, each.component, each.weakest)


def _of(status: SLAStatus) -> _Of:
    return status.key, status.component, status.category


def _window(
    families: Families, window: str, statuses: Sequence[SLAStatus], inside: Mapping[_Of, str]
) -> None:
    """The figures over one window."""
    last = families.inside(window=window)
    labels = [f"{inside[_of(each)]},{last}" for each in statuses]  # their names are in order
    if window in BURN_WINDOWS:
        families.put(names.BURN_RATE, [each.burn_rate for each in statuses], labels)
    if window in PERIODS:
        left = [each.budget_left_ratio for each in statuses]
        families.put(names.WINDOW_COMPLIANCE, [each.compliance_ratio for each in statuses], labels)
        families.put(names.WINDOW_COVERAGE, [each.coverage_ratio for each in statuses], labels)
        families.put(names.WINDOW_BUDGET, left, labels)
        if window == THIRTY_DAYS:
            for each, share in zip(statuses, left, strict=True):
                families.add(names.BUDGET, share, each.key, each.component)
        for (category, result), count in results(statuses).items():
            families.add(names.WINDOW_SLAS, count, category, window, result)


def _in_breach(families: Families, month: Sequence[TimeInBreach]) -> None:
    """The breaches of the month, by SLA and component."""
    where = [
        families.inside(sla=each.key, component=each.component, severity=each.severity) for each in month
    ]
    families.put(names.MONTH_BREACHES, [each.count for each in month], where)
    families.put(names.MONTH_BREACH_SECONDS, [each.total_seconds for each in month], where)
    families.put(names.MONTH_BREACH_LONGEST, [each.longest_seconds for each in month], where)


def results(statuses: Iterable[SLAStatus]) -> dict[tuple[str, str], int]:
    """How many SLAs of each category met their target, missed it, or had no events.

    An SLA meets it when all its components that had events do, as in the reports.
    """
    kept: dict[str, bool | None] = {}
    categories: dict[str, str] = {}
    for each in statuses:
        categories[each.key] = each.category
        before = kept.get(each.key)
        meets = each.meets_target
        kept[each.key] = before if meets is None else (meets and before is not False)
    met, missed, unmeasured = MEASURED_RESULTS
    counts = {(category, result): 0 for category in categories.values() for result in MEASURED_RESULTS}
    for key, meets in kept.items():
        counts[categories[key], unmeasured if meets is None else met if meets else missed] += 1
    return counts


def _lasts(month: SLAStatus | None, found: Sustained, budget_seconds: int) -> float | None:
    """Seconds until the rest of the budget is used up; 0 where it is, None at no certain rate."""
    left = None if month is None else month.budget_left_ratio
    if left is None or found.least <= 0:
        return None
    return max(left, 0.0) * budget_seconds / found.least
