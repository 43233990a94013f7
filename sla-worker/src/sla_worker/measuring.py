"""Rows of the ledger from what is read of a stretch of slots: all SLAs, their components, composites last."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sla_worker.composite import slot_score
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.in_force import InForce
from sla_worker.model import Definition, Figures, Measurement
from sla_worker.needs import WHOLE, Asked, Counts, Expression, Need
from sla_worker.prometheus import PrometheusClient
from sla_worker.reading import Reader
from sla_worker.service_hours import in_service
from sla_worker.uncollected import without_collection

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measured:
    """The rows of some slots, ascending, and how many requests they took."""

    rows: tuple[Measurement, ...]
    requests: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    """SLAs that are due, those that are measured for them, and what all of them ask for."""

    due: tuple[Definition, ...]
    epoch: int
    definitions: tuple[Definition, ...]
    asked: Mapping[str, Asked]
    needs: tuple[Need, ...]
    expressions: tuple[Expression, ...]


class Measurer:
    """Measures SLAs over stretches of slots; it remembers what it complained about.

    In all slots of a stretch the same versions are `in_force`, by default these definitions.
    """

    def __init__(
        self,
        definitions: Sequence[Definition],
        client: PrometheusClient,
        grid: Grid,
        in_force: InForce | None = None,
    ) -> None:
        self._definitions = definitions
        self._in_force = in_force or InForce(definitions)
        self._reader = Reader(client, grid)
        self._grid = grid
        self._refused: dict[str, str] = {}
        self._wanted: _Wanted | None = None

    def concerns(self) -> list[str]:
        """What could not be measured as it was meant, one line each."""
        found = [f"SLA {key}: {why}" for key, why in self._refused.items()]
        for each in self._definitions:
            for expression in each.sli.expressions(each, self._grid.slot_seconds):
                if expression in self._reader.refused:
                    found.append(f"SLA {each.key}: {self._reader.refused[expression]}")
        return found

    def first_scrape(self, start: int, end: int) -> float | None:
        """The first slot's end, up to `end`, with a scrape of anything in it or little before; None: none."""
        return self._reader.first_scrape(start, end)

    def measure(
        self, due: Sequence[Definition], slots: range, missing: Mapping[str, AbstractSet[int]], newest: int
    ) -> Measured:
        """The rows of these SLAs that are missing; those before `newest` are late. Raises PrometheusError."""
        with without_collection():
            return self._measure(due, slots, missing, newest)

    def _measure(
        self, due: Sequence[Definition], slots: range, missing: Mapping[str, AbstractSet[int]], newest: int
    ) -> Measured:
        epoch = self._in_force.epoch(slots[-1])
        if self._wanted is None or self._wanted.epoch != epoch or self._wanted.due != tuple(due):
            self._wanted = self._ask(due, slots)
        wanted = self._wanted.definitions
        window = self._reader.read(self._wanted.needs, self._wanted.expressions, slots)
        figures = {
            each.key: self._figures(each, self._wanted.asked[each.key], window)
            for each in wanted
            if not each.sli.members
        }
        rows: list[Measurement] = []
        for index, slot in enumerate(slots):
            rows += [
                row
                for row in self._of_slot(
                    wanted, figures, index, slot, late=slot < newest, partial=window.partial
                )
                if slot in missing.get(row.key, ())
            ]
        return Measured(tuple(rows), self._reader.requests)

    def _ask(self, due: Sequence[Definition], slots: range) -> _Wanted:
        """All that must be read for these SLAs; equal needs of several of them are one object."""
        wanted = self._with_members(due, self._in_force.at(slots[-1]))
        needs: dict[Need, Need] = {}
        expressions: dict[Expression, Expression] = {}
        asked = {}
        for each in wanted:
            asked[each.key] = Asked(
                tuple(needs.setdefault(need, need) for need in each.sli.needs(each)),
                tuple(
                    expressions.setdefault(expression, expression)
                    for expression in each.sli.expressions(each, self._grid.slot_seconds)
                ),
            )
        epoch = self._in_force.epoch(slots[-1])
        return _Wanted(tuple(due), epoch, tuple(wanted), asked, tuple(needs), tuple(expressions))

    def _with_members(self, due: Sequence[Definition], in_force: Sequence[Definition]) -> list[Definition]:
        """The SLAs themselves, and the members of composites."""
        keys = {each.key for each in due}
        members = [member for each in due for member in each.sli.members]
        keys.update(member.sla for member in members if member.sla is not None)
        categories = {member.category for member in members if member.category is not None}
        return [each for each in in_force if each.key in keys or each.category in categories]

    def _of_slot(
        self,
        wanted: Sequence[Definition],
        figures: Mapping[str, Mapping[str, Sequence[Figures]]],
        index: int,
        slot: int,
        *,
        late: bool,
        partial: bool,
    ) -> Iterable[Measurement]:
        rows: list[Measurement] = []
        for each in wanted:
            if not each.sli.members:
                found = {name: values[index] for name, values in figures[each.key].items()}
                rows += self._rows(each, slot, found, late=late, partial=partial)
        scores: list[Measurement] = []
        categories = {each.key: each.category for each in wanted}
        for each in wanted:
            if each.sli.members:
                counted = self._in_force.members(each, slot)
                parts = [row for row in rows if counted is None or row.key in counted]
                found = {each.component: slot_score(each, parts, categories)[0]}
                unsure = partial or not all(row.final for row in rows)
                scores += self._rows(each, slot, found, late=late, partial=unsure)
        return rows + scores

    def _figures(
        self, definition: Definition, asked: Asked, counts: Counts
    ) -> Mapping[str, Sequence[Figures]]:
        """The figures of an SLA by component; without any series those of the SLA itself."""
        found = definition.sli.measure(definition, asked, counts)
        if not found:
            shares = counts.coverage(asked.needs, WHOLE) if asked.needs else [0.0] * len(counts.slots)
            found = {WHOLE: [Figures(good=0, total=0, coverage=share) for share in shares]}
        self._tell(definition, found)
        return {name or definition.component: figures for name, figures in found.items()}

    def _rows(
        self,
        definition: Definition,
        slot: int,
        components: Mapping[str, Figures],
        *,
        late: bool,
        partial: bool,
    ) -> Iterator[Measurement]:
        inside = in_service(definition.policy.service_hours, slot, self._grid.slot_seconds)
        for component, figures in components.items():
            yield evaluate(
                definition,
                slot,
                figures,
                component=component,
                in_service=inside,
                late=late,
                final=not partial and (figures.coverage or 0) >= 1,
            )

    def _tell(self, definition: Definition, components: Mapping[str, Sequence[Figures]]) -> None:
        """Say once why an SLA has no counts although its series are there."""
        why = next((figures[-1].refused for figures in components.values() if figures[-1].refused), None)
        if why is None:
            self._refused.pop(definition.key, None)
        elif self._refused.get(definition.key) != why:
            self._refused[definition.key] = why
            _log.warning("sla=%s has no figures: %s", definition.key, why)
