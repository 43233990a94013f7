"""A replay: SLA by SLA, those that composites are made of first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from zoneinfo import ZoneInfo

from sla_worker.backtest import months
from sla_worker.backtest.alerts import alerts, spent
from sla_worker.backtest.refusal import refusal
from sla_worker.backtest.slots import again, scored
from sla_worker.backtest.values import Backtest, Month, Other, Replayed
from sla_worker.breaches import GONE_SECONDS, OpenBreach, Point, Rule, Span, Track, derive
from sla_worker.credits import owed
from sla_worker.database import SLADatabase
from sla_worker.database.trace import CountedSlot
from sla_worker.model import Breach, Definition, SLAStatus, title
from sla_worker.spans import months_within

_HOURS_OF_NONE = (
    "it is split by labels, and had slots without any component: whose service hours those were is not known"
)


def backtest(
    database: SLADatabase, others: Mapping[str, Other], start: int, end: int, zone: ZoneInfo
) -> Backtest:
    """Replay some SLAs, by their keys, over the slots that end in (start, end]."""
    kept = max(database.slots_after(), start)
    period = _Period(database, start, end, kept, tuple(months_within(start, end, zone)))
    refused: dict[str, str] = {}
    of: dict[str, _OfSLA] = {}
    for key, other in others.items():
        reason = refusal(database, others, key, (start, end), zone)
        if reason is None:
            of[key] = _OfSLA(period, key, other)
            reason = of[key].refused
        if reason is not None:
            refused[key] = reason
            of.pop(key, None)
    found: list[Replayed] = []
    for key, each in of.items():
        members = [*each.members()]
        unknown = [member for member, _ in members if member in refused]
        if unknown:
            refused[key] = f"{', '.join(unknown)} is part of it, and was not replayed"
            continue
        made = [of.get(member) or _OfSLA(period, member, Other()) for member, _ in members]
        found += each.over(list(zip(made, (category for _, category in members), strict=True)))
    return Backtest(start, end, kept, database.slot_seconds, tuple(found), refused)


@dataclass(frozen=True)
class _Period:
    """What is replayed: the slots that end in (start, end], breaches and alerts from `kept` on."""

    database: SLADatabase
    start: int
    end: int
    kept: int
    months: Sequence[tuple[int, int]]

    @cached_property
    def statuses(self) -> list[list[SLAStatus]]:
        """Of each month, as it was."""
        return [self.database.status_of_period(*each) for each in self.months]

    @cached_property
    def breaches(self) -> list[tuple[str, Breach]]:
        """Those that were."""
        return [(each.key, each) for each in self.database.breaches_between(self.kept, self.end)]


class _OfSLA:
    """One SLA, slot by slot."""

    def __init__(self, period: _Period, key: str, other: Other) -> None:
        self._period = period
        self._database = database = period.database
        self.key = key
        self._other = other
        self._step = database.slot_seconds
        self._versions = database.versions()[key]
        self._stored = database.definitions()[key]
        self._borders = [each.valid_from for each in self._versions[1:]]
        self._judged = cache(self._judge_of)

    def _judge_of(self, number: int) -> months.Judged:
        """A version, counted from 0, as it was and as it would have been."""
        version = self._versions[number]
        was = self._database.tracer.judged_by(self.key, max(version.valid_from + 1, 1))
        return was, self._other.of(was)

    def at(self, slot: int) -> months.Judged:
        """What a slot was judged by, and what it would have been judged by."""
        return self._judged(bisect_left(self._borders, slot))

    @property
    def _then(self) -> Definition:
        return self.at(self._period.end)[1]

    def members(self) -> Iterator[tuple[str, str]]:
        """The keys and categories of the SLAs that it would be made of."""
        if not self._then.sli.members:
            return
        [*_, (_, promised)] = self._database.tracer.promised(self.key, self._period.start, self._period.end)
        for key, category in sorted(promised):
            if any(each.includes(key, category) for each in self._then.sli.members):
                yield key, category

    # --- slots

    @cached_property
    def measured(self) -> dict[str, list[CountedSlot]]:
        """By component, all that are kept."""
        rows: dict[str, list[CountedSlot]] = {}
        begin, end = self._database.slots_after(), self._period.end
        for row in self._database.tracer.slots(self.key, begin, end):
            rows.setdefault(row.component, []).append(row)
        return rows

    @cached_property
    def rows(self) -> dict[str, list[CountedSlot]]:
        """The same, as they would count."""
        return {component: list(self._again(component, rows)) for component, rows in self.measured.items()}

    def _again(self, component: str, rows: Sequence[CountedSlot]) -> Iterator[CountedSlot]:
        maintained, corrections = self._database.tracer.changes(self.key, component)
        for row in rows:
            yield again(
                row,
                self.at(row.slot)[1],
                step=self._step,
                in_maintenance=maintained.holds(row.slot),
                corrections=[each for each in corrections if each.start < row.slot <= each.end],
            )

    @property
    def refused(self) -> str | None:
        """Why its slots do not tell what is asked."""
        was, then = self.at(self._period.end)
        if was.policy.service_hours == then.policy.service_hours or was.sli.members:
            return None
        mixed = len(self.measured) > 1 and was.component in self.measured
        return _HOURS_OF_NONE if mixed else None

    # --- all of it

    def over(self, members: Sequence[tuple[_OfSLA, str]]) -> list[Replayed]:
        """All its components; `members` are those of a composite, with their categories."""
        rows = self._scored(members) if self._then.sli.members else self.rows
        here = [[each for each in found if each.key == self.key] for found in self._period.statuses]
        components = dict.fromkeys([*rows, *(each.component for found in here for each in found)])
        return [self._component(component, rows, here, members) for component in components]

    def _component(
        self,
        component: str,
        rows: Mapping[str, Sequence[CountedSlot]],
        here: Sequence[Sequence[SLAStatus]],
        members: Sequence[tuple[_OfSLA, str]],
    ) -> Replayed:
        period = self._period
        own, kept = rows.get(component, []), period.kept
        of_months = [
            self._month(number, each, own, members)
            for number, found in enumerate(here)
            for each in found
            if each.component == component
        ]
        others = [each for other, listed in rows.items() if other != component for each in listed]
        spans = [
            each
            for each in self._breaches(own, others, self._track(component, members))
            if each.started_at < period.end
            and (each.ended_at is None or each.ended_at > max(kept, each.started_at))
        ]
        fired = alerts(
            () if members else own,
            lambda slot: self.at(slot)[1],
            severity=self._stored.severity,
            step=self._step,
            kept=kept,
        )
        return Replayed(
            key=self.key,
            title=title(self._stored.name, component),
            component=component,
            months=tuple(of_months),
            was=tuple(
                each for key, each in period.breaches if (key, each.component) == (self.key, component)
            ),
            then=tuple(spans),
            alerts=tuple(fired),
            spent_at=() if members else tuple(spent(of_months, own, kept)),
        )

    def _track(self, component: str, members: Sequence[tuple[_OfSLA, str]]) -> Track:
        """What lasted when the first slot that is kept began; of another definition that is not known."""
        kept = self._database.slots_after()
        was, then = self.at(kept + self._step)
        if not kept or was != then or not all(each.unchanged for each, _ in members):
            return Track()
        for each in self._database.breaches_between(kept, kept + 1):
            if (each.key, each.component) == (self.key, component) and each.started_at < kept:
                return Track(OpenBreach(each.started_at, each.worst))
        return Track()

    def _breaches(
        self, rows: Sequence[CountedSlot], others: Sequence[CountedSlot], track: Track
    ) -> list[Span]:
        measured = sorted(each.slot for each in others if each.measured_coverage > 0)

        def gone(last: int, until: int) -> bool:
            return any(last + GONE_SECONDS <= slot <= until for slot in measured)

        def rule(slot: int) -> Rule:
            _, then = self.at(slot)
            return Rule(then.comparison, self._step, then.policy.breach_after, then.policy.recover_after)

        points = [Point(each.slot, each.state, each.actual) for each in rows]
        spans = derive(points, rule, track=track, gone=gone)
        if spans and spans[-1].ended_at is None and others:
            last, newest = rows[-1].slot, max(each.slot for each in others)
            if newest > last + GONE_SECONDS and gone(last, newest):
                spans[-1] = replace(spans[-1], ended_at=last)
        return spans

    # --- months

    def _month(
        self,
        number: int,
        was: SLAStatus,
        rows: Sequence[CountedSlot],
        members: Sequence[tuple[_OfSLA, str]],
    ) -> Month:
        start, end = self._period.months[number]
        before, then = self.at(end)
        made = (
            self._composite(number, was, rows, members) if then.sli.members else self.plain(number, was, rows)
        )
        return Month(
            start,
            end,
            was,
            made,
            owed(was, before.policy.credits),
            None if made is None else owed(made, then.policy.credits),
        )

    def plain(self, number: int, was: SLAStatus, rows: Sequence[CountedSlot]) -> SLAStatus | None:
        """A month of one component, as it would be; None where that cannot be said."""
        month = self._period.months[number]
        whole = month[0] >= self._period.kept
        return months.plain(was, rows, self.at, whole=whole, month=month, step=self._step)

    # --- composites

    def _scored(self, members: Sequence[tuple[_OfSLA, str]]) -> dict[str, list[CountedSlot]]:
        """Its slots, from those of its members."""
        of_slot: dict[int, list[tuple[str, str, CountedSlot]]] = {}
        for each, category in members:
            for rows in each.rows.values():
                for row in rows:
                    of_slot.setdefault(row.slot, []).append((each.key, category, row))
        return {
            component: [
                scored(row, self.at(row.slot)[1], of_slot.get(row.slot, ()), self._step) for row in rows
            ]
            for component, rows in self.measured.items()
        }

    def _composite(
        self,
        number: int,
        was: SLAStatus,
        rows: Sequence[CountedSlot],
        members: Sequence[tuple[_OfSLA, str]],
    ) -> SLAStatus | None:
        start, end = self._period.months[number]
        before, then = self.at(end)
        if before == then and all(each.unchanged for each, _ in members):
            return was
        found: list[SLAStatus | None] = []
        for each, category in members:
            for status in self._period.statuses[number]:
                if status.key == each.key:
                    own = each.rows.get(status.component, []) if not each.unchanged else []
                    made = status if each.unchanged else each.plain(number, status, own)
                    found.append(None if made is None else replace(made, category=category))
        scores = [each for each in rows if start < each.slot <= end] if start >= self._period.kept else None
        names = self._database.definitions()
        return months.composite(was, then, found, scores, lambda key: names[key].name)

    @cached_property
    def unchanged(self) -> bool:
        """Whether it would have been judged as it was."""
        return all(was == then for was, then in map(self._judged, range(len(self._versions))))
