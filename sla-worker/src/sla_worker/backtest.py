"""Replays the ledger for other targets or policies: what would have been missed, breached, owed and paged.

Only what the ledger holds can be replayed: the counts of each slot, and for one event a slot its value.
Requests within another threshold were not counted: another target of a latency is refused, another objective
is not.
Breaches and alerts need slots, and are told where those are kept. Nothing is written.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import isclose
from zoneinfo import ZoneInfo

from sla_worker.breaches import GONE_SECONDS, OpenBreach, Point, Rule, Span, Track, derive
from sla_worker.burning import Pair, Sustained, minimum_bad_events, pairs, sustained
from sla_worker.conventions import BURN_FAST, BURN_SLOW
from sla_worker.credits import Credit, owed
from sla_worker.database import SLADatabase
from sla_worker.database.trace import CountedSlot
from sla_worker.evaluation import evaluate, meets
from sla_worker.model import Breach, Definition, Figures, SLAStatus, State, title
from sla_worker.spans import months_within

_ROUNDING = 1e-9
_LEFT_OUT = (State.OUT_OF_HOURS, State.EXCLUDED)
_FACTORS = {"1h": BURN_FAST, "6h": BURN_SLOW}
_URGENT = ("critical", "high")


@dataclass(frozen=True, slots=True)
class Other:
    """What is different for an SLA: its target, how many slots make a breach, or all of its definition."""

    target: float | None = None
    breach_after: int | None = None
    recover_after: int | None = None
    definition: Definition | None = None

    def of(self, was: Definition) -> Definition:
        """A definition as it would have been."""
        made = was
        if self.definition is not None:
            made = replace(self.definition, valid_from=was.valid_from)
        if self.target is not None:
            made = replace(made, target=self.target)
        policy = made.policy
        if self.breach_after is not None:
            policy = replace(policy, breach_after=self.breach_after)
        if self.recover_after is not None:
            policy = replace(policy, recover_after=self.recover_after)
        return replace(made, policy=policy)


@dataclass(frozen=True, slots=True)
class Month:
    """A month, or the part of it that was asked for: as it was, and as it would have been.

    None: it cannot be said, since the slots of that time are gone.
    """

    start: int
    end: int
    was: SLAStatus
    then: SLAStatus | None
    credit_was: Credit
    credit_then: Credit | None


@dataclass(frozen=True, slots=True)
class Alerted:
    """The burn-rate alerts of one pair of windows: when each began and ended, None while it fires."""

    name: str
    times: tuple[tuple[int, int | None], ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One component of an SLA. `spent_at`: when the bad events of a month became more than it allows.

    `was` are the breaches of the ledger, `then` those that would have been.
    """

    key: str
    title: str
    component: str
    months: tuple[Month, ...]
    was: tuple[Breach, ...]
    then: tuple[Span, ...]
    alerts: tuple[Alerted, ...]
    spent_at: tuple[int, ...] = ()

    @property
    def early_seconds(self) -> int | None:
        """How long before a month's budget was spent the first alert of that month began; the least of them.

        Negative: after it. None: no month's budget was spent, or no alert began.
        """
        found = []
        for spent in self.spent_at:
            month = next(each for each in self.months if each.start < spent <= each.end)
            begun = [at for each in self.alerts for at, _ in each.times if month.start < at <= month.end]
            if begun:
                found.append(spent - min(begun))
        return min(found, default=None)


@dataclass(frozen=True, slots=True)
class Backtest:
    """The replay of (start, end]; breaches and alerts are those from `slots_from` on."""

    start: int
    end: int
    slots_from: int
    slot_seconds: int
    replayed: tuple[Replayed, ...]
    refused: Mapping[str, str] = field(default_factory=dict)


def backtest(
    database: SLADatabase, others: Mapping[str, Other], start: int, end: int, zone: ZoneInfo
) -> Backtest:
    """Replay some SLAs, by their keys, over the slots that end in (start, end]."""
    kept = max(database.slots_after(), start)
    refused: dict[str, str] = {}
    found: list[Replayed] = []
    months = list(months_within(start, end, zone))
    of_months = [database.status_of_period(*each) for each in months]
    for key, other in others.items():
        reason = _refusal(database, key, other, start, end)
        if reason is not None:
            refused[key] = reason
            continue
        statuses = [[each for each in of_month if each.key == key] for of_month in of_months]
        found += _Replay(database, key, other).over(statuses, months, end, kept)
    return Backtest(start, end, kept, database.slot_seconds, tuple(found), refused)


def _refusal(database: SLADatabase, key: str, other: Other, start: int, end: int) -> str | None:
    """Why an SLA cannot be replayed as asked; None: it can."""
    versions = database.versions()[key]
    until = [*(each.valid_from for each in versions[1:]), end]
    for version, last in zip(versions, until, strict=True):
        if last <= start or (version.number > 1 and version.valid_from >= end):
            continue
        was = database.tracer.judged_by(key, max(version.valid_from + 1, 1))
        then = other.of(was)
        if was.sli.members or then.sli.members:
            return "it is made of other SLAs; replay those instead"
        if was.sli.percentile is not None and not was.sli.one_event_a_slot and was.target != then.target:
            return (
                "requests within another threshold were not counted: the ledger has no buckets;"
                " give another objective by --file instead"
            )
        if _reads(was) != _reads(then):
            return "it measures something else, which the ledger does not have"
        for name in ("no_data", "maintenance", "service_hours"):
            if getattr(was.policy, name) != getattr(then.policy, name):
                return f"another {name} changes which slots count at all; only targets and slots a breach can"
        if (was.unit, was.comparison) != (then.unit, then.comparison):
            return "its unit or comparison is another one"
    return None


def _reads(definition: Definition) -> tuple[object, ...]:
    """What is counted for an SLA, whatever it is compared with."""
    asked: tuple[object, ...] = tuple(definition.sli.needs(definition))
    asked = asked or tuple(definition.sli.expressions(definition, 300))
    return definition.sli.kind, definition.by, definition.component, asked


class _Replay:
    """One SLA, slot by slot."""

    def __init__(self, database: SLADatabase, key: str, other: Other) -> None:
        self._database = database
        self._key = key
        self._other = other
        self._step = database.slot_seconds
        self._versions = database.versions()[key]
        self._severity = database.definitions()[key].severity
        self._borders = [each.valid_from for each in self._versions[1:]]
        self._judged = cache(self._judge_of)

    def _judge_of(self, number: int) -> tuple[Definition, Definition]:
        """A version, counted from 0, as it was and as it would have been."""
        version = self._versions[number]
        was = self._database.tracer.judged_by(self._key, max(version.valid_from + 1, 1))
        return was, self._other.of(was)

    def _at(self, slot: int) -> tuple[Definition, Definition]:
        return self._judged(bisect_left(self._borders, slot))

    def over(
        self,
        statuses: Sequence[Sequence[SLAStatus]],
        months: Sequence[tuple[int, int]],
        end: int,
        kept: int,
    ) -> list[Replayed]:
        """All its components."""
        rows: dict[str, list[CountedSlot]] = {}
        for row in self._database.tracer.slots(self._key, self._database.slots_after(), end):
            rows.setdefault(row.component, []).append(self._again(row))
        components = dict.fromkeys([*rows, *(each.component for found in statuses for each in found)])
        known = [each for each in self._database.breaches_between(kept, end) if each.key == self._key]
        name = self._database.definitions()[self._key].name
        found = []
        for component in components:
            own = rows.get(component, [])
            of_months = [
                self._month(month, each, own, kept)
                for month, of_month in zip(months, statuses, strict=True)
                for each in of_month
                if each.component == component
            ]
            others = [each for other, listed in rows.items() if other != component for each in listed]
            was = tuple(each for each in known if each.component == component)
            spans = [
                each
                for each in self._breaches(own, others, self._track(component))
                if each.started_at < end
                and (each.ended_at is None or each.ended_at > max(kept, each.started_at))
            ]
            found.append(
                Replayed(
                    self._key,
                    title(name, component),
                    component,
                    tuple(of_months),
                    was,
                    tuple(spans),
                    tuple(self._alerts(own, kept)),
                    tuple(_spent(of_months, own, kept)),
                )
            )
        return found

    # --- slots

    def _again(self, row: CountedSlot) -> CountedSlot:
        """A slot as the other definition judges it; what does not count stays so."""
        if row.state in _LEFT_OUT or (row.adjusted and row.coverage == 0):  # maintenance, good or left out
            return row
        _, then = self._at(row.slot)
        good = row.good
        if then.sli.one_event_a_slot and row.actual is not None and row.total == 1:
            value = then.target if isclose(row.actual, then.target, rel_tol=_ROUNDING) else row.actual
            good = float(meets(then.comparison, then.target, value))
        figures = Figures(good=good, total=row.total, coverage=row.coverage, actual=row.actual)
        made = evaluate(then, row.slot, figures, component=row.component)
        return replace(row, good=good, state=made.state)

    def _track(self, component: str) -> Track:
        """What lasted when the first slot that is kept began; of another definition that is not known."""
        kept = self._database.slots_after()
        was, then = self._at(kept + self._step)
        if not kept or was != then:
            return Track()
        for each in self._database.breaches_between(kept, kept + 1):
            if (each.key, each.component) == (self._key, component) and each.started_at < kept:
                return Track(OpenBreach(each.started_at, each.worst))
        return Track()

    def _breaches(
        self, rows: Sequence[CountedSlot], others: Sequence[CountedSlot], track: Track
    ) -> list[Span]:
        measured = sorted(each.slot for each in others if each.measured_coverage > 0)

        def gone(last: int, until: int) -> bool:
            return any(last + GONE_SECONDS <= slot <= until for slot in measured)

        def rule(slot: int) -> Rule:
            _, then = self._at(slot)
            return Rule(then.comparison, self._step, then.policy.breach_after, then.policy.recover_after)

        points = [Point(each.slot, each.state, each.actual) for each in rows]
        spans = derive(points, rule, track=track, gone=gone)
        if spans and spans[-1].ended_at is None and others:
            last, newest = rows[-1].slot, max(each.slot for each in others)
            if newest > last + GONE_SECONDS and gone(last, newest):
                spans[-1] = replace(spans[-1], ended_at=last)
        return spans

    # --- months

    def _month(self, month: tuple[int, int], was: SLAStatus, rows: Sequence[CountedSlot], kept: int) -> Month:
        start, end = month
        _, then = self._at(end)
        tiers = self._at(end)[0].policy.credits
        made = self._status(was, then, rows, whole=start >= kept, month=month)
        return Month(
            start,
            end,
            was,
            made,
            owed(was, tiers),
            None if made is None else owed(made, then.policy.credits),
        )

    def _status(
        self,
        was: SLAStatus,
        then: Definition,
        rows: Sequence[CountedSlot],
        *,
        whole: bool,
        month: tuple[int, int],
    ) -> SLAStatus | None:
        """The month as it would have been. Ratios count the same events whatever their target is."""
        counted = [each for each in rows if month[0] < each.slot <= month[1] and each.state not in _LEFT_OUT]
        if all(
            judged == other for judged, other in map(self._at, [month[1], *(each.slot for each in counted)])
        ):
            return was
        good, objective = was.good, was.period_objective_ratio
        changed = self._at(month[1])[0].target != then.target
        if then.sli.one_event_a_slot and changed:
            if not whole:
                return None
            good = sum(each.good for each in counted)
        if objective is not None:  # several versions held: each slot is held to its own
            if not whole:
                return None
            weights = [(each.total, self._at(each.slot)[1].objective_ratio) for each in counted]
            total = sum(weight for weight, _ in weights)
            objective = sum(weight * ratio for weight, ratio in weights) / total if total else None
        return replace(
            was,
            target=then.target,
            objective_ratio=then.objective_ratio,
            percentile=then.percentile,
            period_objective_ratio=objective,
            good=good,
            compliance_ratio=was.compliance_ratio if good == was.good else good / was.total,
        )

    # --- alerts

    def _alerts(self, rows: Sequence[CountedSlot], kept: int) -> Iterator[Alerted]:
        if not rows:
            return
        sums = _Sums(rows, self._step)
        for pair in pairs(self._step):
            times: list[tuple[int, int | None]] = []
            fires = False
            for slot in range(rows[0].slot, rows[-1].slot + 1, self._step):
                if not fires and not sums.bad(slot - pair.long_seconds, slot):
                    continue
                bounds = self._burns(sums, pair, slot)
                factor = _FACTORS[pair.name]
                if not fires and bounds is not None and bounds.least > factor:
                    fires = True
                    times.append((slot, None))
                elif fires and (bounds is None or bounds.most <= factor):
                    fires = False
                    times[-1] = times[-1][0], slot
            in_time = [each for each in times if each[1] is None or each[1] > kept]
            yield Alerted(pair.name, tuple(in_time))

    def _burns(self, sums: _Sums, pair: Pair, slot: int) -> Sustained | None:
        """None: no alert of that pair can be about it."""
        _, then = self._at(slot)
        allowed = 1 - then.objective_ratio
        if allowed <= 0 or _FACTORS[pair.name] * allowed >= 1:
            return None
        if pair.name == "1h" and self._severity not in _URGENT:
            return None
        long, short = (
            sums.window(slot - seconds, slot, then.objective_ratio)
            for seconds in (pair.long_seconds, pair.short_seconds)
        )
        minimum = minimum_bad_events(one_event_a_slot=then.sli.one_event_a_slot)
        return sustained(long, short, (long.rate, short.rate), minimum)


@dataclass(frozen=True, slots=True)
class _Window:
    good: float
    total: float
    coverage_ratio: float
    held_to_ratio: float

    @property
    def rate(self) -> float | None:
        """The burn rate; None without events."""
        return (self.total - self.good) / self.total / (1 - self.held_to_ratio) if self.total else None


class _Sums:
    """Sums over windows of the slots of one component."""

    def __init__(self, rows: Sequence[CountedSlot], step: int) -> None:
        self._step, self._first = step, rows[0].slot - step
        by_slot = {each.slot: each for each in rows}
        good = total = covered = 0.0
        expected = 0
        self._until = [(good, total, covered, expected)]
        for slot in range(rows[0].slot, rows[-1].slot + 1, step):
            row = by_slot.get(slot)
            if row is None:
                expected += 1
            elif row.state not in _LEFT_OUT:
                good, total = good + row.good, total + row.total
                if not (row.adjusted and row.coverage == 0):
                    covered, expected = covered + row.coverage, expected + 1
            self._until.append((good, total, covered, expected))

    def bad(self, start: int, end: int) -> bool:
        """Whether any event was bad in the slots that end in (start, end]."""
        begin, until = (self._until[max((each - self._first) // self._step, 0)] for each in (start, end))
        return until[1] - until[0] > begin[1] - begin[0]

    def window(self, start: int, end: int, objective: float) -> _Window:
        """What was counted in the slots that end in (start, end]."""
        begin, until = (self._until[max((each - self._first) // self._step, 0)] for each in (start, end))
        good, total, covered, expected = (b - a for a, b in zip(begin, until, strict=True))
        return _Window(good, total, covered / expected if expected else 1.0, objective)


def _spent(months: Iterable[Month], rows: Sequence[CountedSlot], kept: int) -> Iterator[int]:
    """When the bad events of each month became more than the whole month allows."""
    for month in months:
        if month.then is None or month.start < kept:
            continue
        allowed = (1 - month.then.held_to_ratio) * month.then.total
        bad = 0.0
        for each in rows:
            if month.start < each.slot <= month.end and each.state not in _LEFT_OUT:
                bad += each.total - each.good
                if bad > allowed + _ROUNDING:
                    yield each.slot
                    break
