"""What was read of a stretch of slots, as counts: the one place where raw samples meet the counting rule."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sla_worker.counting import Earlier, first_sample, increases, resets
from sla_worker.needs import WHOLE, Expression, Kind, Need, component, label_values
from sla_worker.reading.plan import BOUND, UP, Known, Plan, Target
from sla_worker.reading.targets import Targets
from sla_worker.selectors import Matcher

UNKNOWN = Earlier()


@dataclass(slots=True, eq=False)
class Samples:
    """The samples of one series in the stretch, and what is known of the day before its first one."""

    known: Known
    times: Sequence[float]
    values: Sequence[float]
    earlier: Earlier = UNKNOWN
    rose: dict[bool, list[float]] = field(default_factory=dict)  # by whether it is read as a baseline


@dataclass(slots=True)
class Window:
    """Samples of all needs over some slots; implements `needs.Counts`.

    `by_need` holds the series of each need by its number, `shown` those that a target showed in the day
    before the stretch, `jobs` the jobs of needs that name
    none, by their number, `found` the values of expressions.
    """

    slots: range
    plan: Plan
    targets: Targets
    by_need: list[list[Samples]]
    partial: bool = False
    shown: dict[Target, list[Known]] = field(default_factory=dict)
    jobs: dict[int, frozenset[str]] = field(default_factory=dict)
    found: dict[Expression, Mapping[str, Sequence[float | None]]] = field(default_factory=dict)
    buckets: dict[Need, str] = field(default_factory=dict)
    breaks: dict[tuple[object, ...], list[float]] = field(default_factory=dict)
    scopes: dict[tuple[object, ...], frozenset[Target]] = field(default_factory=dict)
    shares: dict[tuple[frozenset[Target], bool], Sequence[float]] = field(default_factory=dict)

    @property
    def start(self) -> int:
        """Where the first slot begins."""
        return self.slots.start - self.slots.step

    def join_families(self) -> None:
        """Find where histograms began again: a reset of one of their series is a reset of all."""
        families: dict[tuple[object, ...], list[Samples]] = {}
        for need, series in zip(self.plan.needs, self.by_need, strict=True):
            if need.kind is Kind.COUNTER:
                for each in series:
                    if each.known.family is not None:
                        families.setdefault(each.known.family, []).append(each)
        for family, members in families.items():
            found = {at for each in members for at in resets(each.times, each.values, each.earlier.value)}
            if found:
                self.breaks[family] = sorted(found)

    def increases(self, need: Need) -> Mapping[str, Sequence[float]]:
        """By how much its counters rose, by component."""
        found: dict[str, list[float]] = {}
        by, baseline = need.by, need.baseline
        for each in self.by_need[self.plan.number[id(need)]]:
            rose = each.rose.get(baseline)
            if rose is None:
                rose = each.rose[baseline] = self._rose(each, baseline=baseline)
            name = component(by, each.known.labels) if by else WHOLE
            so_far = found.get(name)
            if so_far is None:
                found[name] = list(rose)
            else:
                for index, added in enumerate(rose):
                    so_far[index] += added
        return found

    def _rose(self, series: Samples, *, baseline: bool) -> list[float]:
        target = self.targets.by_key.get(series.known.target)
        family = series.known.family
        breaks = self.breaks.get(family, []) if self.breaks and family is not None else []
        if target is not None and target.restarts:
            breaks = sorted({*breaks, *target.restarts})
        first, at, value = 0.0, series.times[0], series.values[0]
        if at > self.slots.start - self.slots.step:
            earlier = series.earlier
            if breaks and breaks[0] <= at:
                earlier = Earlier(
                    earlier.value, same_process=False, answered=earlier.answered, gone=earlier.gone
                )
            began = target.began_at(at) if target is not None else None
            young = began is not None and abs(at - began) < self.slots.step
            first = first_sample(value, earlier, young=young, baseline=baseline)
        return increases(series.times, series.values, self.slots, breaks=breaks, first=first)

    def held(self, need: Need, holds: Callable[[float], bool]) -> Mapping[str, Sequence[tuple[int, int]]]:
        """The samples for which a condition holds, and all, by component."""
        found: dict[str, list[tuple[int, int]]] = {}
        for each in self.by_need[self.plan.number[id(need)]]:
            counted = []
            reached = bisect_right(each.times, self.start)
            for slot in self.slots:
                last = bisect_right(each.times, slot, reached)
                counted.append((sum(map(holds, each.values[reached:last])), last - reached))
                reached = last
            _add_pairs(found, component(need.by, each.known.labels), counted)
        if need.kind is Kind.STATE and need.selector.name != UP:
            self._add_failed(need, found)
        return found

    def _add_failed(self, need: Need, found: dict[str, list[tuple[int, int]]]) -> None:
        """A scrape that failed is a bad sample of each series that the target showed in the day before."""
        number = self.plan.number[id(need)]
        first: dict[tuple[object, ...], tuple[Known, float]] = {
            each.known.key: (each.known, each.times[0]) for each in self.by_need[number]
        }
        for shown in self.shown.values():
            first.update({each.key: (each, self.start) for each in shown if number in each.needs})
        for known, since in first.values():
            target = self.targets.by_key.get(known.target)
            if target is None:
                continue
            failed = []
            for slot in self.slots:
                times = target.failed(max(slot - self.slots.step, since), slot)
                failed.append((0, len(times)))
            if any(count for _, count in failed):
                _add_pairs(found, component(need.by, known.labels), failed)

    def values(self, expression: Expression) -> Mapping[str, Sequence[float | None]]:
        """The values of an expression by component; None where it had none, NaN where it was no number."""
        return self.found.get(expression, {})

    def coverage(self, needs: Iterable[Need], component: str) -> Sequence[float]:
        """The measured share of each slot; for a state, a scrape that failed is a measurement."""
        asked = tuple(needs)
        targets: frozenset[Target] = frozenset()
        for need in asked:
            scope = self._scope(need, component)
            targets = targets | scope if targets and scope is not targets else scope
        if not targets:
            return self._without_targets(asked, component)
        state = any(each.kind is Kind.STATE for each in asked)
        found = self.shares.get((targets, state))
        if found is None:
            counted = [self.targets.coverage(targets, slot) for slot in self.slots]
            found = [each.listed_ratio if state else each.answered_ratio for each in counted]
            self.shares[targets, state] = found
        return found

    def _scope(self, need: Need, name: str) -> frozenset[Target]:
        """The targets that should show the series of a need; many needs have the same."""
        number = self.plan.number[id(need)]
        split = bool(need.by) and not self.targets.labels.isdisjoint(need.by)
        about = self.plan.about_targets(number, self.targets.labels)
        # The plan has equal matchers once, and hashing them would cost more than all the rest.
        key = (id(about), self.jobs.get(number), need.by if split else (), name if split else "")
        found = self.scopes.get(key)
        if found is None:
            found = self.scopes[key] = self._targets(
                about, self.jobs.get(number), need.by if split else (), name
            )
        return found

    def _targets(
        self, about: tuple[Matcher, ...], jobs: frozenset[str] | None, by: tuple[str, ...], name: str
    ) -> frozenset[Target]:
        found = self.targets.matching(about)
        if jobs is not None:
            found = {each for each in found if each[0] in jobs}
        if len(by) == 1 or (by and name != WHOLE):
            values = zip(label_values(by, name), by, strict=True)
            split = [(part, label) for part, label in values if label in self.targets.labels]
            found = {
                each
                for each in found
                if all((self.targets.by_key[each].labels.get(label) or None) == part for part, label in split)
            }
        return frozenset(found)

    def _without_targets(self, needs: tuple[Need, ...], name: str) -> Sequence[float]:
        """Series that were pushed or federated have no `up`: the best of them says what was measured."""
        best = [0.0] * len(self.slots)
        for need in needs:
            for each in self.by_need[self.plan.number[id(need)]]:
                if component(need.by, each.known.labels) != name or each.known.target in self.targets.by_key:
                    continue
                for index, slot in enumerate(self.slots):
                    if best[index] < 1:
                        seen = self.targets.tally(each.times, [1.0] * len(each.times), slot, "")
                        best[index] = max(best[index], seen.listed_ratio)
        return best

    def without_bucket(self, total: Need, within: Need) -> Mapping[str, str]:
        """The components with a histogram that has no bucket at the bound, and the buckets it has instead."""
        there = {each.known.family for each in self.by_need[self.plan.number[id(within)]]}
        return {
            component(total.by, each.known.labels): self.buckets.get(within, "")
            for each in self.by_need[self.plan.number[id(total)]]
            if each.known.family not in there
        }

    def orphans(self) -> list[Samples]:
        """Counters whose first sample lies in a slot and is not zero: what came before decides what it is."""
        found: dict[int, Samples] = {}
        start = self.start
        for need, series in zip(self.plan.needs, self.by_need, strict=True):
            if need.kind is Kind.COUNTER:
                for each in series:
                    if each.times[0] > start and each.values[0] > 0:
                        found[id(each)] = each
        return list(found.values())


def _add_pairs(found: dict[str, list[tuple[int, int]]], name: str, counted: list[tuple[int, int]]) -> None:
    so_far = found.get(name)
    if so_far is not None:
        counted = [
            (good + more_good, total + more)
            for (good, total), (more_good, more) in zip(so_far, counted, strict=True)
        ]
    found[name] = counted


def merged(series: Iterable[Samples]) -> list[Samples]:
    """Buckets whose bound is spelled in two ways are one series: an upgrade changed the spelling."""
    by_key: dict[tuple[object, ...], Samples] = {}
    for each in series:
        other = by_key.get(each.known.key) if BOUND in each.known.labels else None
        if other is None:
            by_key[each.known.key] = each
            continue
        pairs = sorted(
            {*zip(other.times, other.values, strict=True), *zip(each.times, each.values, strict=True)}
        )
        by_key[each.known.key] = Samples(each.known, [at for at, _ in pairs], [value for _, value in pairs])
    return list(by_key.values())
