"""Exclusions are made, ended and revoked: their record, and all that follows from it, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sla_worker.database.adjustments import AdjustmentStore
from sla_worker.database.consequences import Consequences, ExclusionError, signed, utc, within_reach
from sla_worker.database.definitions import DefinitionStore
from sla_worker.database.engine import Engine
from sla_worker.database.exclusions import ExclusionStore
from sla_worker.database.lingering import Lingering
from sla_worker.database.periods import HOUR_SECONDS
from sla_worker.database.rollups import RollupStore
from sla_worker.exclusions import merged, outward
from sla_worker.grid import Grid
from sla_worker.model import Exclusion, Planned, Scope, title


@dataclass(frozen=True, slots=True)
class AnnulledBreach:
    """A breach that is none, because its time was excluded, as it was before."""

    name: str
    component: str
    started_at: int
    ended_at: int | None


class MaintenanceStore:
    """What commands and pages ask of exclusions."""

    def __init__(
        self,
        engine: Engine,
        *,
        definitions: DefinitionStore,
        exclusions: ExclusionStore,
        adjustments: AdjustmentStore,
        consequences: Consequences,
        rollups: RollupStore,
        grid: Grid,
    ) -> None:
        self._engine = engine
        self._definitions = definitions
        self._exclusions = exclusions
        self._adjustments = adjustments
        self._consequences = consequences
        self._rollups = rollups
        self._grid = grid
        self.lingering = Lingering(
            engine,
            definitions=definitions,
            exclusions=exclusions,
            adjustments=adjustments,
            slot_seconds=grid.slot_seconds,
        )

    def all(self) -> list[Exclusion]:
        """Every exclusion, those that are over or revoked too, in the order in which they were made."""
        return self._exclusions.all()

    def get(self, number: int) -> Exclusion:
        """One exclusion. Raises ExclusionError when there is none with that id."""
        found = self._exclusions.get(number)
        if found is None:
            raise ExclusionError(f"there is no maintenance {number}; `sla maintenance list` shows all")
        return found

    def covers(self, number: int) -> list[dict[str, object]]:
        """The SLAs that one covers, each with the slot after which it does."""
        return self._exclusions.covers(number)

    def annulled(self, start: int, end: int) -> list[AnnulledBreach]:
        """The breaches that were within [start, end) and are none, because their time was excluded."""
        return [
            AnnulledBreach(**row)
            for row in self._engine.rows(
                "SELECT d.name, c.name AS component, n.start_at AS started_at, n.end_at AS ended_at"
                " FROM sla_annulled_breaches n JOIN sla_breaches b ON b.id = n.breach_id"
                " JOIN sla_definitions d ON d.id = b.sla_id JOIN sla_components c ON c.id = b.component_id"
                " WHERE n.start_at < ? AND (n.end_at IS NULL OR n.end_at > ?) ORDER BY n.start_at, b.id",
                (end, start),
            )
        ]

    def of(self, keys: Iterable[str], start: int, end: int) -> list[Exclusion]:
        """Those in force that cover some of [start, end) of one of these SLAs."""
        targets, known = self._exclusions.in_force().targets, self._definitions.all()
        covering = {number for key in keys for number in targets.get(known[key].id, ())}
        return [
            each
            for each in self.all()
            if each.id in covering and any(begin < end and until > start for begin, until in each.spans)
        ]

    def maintained(self, now: int) -> list[str]:
        """The keys of the SLAs of which maintenance lasts, of all components or some."""
        in_force = self._exclusions.in_force()
        lasting = {
            number
            for number, spans in in_force.spans.items()
            if any(start <= now < end for start, end in spans)
        }
        if not lasting:
            return []
        return [
            each.key
            for each in self._definitions.enabled()
            if not lasting.isdisjoint(in_force.targets.get(each.id, ()))
        ]

    def alerts_of(self, exclusion: Exclusion) -> tuple[list[str], list[str]]:
        """The keys of the SLAs it covers, and the titles of components it is left to: what alerts name."""
        targets = self._exclusions.in_force().targets
        covered = [each for each in self._definitions.enabled() if exclusion.id in targets.get(each.id, {})]
        titles = [title(each.name, name) for name in exclusion.planned.scope.components for each in covered]
        return [each.key for each in covered], titles

    # --- changes

    def together(self) -> AbstractContextManager[None]:
        """Changes inside it are all made, or none of them."""
        return self._engine.transaction()

    def add(
        self, planned: Planned, now: int, occurrences: Sequence[tuple[int, int]] | None = None
    ) -> Exclusion:
        """Exclude time from now on: its occurrences, or the one that is planned. Raises ExclusionError."""
        signed(planned.author, planned.reason)
        self._check(planned.scope)
        wanted = [(planned.start, planned.end)] if occurrences is None else occurrences
        for start, end in wanted:
            within_reach(start, end)
            if start >= end:
                raise ExclusionError(f"{utc(start)} to {utc(end)}: ends before it begins; give a later end")
        if not wanted:
            raise ExclusionError(f"{planned.rule}: never happens; give another rule")
        spans = merged(self.borders(*each) for each in wanted)
        with self._engine.transaction():
            number = self._exclusions.add(planned, spans, now)
            self._consequences.require_uncorrected(spans, f"{planned.reason}: cannot be added")
            self._consequences.derive(spans, now, quiet=True)
        return self.get(number)

    def end(self, number: int, by: str, now: int) -> Exclusion:
        """End one that is active, or will be again, with the slot of this moment. Raises ExclusionError."""
        known = self._not_revoked(number)
        signed(by)
        cut = self.slots(now, now)[1]
        if all(end <= cut for _, end in known.spans):
            raise ExclusionError(f"maintenance {number} is over; revoke it if its time shall count after all")
        left = [(start, min(end, cut)) for start, end in known.spans if start < cut]
        if not left:
            raise ExclusionError(f"maintenance {number} has not begun; revoke it")
        with self._engine.transaction():
            self._exclusions.set_spans(number, left)
            self._exclusions.note_end(number, now, by)
            self._consequences.require_uncorrected(known.spans, f"maintenance {number} cannot be ended")
            self._consequences.derive(known.spans, now)
        return self.get(number)

    def revoke(self, number: int, by: str, reason: str, now: int) -> Exclusion:
        """Let its time count again, as if it had never been excluded; it stays in the record.

        Raises ExclusionError.
        """
        signed(by, reason)
        known = self._not_revoked(number)
        with self._engine.transaction():
            self._exclusions.revoke(number, by, reason, now)
            self._consequences.require_whole_hours(known.spans, f"maintenance {number} cannot be revoked")
            self._consequences.derive(known.spans, now)
        return self.get(number)

    def _not_revoked(self, number: int) -> Exclusion:
        known = self.get(number)
        if known.revoked_at is not None:
            raise ExclusionError(
                f"maintenance {number} was revoked at {utc(known.revoked_at)} by {known.revoked_by}"
            )
        return known

    def _check(self, scope: Scope) -> None:
        """Raise ExclusionError for a scope that means nothing, or that cannot be excluded by itself."""
        stored = self._definitions.enabled()
        by_key = {each.key: each for each in stored}
        for key in scope.slas:
            if key not in by_key:
                raise ExclusionError(f"--sla {key}: there is no such SLA; give one of {', '.join(by_key)}")
            if by_key[key].members:
                raise ExclusionError(
                    f"--sla {key}: is made of other SLAs, whose figures are its own; give those instead"
                )
        categories = dict.fromkeys(each.category for each in stored if not each.members)
        for category in scope.categories:
            if category not in categories:
                raise ExclusionError(
                    f"--category {category}: no SLA is of it; give one of {', '.join(categories)}"
                )
        if scope.components:
            ids = [each.id for each in stored if scope.names(each.key, each.category)]
            known = dict.fromkeys(each.component for each in self._adjustments.series(ids))
            for component in scope.components:
                if component not in known:
                    raise ExclusionError(
                        f"--component {component}: these SLAs have none of that name;"
                        f" give one of {', '.join(known) or 'those that were measured'}"
                    )

    def slots(self, start: int, end: int) -> tuple[int, int]:
        """The borders moved outward to those of slots."""
        return outward(start, end, self._grid.slot_seconds)

    def borders(self, start: int, end: int) -> tuple[int, int]:
        """Moved outward to those of slots; to those of hours where only hours are kept."""
        marks, phase = self._rollups.marks(), self._rollups.phase
        begin, until = self.slots(start, end)
        kept = marks.slots_after or 0
        if begin >= kept:
            return begin, until
        if begin < (marks.hours_after or 0):
            raise ExclusionError(
                f"{utc(start)}: before {utc(marks.hours_after or 0)} only whole days are kept"
                " (SLA_KEEP_HOURS); give a later beginning"
            )
        hours = outward(start, end, HOUR_SECONDS, phase)
        return hours[0], hours[1] if end <= kept else until
