"""The score of a composite over a period: from its members' sums, never from its own slots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from sla_worker import composite
from sla_worker.database.components import Component, expected, shown, summed
from sla_worker.database.definitions import DefinitionStore, StoredDefinition
from sla_worker.database.spells import Period, Spell, spells
from sla_worker.database.sums import NONE
from sla_worker.model import SLAStatus

DIGITS = 12  # so that a ratio on its target is not a hair below it

Of = Callable[[int], Sequence[Component]]
"""The series of an SLA over the period, by its id."""


class PeriodScores:
    """Scores of one period. `of` has what was counted of each SLA in it."""

    def __init__(self, definitions: DefinitionStore, period: Period, of: Of, slot_seconds: int) -> None:
        self._definitions = definitions
        self._period = period
        self._of = of
        self._slot_seconds = slot_seconds

    def scored(
        self, definition: StoredDefinition, status: SLAStatus, measured: Iterable[composite.Part]
    ) -> SLAStatus:
        """The status of a composite with its score; `measured` are the SLAs that are none.

        Where it or the set of its members changed, it has a score before and one after, which count by the
        slots that were scored.
        """
        versions = self._definitions.versions
        whole = composite.score(versions.shown(definition.id, self._period.end).members, measured)
        ratio, coverage = whole.ratio, whole.coverage
        if found := spells(self._definitions, definition.id, self._period):
            own, *_ = shown(definition, self._of(definition.id))
            ratio, coverage = self._over_spells(found, own)
        return replace(
            status,
            compliance_ratio=ratio,
            coverage_ratio=min(coverage, 1.0),
            weakest=whole.weakest,
            weakest_name=None if whole.weakest is None else self._definitions.get(whole.weakest).name,
            weakest_ratio=whole.weakest_ratio,
        )

    def _over_spells(self, found: Sequence[Spell], own: Component) -> tuple[float | None, float]:
        """Ratio and coverage of a composite from its spells."""
        scored: list[tuple[float, float, float]] = []
        covered = seconds = 0.0
        for spell in found:
            pieces = self._period.pieces[spell.first : spell.last]
            score = composite.score(spell.version.members, self._parts(spell, pieces))
            length = pieces[-1][1] - pieces[0][0]
            if pieces[-1][1] > own.begins - self._slot_seconds:  # else it was not there yet
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
        return round(ratio, DIGITS), covered / seconds if seconds else 0.0

    def _parts(self, spell: Spell, pieces: Sequence[tuple[int, int]]) -> list[composite.Part]:
        """What the members of a composite counted in one of its spells."""
        categories = dict(spell.counted)
        parts: list[composite.Part] = []
        for each in self._definitions.all().values():
            if each.id not in categories:
                continue
            own = [summed(one.series, one.pieces[spell.first : spell.last]) for one in self._of(each.id)]
            for component in shown(each, own):
                sums = component.sums or NONE
                should = expected(
                    self._definitions.versions.of(each.id),
                    component,
                    pieces,
                    in_force=self._period.in_force,
                    slot_seconds=self._slot_seconds,
                )
                parts.append(
                    composite.Part(
                        each.key, categories[each.id], sums.good, sums.total, should.coverage(sums)
                    )
                )
        return parts
