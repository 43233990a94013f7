"""What holds now: every SLA over one period or several, from two statements for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from sla_worker import composite
from sla_worker.database.adjustments import BESIDE, SUMS
from sla_worker.database.definitions import DefinitionStore, StoredDefinition
from sla_worker.database.engine import Engine
from sla_worker.database.exclusions import ExclusionStore, InForce
from sla_worker.database.periods import Part
from sla_worker.database.rollup_sql import COUNTS
from sla_worker.database.rollups import RollupStore
from sla_worker.database.rows import Pair
from sla_worker.database.spells import Period, Spell, spells
from sla_worker.database.trust import Trust
from sla_worker.model import SLAStatus, Status

_SOURCES: dict[str, str] = {
    "slots": f"""
SELECT s.sla_id, s.component_id, SUM(CASE WHEN {COUNTS} THEN m.good_events END) AS good,
       SUM(CASE WHEN {COUNTS} THEN m.total_events END) AS total,
       SUM(CASE WHEN {COUNTS} THEN m.coverage END) AS covered,
       SUM(CASE WHEN {COUNTS} THEN 0 ELSE 1 END) AS left_out
FROM sla_series s CROSS JOIN sla_measurements m
WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot > ? AND m.slot <= ?
  AND NOT (m.slot > ? AND m.slot <= ?)
GROUP BY s.sla_id, s.component_id""",  # noqa: S608 - a constant
    "hours": """
SELECT s.sla_id, s.component_id, SUM(h.good_events) AS good, SUM(h.total_events) AS total,
       SUM(h.covered_slots) AS covered, SUM(h.left_out) AS left_out
FROM sla_series s CROSS JOIN sla_hours h
WHERE h.sla_id = s.sla_id AND h.component_id = s.component_id AND h.hour_start >= ? AND h.hour_start < ?
  AND h.hour_start <= ?
GROUP BY s.sla_id, s.component_id""",
    "days": """
SELECT s.sla_id, s.component_id, SUM(d.good_events) AS good, SUM(d.total_events) AS total,
       SUM(d.covered_slots) AS covered, SUM(d.left_out) AS left_out
FROM sla_series s CROSS JOIN sla_daily_summaries d
WHERE d.sla_id = s.sla_id AND d.component_id = s.component_id AND d.day_start >= ? AND d.day_start < ?
  AND d.day_end <= ?
GROUP BY s.sla_id, s.component_id""",
}
"""The sums of each series over one part of a period, by seeking: the tables are clustered on the series."""


def _as_counted(measured: str, adjusted: str, keys: str) -> str:
    return ", ".join(
        f"SUM(COALESCE(a.{column}, {measured}.{column})) AS {name}"
        for column, name in (
            ("good_events", "good"),
            ("total_events", "total"),
            ("covered_slots", "covered"),
            ("left_out", "left_out"),
        )
    ) + (
        f" FROM sla_series s CROSS JOIN {keys} {measured} LEFT JOIN {adjusted} a"
        f" ON a.sla_id = {measured}.sla_id AND a.component_id = {measured}.component_id"
    )


_AS_COUNTED: dict[str, str] = {
    "slots": f"""
SELECT s.sla_id, s.component_id, {SUMS}
FROM sla_series s CROSS JOIN sla_measurements m {BESIDE}
WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot > ? AND m.slot <= ?
  AND NOT (m.slot > ? AND m.slot <= ?)
GROUP BY s.sla_id, s.component_id""",  # noqa: S608 - constants
    "hours": f"""
SELECT s.sla_id, s.component_id, {_as_counted("h", "sla_adjusted_hours", "sla_hours")}
    AND a.hour_start = h.hour_start
WHERE h.sla_id = s.sla_id AND h.component_id = s.component_id AND h.hour_start >= ? AND h.hour_start < ?
  AND h.hour_start <= ?
GROUP BY s.sla_id, s.component_id""",
    "days": f"""
SELECT s.sla_id, s.component_id, {_as_counted("d", "sla_adjusted_days", "sla_daily_summaries")}
    AND a.day_start = d.day_start
WHERE d.sla_id = s.sla_id AND d.component_id = s.component_id AND d.day_start >= ? AND d.day_start < ?
  AND d.day_end <= ?
GROUP BY s.sla_id, s.component_id""",
}
"""The same, with what counts instead of what was measured: for parts in which something does."""

_ENDS = """
WITH ends AS (
    SELECT s.sla_id, s.component_id, s.first_slot,
           (SELECT MAX(m.slot) FROM sla_measurements m
            WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot <= ?
              AND NOT (m.slot > ? AND m.slot <= ?)) AS slot
    FROM sla_series s
)
SELECT e.sla_id, e.component_id, c.name AS component, e.first_slot, e.slot, {newest},
       EXISTS (SELECT 1 FROM sla_breaches b WHERE b.sla_id = e.sla_id AND b.component_id = e.component_id
               AND b.ended_at IS NULL AND b.started_at < ?) AS in_breach
FROM ends e
JOIN sla_components c ON c.id = e.component_id
LEFT JOIN sla_measurements n
    ON n.sla_id = e.sla_id AND n.component_id = e.component_id AND n.slot = e.slot{beside}
ORDER BY e.sla_id, e.component_id
"""
"""Every series with its first slot, and what its newest one says."""
_ENDS_AS_MEASURED = _ENDS.format(newest="n.actual_value, n.status", beside="")
_ENDS_AS_COUNTED = _ENDS.format(
    newest="CASE WHEN a.state IS NULL THEN n.actual_value ELSE a.actual_value END AS actual_value,"
    " COALESCE(a.status, n.status) AS status",
    beside="""
LEFT JOIN sla_adjusted_slots a
    ON a.sla_id = e.sla_id AND a.component_id = e.component_id AND a.slot = e.slot""",
)


class Sums(NamedTuple):
    """What was counted: good events, all events, slots by their measured share, slots that do not count."""

    good: float
    total: float
    covered: float
    left_out: int

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(
            self.good + other.good,
            self.total + other.total,
            self.covered + other.covered,
            self.left_out + other.left_out,
        )


_NONE = Sums(0.0, 0.0, 0.0, 0)
_DIGITS = 12  # so that a ratio on its target is not a hair below it
_PARTS_AT_ONCE = 100  # SQLite joins no more than 500


class _Series(NamedTuple):
    """One component of an SLA in a period; `sums` is None when no slot of it lies in there."""

    first_slot: int | None = None
    slot: int | None = None
    actual: float | None = None
    status: int = Status.NO_DATA
    in_breach: int = 0
    sums: Sums | None = None
    pieces: tuple[Sums | None, ...] = ()  # the same, for each piece of the period


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
        hidden = self._trust.hidden()
        in_force = self._exclusions.in_force() if adjusted else InForce()
        counted_otherwise = in_force.touch(min(starts, default=end), end)
        ends = self._engine.rows(
            _ENDS_AS_COUNTED if counted_otherwise else _ENDS_AS_MEASURED,
            (end, *hidden, self._trust.bound()),
        )
        series: dict[int, list[tuple[Pair, str, _Series]]] = {}
        for row in ends:
            pair = row["sla_id"], row["component_id"]
            status = Status.NO_DATA if row["slot"] is None else row["status"]
            each = _Series(row["first_slot"], row["slot"], row["actual_value"], status, row["in_breach"])
            series.setdefault(pair[0], []).append((pair, row["component"], each))
        cuts = [self._rollups.pieces(start, end) for start in starts]
        sums = iter(self.sums([piece for pieces in cuts for piece in pieces], in_force))
        return [
            self._statuses(
                series, Period(start, end, pieces, in_force), [next(sums) for _ in pieces], of_then=of_then
            )
            for start, pieces in zip(starts, cuts, strict=True)
        ]

    def sums(
        self, spans: Sequence[tuple[int, int]], in_force: InForce | None = None
    ) -> list[dict[Pair, Sums]]:
        """The sums of every series over each of the spans (start, end], by one statement for all of them.

        A series without a slot in a span is not there. Spans that share a part (those that end together do:
        the hours and slots of today) read it once. `in_force` says what does not count; None: by the ledger.
        """
        if in_force is None:
            in_force = self._exclusions.in_force()
        wanted: dict[Part, int] = {}
        numbers = [
            [wanted.setdefault(part, len(wanted)) for part in self._rollups.parts(*span)] for span in spans
        ]
        if not wanted:
            return [{} for _ in spans]
        found: list[dict[Pair, Sums]] = [{} for _ in wanted]
        parts = list(wanted.items())
        for first in range(0, len(parts), _PARTS_AT_ONCE):
            self._sums_of(parts[first : first + _PARTS_AT_ONCE], in_force, found)
        return [_added([found[number] for number in each]) for each in numbers]

    def _sums_of(
        self, some: Iterable[tuple[Part, int]], in_force: InForce, found: list[dict[Pair, Sums]]
    ) -> None:
        hidden = self._trust.hidden()
        texts: list[str] = []
        values: list[int] = []
        for part, number in some:
            sources = _AS_COUNTED if in_force.touch(part.start, part.end) else _SOURCES
            texts.append(f"SELECT {number} AS part, p.* FROM ({sources[part.source]}) AS p")  # noqa: S608
            values += [part.start, part.end]
            if part.source == "hours":
                values.append(self._rollups.newest_hour(part.end))
            else:
                values += {"slots": hidden, "days": (part.end,)}[part.source]
        for row in self._engine.rows("\nUNION ALL\n".join(texts), values):
            found[row["part"]][row["sla_id"], row["component_id"]] = Sums(
                row["good"] or 0.0, row["total"] or 0.0, row["covered"] or 0.0, row["left_out"]
            )

    def _statuses(
        self,
        series: Mapping[int, Sequence[tuple[Pair, str, _Series]]],
        period: Period,
        sums: Sequence[Mapping[Pair, Sums]],
        *,
        of_then: bool,
    ) -> list[SLAStatus]:
        components = {
            sla_id: {
                name: _with(one, tuple([piece.get(pair) for piece in sums])) for pair, name, one in found
            }
            for sla_id, found in series.items()
        }
        statuses = [
            (each, self._status(each, component, found, period))
            for each in (self._promised(period, sums) if of_then else self._definitions.enabled())
            if self._versions.begun(each.id, period.end)
            for component, found in _shown(each, components.get(each.id, {})).items()
        ]
        if not any(each.members for each, _ in statuses):
            return [status for _, status in statuses]
        measured = [
            composite.Part(status.key, status.category, status.good, status.total, status.coverage_ratio)
            for each, status in statuses
            if not each.members
        ]
        return [
            self._scored(each, status, measured, components, period) if each.members else status
            for each, status in statuses
        ]

    def _promised(self, period: Period, sums: Sequence[Mapping[Pair, Sums]]) -> Iterable[StoredDefinition]:
        """The SLAs in force in some of a period; one defined after it only if its past was filled in."""
        counted = {sla_id for piece in sums for sla_id, _ in piece}
        for each in self._definitions.all().values():
            known = each.created_at < period.end or each.id in counted
            if known and any(self._versions.at(each.id, end).enabled for _, end in period.pieces):
                yield each

    def _status(
        self, definition: StoredDefinition, component: str, series: _Series, period: Period
    ) -> SLAStatus:
        """One component: named as it is now, held to what was in force at the end and in each piece."""
        sums, version = series.sums or _NONE, self._versions.shown(definition.id, period.end)
        expected, excluded = self._expected(
            (definition.id, component), series, period.pieces, period.in_force
        )
        return SLAStatus(
            key=definition.key,
            name=definition.name,
            component=component,
            category=version.category,
            severity=definition.severity,
            unit=version.unit,
            comparison=version.comparison,
            target=version.target_value,
            objective_ratio=version.objective_ratio,
            percentile=version.percentile,
            actual=series.actual,
            status=Status(series.status),
            slot=series.slot,
            good=sums.good,
            total=sums.total,
            compliance_ratio=sums.good / sums.total if sums.total > 0 else None,
            coverage_ratio=_coverage(sums, expected, excluded),
            in_breach=bool(series.in_breach),
            period_objective_ratio=self._objective(definition.id, series, period),
            changes=self._versions.changes(definition.id, period.start, period.end),
            excluded_seconds=excluded,
            measured_seconds=sums.covered * self._slot_seconds,
            period_seconds=round(expected * self._slot_seconds) + excluded,
        )

    def _expected(
        self,
        where: tuple[int, str],
        series: _Series,
        pieces: Sequence[tuple[int, int]],
        in_force: InForce,
    ) -> tuple[float, int]:
        """How many slots a component should have in pieces: those since its first, while it was in force.

        Without those that are excluded, whose seconds are returned too.
        """
        sla_id, first = where[0], series.first_slot
        since = pieces[0][0] if first is None and pieces else (first or 0) - self._slot_seconds
        covered, seconds, excluded = in_force.covered(*where), 0, 0
        for start, end in pieces:
            if end > since and self._versions.at(sla_id, end).enabled:
                seconds += end - max(start, since)
                excluded += covered.seconds(max(start, since), end)
        return (seconds - excluded) / self._slot_seconds, excluded

    def _objective(self, sla_id: int, series: _Series, period: Period) -> float | None:
        """Where several versions held: the share that must be good by all of them, weighted by their events.

        So the error budget of the period is the sum of the budgets of its parts. None: one version held.
        """
        if len(period.pieces) == 1 or len(self._versions.of(sla_id)) == 1:
            return None
        held = [self._versions.at(sla_id, end).objective_ratio for _, end in period.pieces]
        counted = [
            (each.total, objective)
            for each, objective in zip(series.pieces, held, strict=False)
            if each is not None and each.total > 0
        ]
        if len({objective for _, objective in counted}) < 2:  # noqa: PLR2004 - one is no mixture
            return counted[0][1] if counted else None
        total = sum(events for events, _ in counted)
        return round(sum(events * objective for events, objective in counted) / total, _DIGITS)

    def _scored(
        self,
        definition: StoredDefinition,
        status: SLAStatus,
        measured: Sequence[composite.Part],
        components: Mapping[int, Mapping[str, _Series]],
        period: Period,
    ) -> SLAStatus:
        """A composite over a period: from its members' sums, never from its own slots.

        Where it or the set of its members changed, it has a score before and one after, which count by the
        slots that were scored.
        """
        whole = composite.score(self._versions.shown(definition.id, period.end).members, measured)
        ratio, coverage = whole.ratio, whole.coverage
        if found := spells(self._definitions, definition.id, period):
            own = next(iter(_shown(definition, components.get(definition.id, {})).values()))
            ratio, coverage = self._over_spells(found, own, components, period)
        return replace(
            status,
            compliance_ratio=ratio,
            coverage_ratio=min(coverage, 1.0),
            weakest=whole.weakest,
            weakest_name=None if whole.weakest is None else self._definitions.get(whole.weakest).name,
            weakest_ratio=whole.weakest_ratio,
        )

    def _over_spells(
        self,
        found: Sequence[Spell],
        own: _Series,
        components: Mapping[int, Mapping[str, _Series]],
        period: Period,
    ) -> tuple[float | None, float]:
        """Ratio and coverage of a composite from its spells."""
        scored: list[tuple[float, float, float]] = []
        covered = seconds = 0.0
        for spell in found:
            pieces = period.pieces[spell.first : spell.last]
            score = composite.score(
                spell.version.members, self._parts(spell, components, pieces, period.in_force)
            )
            length = pieces[-1][1] - pieces[0][0]
            if pieces[-1][1] > (own.first_slot or 0) - self._slot_seconds:  # else it was not there yet
                covered += length * min(score.coverage, 1.0)
                seconds += length
            if score.ratio is not None:
                slots = sum(each.total for each in own.pieces[spell.first : spell.last] if each is not None)
                scored.append((score.ratio, slots, length))
        if not scored:
            return None, covered / seconds if seconds else 0.0
        weight = 1 if any(each[1] for each in scored) else 2
        weights = sum(each[weight] for each in scored)
        ratio = sum(each[0] * each[weight] for each in scored) / weights
        return round(ratio, _DIGITS), covered / seconds if seconds else 0.0

    def _parts(
        self,
        spell: Spell,
        components: Mapping[int, Mapping[str, _Series]],
        pieces: Sequence[tuple[int, int]],
        in_force: InForce,
    ) -> list[composite.Part]:
        """What the members of a composite counted in one of its spells."""
        categories = dict(spell.counted)
        parts: list[composite.Part] = []
        for each in self._definitions.all().values():
            if each.id not in categories:
                continue
            own = {}
            for name, series in components.get(each.id, {}).items():
                counted = [one for one in series.pieces[spell.first : spell.last] if one is not None]
                own[name] = series._replace(sums=_total(counted) if counted else None)
            for name, series in _shown(each, own).items():
                sums = series.sums or _NONE
                expected, excluded = self._expected((each.id, name), series, pieces, in_force)
                parts.append(
                    composite.Part(
                        each.key,
                        categories[each.id],
                        sums.good,
                        sums.total,
                        _coverage(sums, expected, excluded),
                    )
                )
        return parts


def _total(counted: Sequence[Sums]) -> Sums:
    total = counted[0]
    for each in counted[1:]:
        total = total.plus(each)
    return total


def _added(found: Sequence[dict[Pair, Sums]]) -> dict[Pair, Sums]:
    added: dict[Pair, Sums] = {}
    for each in found:
        for pair, more in each.items():
            so_far = added.get(pair)
            added[pair] = more if so_far is None else so_far.plus(more)
    return added


def _coverage(sums: Sums, expected: float, excluded: int) -> float:
    """Nothing is expected where every slot was left out, out of hours say: then nothing is missing either."""
    expected -= sums.left_out
    if expected > 0:
        return min(float(sums.covered) / expected, 1.0)
    return 1.0 if sums.left_out or excluded else 0.0


def _with(series: _Series, pieces: tuple[Sums | None, ...]) -> _Series:
    counted = [each for each in pieces if each is not None]
    return _Series(*series[:-2], _total(counted), pieces) if counted else series


def _shown(definition: StoredDefinition, found: Mapping[str, _Series]) -> Mapping[str, _Series]:
    """The components that were measured in the period; without any, the one that the definition names.

    Slots without any data stand under the component of the definition: that is none of its own where others
    were measured, and its time is theirs. One that the newest slot does not have is gone: it keeps its
    figures, but says nothing about now.
    """
    measured = {name: each for name, each in found.items() if each.sums is not None}
    if measured and len(found) == 1:
        return measured
    if not measured:
        return {definition.component: found.get(definition.component, _Series())}
    newest = max((each.slot for each in measured.values() if each.slot is not None), default=None)
    named = measured.get(definition.component)
    if len(measured) > 1 and named is not None and named.sums is not None and not named.sums.covered:
        del measured[definition.component]
        measured = _with_time_before(measured, named)
    return {
        name: each if each.slot == newest else each._replace(actual=None, status=Status.NO_DATA)
        for name, each in measured.items()
    }


def _with_time_before(measured: Mapping[str, _Series], unmeasured: _Series) -> dict[str, _Series]:
    """What the slots without any data add to the components that came first: time that was not measured.

    Without it an SLA that is split would seem to be covered better than one that is not. A component that
    came later joined then, and has missed nothing.
    """
    first = min(_begins(each) for each in measured.values())
    sums = unmeasured.sums or _NONE
    left_out = _NONE._replace(left_out=sums.left_out)
    return {
        name: each._replace(
            first_slot=min(first, _begins(unmeasured)), sums=(each.sums or _NONE).plus(left_out)
        )
        if _begins(each) == first
        else each
        for name, each in measured.items()
    }


def _begins(series: _Series) -> int:
    """The first slot of a series that is in the ledger: it has one."""
    return series.first_slot or 0
