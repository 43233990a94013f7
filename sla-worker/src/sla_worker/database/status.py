"""What holds now: every SLA over one period or several, from two statements for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sla_worker import composite
from sla_worker.database.components import Component, Expected, Series, expected, over, shown
from sla_worker.database.definitions import DefinitionStore, StoredDefinition
from sla_worker.database.engine import Engine
from sla_worker.database.exclusions import ExclusionStore, InForce
from sla_worker.database.period_scores import DIGITS, PeriodScores
from sla_worker.database.rollups import RollupStore
from sla_worker.database.rows import Pair
from sla_worker.database.spells import Period
from sla_worker.database.sums import NONE, Found, SumReader, Sums
from sla_worker.database.sums_sql import ENDS_AS_COUNTED, ENDS_AS_MEASURED
from sla_worker.database.trust import Trust
from sla_worker.database.versions import StoredVersion, at
from sla_worker.model import Comparison, SLAStatus, Status


@dataclass(frozen=True, slots=True)
class _Held:
    """An SLA, and what it is held to at the end of some periods; `one` is its only version, in force."""

    definition: StoredDefinition
    is_composite: bool
    versions: Sequence[StoredVersion]
    one: bool
    said: tuple[str, str, str, Comparison, float, float, float | None]
    """Category, severity, unit, comparison, target, objective, percentile: as a status has them."""


class StatusReader:
    """Reads what the other stores have written."""

    def __init__(
        self,
        engine: Engine,
        definitions: DefinitionStore,
        trust: Trust,
        *,
        rollups: RollupStore,
        exclusions: ExclusionStore,
        slot_seconds: int,
    ) -> None:
        self._engine = engine
        self._definitions = definitions
        self._versions = definitions.versions
        self._trust = trust
        self._rollups = rollups
        self._exclusions = exclusions
        self._slot_seconds = slot_seconds
        self._sums = SumReader(engine, trust, rollups=rollups, exclusions=exclusions)

    def over(self, start: int, end: int, *, adjusted: bool = True, of_then: bool = False) -> list[SLAStatus]:
        """Every enabled SLA over the slots in (start, end], in the order of their definition.

        Without `adjusted` as it was measured, without exclusions. `of_then`: those that were promised in the
        period instead, also if they were removed since.
        """
        return self.since([start], end, adjusted=adjusted, of_then=of_then)[0]

    def since(
        self, starts: Sequence[int], end: int, *, adjusted: bool = True, of_then: bool = False
    ) -> list[list[SLAStatus]]:
        """As `over` for each of the starts, by two statements for all of them."""
        in_force = self._exclusions.in_force() if adjusted else InForce()
        series = self._series(end, counted_otherwise=in_force.touch(min(starts, default=end), end))
        periods = [Period(start, end, self._rollups.pieces(start, end), in_force) for start in starts]
        sums = iter(self.sums([piece for period in periods for piece in period.pieces], in_force))
        counted = [[next(sums) for _ in period.pieces] for period in periods]
        now = [] if of_then else self._held(self._definitions.enabled(), end)
        return [
            self._statuses(
                self._held(self._promised(period, found), end) if of_then else now, series, period, found
            )
            for period, found in zip(periods, counted, strict=True)
        ]

    def sums(self, spans: Sequence[tuple[int, int]], in_force: InForce | None = None) -> list[Found]:
        """The sums of every series over each of the spans: see SumReader."""
        return self._sums.over(spans, in_force)

    def sums_of_series(self, wanted: Sequence[tuple[Pair, tuple[int, int]]]) -> list[Sums | None]:
        """The sums of one series over one span for each of them: see SumReader."""
        return self._sums.of_series(wanted)

    def _series(self, end: int, *, counted_otherwise: bool) -> Mapping[int, list[Series]]:
        """The series of each SLA by its id, with their newest slots up to `end`."""
        found: dict[int, list[Series]] = {}
        for row in self._engine.rows(
            ENDS_AS_COUNTED if counted_otherwise else ENDS_AS_MEASURED,
            (end, *self._trust.hidden(), self._trust.bound()),
        ):
            found.setdefault(row["sla_id"], []).append(
                Series(
                    row["component"],
                    (row["sla_id"], row["component_id"]),
                    row["first_slot"],
                    row["slot"],
                    row["actual_value"],
                    Status.NO_DATA if row["slot"] is None else Status(row["status"]),
                    bool(row["in_breach"]),
                )
            )
        return found

    def _promised(self, period: Period, sums: Sequence[Found]) -> Iterable[StoredDefinition]:
        """The SLAs in force in some of a period; one defined after it only if its past was filled in."""
        counted = {sla_id for piece in sums for sla_id, _ in piece}
        for each in self._definitions.all().values():
            known = each.created_at < period.end or each.id in counted
            if known and any(self._versions.at(each.id, end).enabled for _, end in period.pieces):
                yield each

    def _held(self, definitions: Iterable[StoredDefinition], end: int) -> list[_Held]:
        """Those that have begun: named as they are now, held to what was in force at the end."""
        found = []
        for each in definitions:
            if not self._versions.begun(each.id, end):
                continue
            versions = self._versions.of(each.id)
            version = self._versions.shown(each.id, end)
            said = (version.comparison, version.target_value, version.objective_ratio, version.percentile)
            found.append(
                _Held(
                    each,
                    bool(each.members),
                    versions,
                    len(versions) == 1 and version.enabled,
                    (version.category, each.severity, version.unit, *said),
                )
            )
        return found

    def _statuses(
        self,
        held: Iterable[_Held],
        series: Mapping[int, Sequence[Series]],
        period: Period,
        sums: Sequence[Found],
    ) -> list[SLAStatus]:
        statuses = list(self._plain(held, series, period, sums))
        if not any(each.is_composite for each, _ in statuses):
            return [status for _, status in statuses]
        measured = [
            composite.Part(status.key, status.category, status.good, status.total, status.coverage_ratio)
            for each, status in statuses
            if not each.is_composite
        ]
        scores = PeriodScores(
            self._definitions,
            period,
            lambda sla_id: over(series.get(sla_id, ()), sums),
            self._slot_seconds,
        )
        return [
            scores.scored(each.definition, status, measured) if each.is_composite else status
            for each, status in statuses
        ]

    def _plain(
        self,
        held: Iterable[_Held],
        series: Mapping[int, Sequence[Series]],
        period: Period,
        sums: Sequence[Found],
    ) -> Iterator[tuple[_Held, SLAStatus]]:
        """Each SLA and component by its own sums; composites have no score yet."""
        alike: dict[int | None, Expected] = {}
        for each in held:
            for component in shown(each.definition, over(series.get(each.definition.id, ()), sums)):
                should = self._expected(each, component, period, alike)
                yield each, self._status(each, component, period, should)

    def _expected(
        self, held: _Held, component: Component, period: Period, alike: dict[int | None, Expected]
    ) -> Expected:
        """What a component should have; `alike` has what was found for others in the same period.

        Of an SLA that was always held to the same the pieces of a period make no difference, and while
        nothing is excluded its first slot says it all.
        """
        where = period.in_force, self._slot_seconds
        if not held.one:
            return expected(held.versions, component, period.pieces, *where)
        whole = [(period.start, period.end)] if period.pieces else []
        if period.in_force.anything:
            return expected(held.versions, component, whole, *where)
        first = component.series.first_slot
        found = alike.get(first)
        if found is None:
            found = alike[first] = expected(held.versions, component, whole, *where)
        return found

    def _status(self, held: _Held, component: Component, period: Period, should: Expected) -> SLAStatus:
        definition, series, sums = held.definition, component.series, component.sums or NONE
        return SLAStatus(
            definition.key,
            definition.name,
            series.name,
            *held.said,
            series.actual,
            series.status,
            series.slot,
            sums.good,
            sums.total,
            sums.good / sums.total if sums.total > 0 else None,
            should.coverage(sums),
            series.in_breach,
            period_objective_ratio=None if held.one else self._objective(held, component, period),
            changes=() if held.one else self._versions.changes(definition.id, period.start, period.end),
            excluded_seconds=should.excluded_seconds,
            measured_seconds=sums.covered * self._slot_seconds,
            period_seconds=round(should.slots * self._slot_seconds) + should.excluded_seconds,
        )

    @staticmethod
    def _objective(held: _Held, component: Component, period: Period) -> float | None:
        """Where several versions held: the share that must be good by all of them, weighted by their events.

        So the error budget of the period is the sum of the budgets of its parts. None: one version held.
        """
        if len(period.pieces) == 1 or len(held.versions) == 1:
            return None
        objectives = [at(held.versions, end).objective_ratio for _, end in period.pieces]
        counted = [
            (each.total, objective)
            for each, objective in zip(component.pieces, objectives, strict=False)
            if each is not None and each.total > 0
        ]
        if len({objective for _, objective in counted}) < 2:  # noqa: PLR2004 - one is no mixture
            return counted[0][1] if counted else None
        total = sum(events for events, _ in counted)
        return round(sum(events * objective for events, objective in counted) / total, DIGITS)
