"""Corrections are made and revoked: their record, and all that follows from it, in one transaction."""

from __future__ import annotations

import math

from sla_worker.database.adjustments import AdjustmentStore
from sla_worker.database.consequences import Consequences, ExclusionError, signed, utc, within_reach
from sla_worker.database.corrections import CorrectionStore, touching
from sla_worker.database.definitions import DefinitionStore, StoredDefinition
from sla_worker.database.engine import Engine
from sla_worker.database.exclusions import ExclusionStore
from sla_worker.database.judging import judged_by
from sla_worker.database.measurements import MeasurementStore
from sla_worker.database.rollups import RollupStore
from sla_worker.exclusions import outward
from sla_worker.grid import Grid
from sla_worker.model import Correction, CountsAs, Wrong

_MOST_EVENTS = 10**12  # a million slots of so many are added up without a lost event, and far from infinity


class CorrectingStore:
    """What commands and pages ask of corrections."""

    def __init__(
        self,
        engine: Engine,
        *,
        definitions: DefinitionStore,
        corrections: CorrectionStore,
        exclusions: ExclusionStore,
        adjustments: AdjustmentStore,
        consequences: Consequences,
        measurements: MeasurementStore,
        rollups: RollupStore,
        grid: Grid,
    ) -> None:
        self._engine = engine
        self._definitions = definitions
        self._corrections = corrections
        self._exclusions = exclusions
        self._adjustments = adjustments
        self._consequences = consequences
        self._measurements = measurements
        self._rollups = rollups
        self._grid = grid

    def all(self) -> list[Correction]:
        """Every correction, those that were revoked too, in the order in which they were made."""
        return self._corrections.all()

    def between(self, start: int, end: int) -> list[Correction]:
        """Those in force, of slots that end in (start, end]."""
        return touching(self._corrections.in_force(), start, end)

    def get(self, number: int) -> Correction:
        """One correction. Raises ExclusionError when there is none with that id."""
        for each in self.all():
            if each.id == number:
                return each
        raise ExclusionError(f"there is no correction {number}; `sla correct list` shows all")

    def rows(self, correction: Correction) -> tuple[int, int]:
        """How many rows a correction is for, and how many of them it leaves as they are."""
        sla_id = self._definitions.get(correction.sla).id
        found = [
            self._adjustments.uncorrectable(each, correction)
            for each in self._adjustments.series([sla_id])
            if correction.concerns(each.component)
        ]
        return sum(rows for rows, _ in found), sum(left for _, left in found)

    # --- changes

    def add(self, wrong: Wrong, now: int) -> Correction:
        """Let other figures count from now on than were measured. Raises ExclusionError."""
        signed(wrong.author, wrong.reason)
        definition = self._definition(wrong)
        span = self._span(wrong, now)
        self._require_components(wrong, definition)
        self._require_counts(wrong, definition, span)
        for each in touching(self._corrections.in_force(), *span):
            shared = set(each.components) & set(wrong.components)
            if each.sla == wrong.sla and (shared or not (each.components and wrong.components)):
                raise ExclusionError(
                    f"{utc(each.start)} to {utc(each.end)} of {each.of} is corrected already, by correction"
                    f" {each.id}; revoke that one first"
                )
        with self._engine.transaction():
            number = self._corrections.add(wrong, span, now)
            self._exclusions.forget()
            made = self.get(number)
            rows, left = self.rows(made)
            if rows == left:
                raise ExclusionError(f"{utc(span[0])} to {utc(span[1])}: {self._why_nothing(made, rows)}")
            self._consequences.derive([span], now, quiet=True, why="another correction")
        return made

    def revoke(self, number: int, by: str, reason: str, now: int) -> Correction:
        """Let what was measured count again; the correction stays in the record. Raises ExclusionError."""
        signed(by, reason)
        known = self.get(number)
        if known.revoked_at is not None:
            raise ExclusionError(
                f"correction {number} was revoked at {utc(known.revoked_at)} by {known.revoked_by}"
            )
        span = known.start, known.end
        with self._engine.transaction():
            self._corrections.revoke(number, by, reason, now)
            self._exclusions.forget()
            self._consequences.require_whole_hours([span], f"correction {number} cannot be revoked")
            self._consequences.derive([span], now, why="another correction")
        return self.get(number)

    def _definition(self, wrong: Wrong) -> StoredDefinition:
        by_key = self._definitions.all()
        if wrong.sla not in by_key:
            raise ExclusionError(f"there is no SLA {wrong.sla}; give one of {', '.join(by_key)}")
        if by_key[wrong.sla].members:
            raise ExclusionError(
                f"{wrong.sla}: is made of other SLAs, whose figures are its own; correct those instead"
            )
        return by_key[wrong.sla]

    def _span(self, wrong: Wrong, now: int) -> tuple[int, int]:
        """Moved outward to borders of slots, all of which are over and still kept."""
        within_reach(wrong.start, wrong.end)
        if wrong.start >= wrong.end:
            raise ExclusionError(
                f"{utc(wrong.start)} to {utc(wrong.end)}: ends before it begins; give a later end"
            )
        start, end = outward(wrong.start, wrong.end, self._grid.slot_seconds)
        newest = self._measurements.newest_slot(now)
        if newest is None or end > newest:
            until = "nothing" if newest is None else f"what is up to {utc(newest)}"
            raise ExclusionError(f"{utc(end)}: only {until} was measured by now; give an earlier end")
        kept = self._rollups.marks().slots_after or 0
        if start < kept:
            raise ExclusionError(
                f"{utc(start)}: before {utc(kept)} only sums are kept (SLA_KEEP_SLOTS), whose slots cannot"
                " be corrected; give a later beginning"
            )
        return start, end

    def _require_components(self, wrong: Wrong, definition: StoredDefinition) -> None:
        known = [each.component for each in self._adjustments.series([definition.id])]
        for component in wrong.components:
            if component not in known:
                raise ExclusionError(
                    f"--component {component}: {wrong.sla} has none of that name;"
                    f" give one of {', '.join(known) or 'those that were measured'}"
                )

    def _require_counts(self, wrong: Wrong, definition: StoredDefinition, span: tuple[int, int]) -> None:
        """Raise ExclusionError for counts that no slot can have."""
        if wrong.counts_as is not CountsAs.COUNTS:
            return
        good, total = wrong.good, wrong.total
        if good is None or total is None or not (math.isfinite(good) and math.isfinite(total)):
            raise ExclusionError("--good and --total: give both, as numbers")
        if not 0 <= good <= total:
            raise ExclusionError(
                f"--good {good:.15g} --total {total:.15g}: give good events from 0 to all events of a slot"
            )
        if total > _MOST_EVENTS:
            raise ExclusionError(
                f"--total {total:.15g}: more than anything counts; give {_MOST_EVENTS:.15g} at most"
            )
        for _, last in self._rollups.pieces(*span):
            version = self._definitions.versions.at(definition.id, last)
            judged = judged_by(self._definitions.versions, version, definition.key)
            if judged.sli.one_event_a_slot and (total > 1 or good not in {0.0, total}):
                raise ExclusionError(
                    f"--good {good:.15g} --total {total:.15g}: a slot of {wrong.sla} is one event; give"
                    " --total 1 and --good 1 or 0"
                )

    def _why_nothing(self, made: Correction, rows: int) -> str:
        if not rows:
            return f"no slot of {made.of} is in the ledger; there is nothing to correct"
        return (
            f"no event of {made.of} was measured in service hours, so none can be good or bad;"
            " give --good and --total"
        )
