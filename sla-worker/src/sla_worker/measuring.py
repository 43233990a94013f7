"""Rows of the ledger from what is read of a stretch of slots: all SLAs, their components, composites last."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sla_worker.composite import slot_score
from sla_worker.errors import PrometheusError
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.in_force import InForce
from sla_worker.model import Definition, Figures, Measurement
from sla_worker.needs import WHOLE, Asked, Counts, Expression, Need
from sla_worker.portions import Limits, Portions
from sla_worker.prometheus import PrometheusClient
from sla_worker.reading import Reader, Window
from sla_worker.service_hours import in_service
from sla_worker.uncollected import without_collection

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measured:
    """The rows of some slots, ascending, and how many requests they took."""

    rows: tuple[Measurement, ...]
    requests: int


@dataclass(frozen=True, slots=True)
class _Portion:
    """SLAs that are read together, and what they ask for; no composites."""

    definitions: tuple[Definition, ...]
    asked: Mapping[str, Asked]
    needs: tuple[Need, ...]
    expressions: tuple[Expression, ...]
    reader: Reader


@dataclass(frozen=True, slots=True)
class _Wanted:
    """SLAs that are due, those that are measured for them, and how these are read."""

    due: tuple[Definition, ...]
    epoch: int
    size: int
    definitions: tuple[Definition, ...]
    portions: tuple[_Portion, ...]


class Measurer:
    """Measures SLAs over stretches of slots; it remembers what it complained about.

    In all slots of a stretch the same versions are `in_force`, by default these definitions. SLAs are read in
    portions, so that no answer is larger than the `limits`; a portion that the engine refuses is halved.
    """

    def __init__(
        self,
        definitions: Sequence[Definition],
        client: PrometheusClient,
        grid: Grid,
        in_force: InForce | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._client = client
        self._portions = Portions(limits or Limits(), grid)
        self._definitions = definitions
        self._in_force = in_force or InForce(definitions)
        self._reader = Reader(client, grid)
        self._grid = grid
        self._refused: dict[str, str] = {}
        self._refused_expressions: dict[Expression, str] = {}
        self._newest: int | None = None  # the slot of which these and the next are
        self._in_part = False
        self._wanted: _Wanted | None = None

    def concerns(self) -> list[str]:
        """What could not be measured as it was meant, one line each."""
        found = [f"SLA {key}: {why}" for key, why in self._refused.items()]
        if self._in_part:
            found.append(
                "Prometheus answers in part, so figures may lack something: see whether all stores behind it"
                " answer (`prometheus warns` in the log has its words)"
            )
        for each in self._definitions:
            for expression in each.sli.expressions(each, self._grid.slot_seconds):
                if expression in self._refused_expressions:
                    found.append(f"SLA {each.key}: {self._refused_expressions[expression]}")
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
        epoch, size = self._in_force.epoch(slots[-1]), self._portions.size(slots)
        known = self._wanted
        if (known is None or known.epoch != epoch or known.due != tuple(due)) or (
            known.size != size and min(known.size, size) < len(known.definitions)
        ):
            self._wanted = known = self._ask(due, slots, size)
        rows: list[list[Measurement]] = [[] for _ in slots]
        partial, requests = False, 0
        refused: dict[Expression, str] = {}
        waiting = list(reversed(known.portions))
        while waiting:
            portion = waiting.pop()
            try:
                window = portion.reader.read(portion.needs, portion.expressions, slots)
            except PrometheusError as error:
                waiting += reversed(self._halves(portion, slots, error))
                continue
            finally:
                requests += portion.reader.requests
            if self._portions.over(portion.reader.most_series) and len(portion.definitions) > 1:
                self._portions.shrink(len(portion.definitions), slots[-1])  # those of the next pass
            refused.update(portion.reader.refused)
            partial = partial or window.partial
            for index, found in enumerate(self._of_portion(portion, window, slots, newest)):
                rows[index] += found
        self._portions.read(slots[-1])
        if slots[-1] == newest:  # what is read of former slots says nothing about the present
            self._note(newest, refused, partial=partial)
        wanted = known.definitions
        for index, slot in enumerate(slots):
            rows[index] += self._scores(wanted, rows[index], slot, late=slot < newest, partial=partial)
        kept = [row for found in rows for row in found if row.slot in missing.get(row.key, ())]
        return Measured(tuple(kept), requests)

    def _note(self, newest: int, refused: Mapping[Expression, str], *, partial: bool) -> None:
        """Remember what the newest slot lacks, which may be read in several parts."""
        if newest != self._newest:
            self._newest, self._in_part, self._refused_expressions = newest, False, {}
        self._refused_expressions.update(refused)
        self._in_part = self._in_part or partial

    def _ask(self, due: Sequence[Definition], slots: range, size: int) -> _Wanted:
        """All that must be read for these SLAs, in portions."""
        wanted = tuple(self._with_members(due, self._in_force.at(slots[-1])))
        plain = [each for each in wanted if not each.sli.members]
        if len(plain) <= size:
            portions = [self._portion(plain, self._reader)]
        else:
            portions = [self._portion(plain[first : first + size]) for first in range(0, len(plain), size)]
        return _Wanted(tuple(due), self._in_force.epoch(slots[-1]), size, wanted, tuple(portions))

    def _portion(self, definitions: Sequence[Definition], reader: Reader | None = None) -> _Portion:
        """What they ask for; equal needs of several of them are one object."""
        needs: dict[Need, Need] = {}
        expressions: dict[Expression, Expression] = {}
        asked = {}
        for each in definitions:
            asked[each.key] = Asked(
                tuple(needs.setdefault(need, need) for need in each.sli.needs(each)),
                tuple(
                    expressions.setdefault(expression, expression)
                    for expression in each.sli.expressions(each, self._grid.slot_seconds)
                ),
            )
        return _Portion(
            tuple(definitions),
            asked,
            tuple(needs),
            tuple(expressions),
            reader or Reader(self._client, self._grid, portion=True),
        )

    def _halves(self, portion: _Portion, slots: range, error: PrometheusError) -> list[_Portion]:
        """The two halves of what was refused; raises the error where fewer SLAs at once are no cure."""
        count = len(portion.definitions)
        # Of several slots fewer of these are asked for first: see Calculator.
        if not error.refused or not (error.too_long or len(slots) == 1):
            raise error
        if count < 2:  # noqa: PLR2004 - one cannot be halved
            self._portions.reset()
            raise error
        self._portions.shrink(count, slots[-1])
        half = (count + 1) // 2
        _log.info("asking for less at once slots=%d slas=%d", len(slots), half)
        return [self._portion(portion.definitions[:half]), self._portion(portion.definitions[half:])]

    def _with_members(self, due: Sequence[Definition], in_force: Sequence[Definition]) -> list[Definition]:
        """The SLAs themselves, and the members of composites."""
        keys = {each.key for each in due}
        members = [member for each in due for member in each.sli.members]
        keys.update(member.sla for member in members if member.sla is not None)
        categories = {member.category for member in members if member.category is not None}
        return [each for each in in_force if each.key in keys or each.category in categories]

    def _of_portion(
        self, portion: _Portion, window: Window, slots: range, newest: int
    ) -> Iterator[list[Measurement]]:
        """The rows of each slot."""
        figures = [
            (each, self._figures(each, portion.asked[each.key], window)) for each in portion.definitions
        ]
        for index, slot in enumerate(slots):
            rows: list[Measurement] = []
            for each, components in figures:
                found = {name: values[index] for name, values in components.items()}
                rows += self._rows(each, slot, found, late=slot < newest, partial=window.partial)
            yield rows

    def _scores(
        self,
        wanted: Sequence[Definition],
        rows: Sequence[Measurement],
        slot: int,
        *,
        late: bool,
        partial: bool,
    ) -> list[Measurement]:
        """The rows of composites, from those of all others."""
        scores: list[Measurement] = []
        composites = [each for each in wanted if each.sli.members]
        if not composites:
            return scores
        categories = {each.key: each.category for each in wanted}
        unsure = partial or not all(row.final for row in rows)
        for each in composites:
            counted = self._in_force.members(each, slot)
            parts = [row for row in rows if counted is None or row.key in counted]
            found = {each.component: slot_score(each, parts, categories)[0]}
            scores += self._rows(each, slot, found, late=late, partial=unsure)
        return scores

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
