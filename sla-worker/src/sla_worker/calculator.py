"""One pass: which slots are due, what was read of them, and the rows that follow."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from sla_worker.composite import slot_score
from sla_worker.errors import PrometheusError
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Definition, Figures, Measurement, PassResult
from sla_worker.needs import WHOLE, Counts, Expression, Need
from sla_worker.prometheus import PrometheusClient
from sla_worker.reading import Reader
from sla_worker.service_hours import in_service

_log = logging.getLogger(__name__)
_NAMED = 5  # so many are named in one line
_SLOTS_TOGETHER = 24  # two hours of slots at once: few requests, and an answer that is not large
_PROGRESS_SECONDS = 10.0


class Ledger(Protocol):
    """What a pass needs of the database."""

    def missing_slots(self, newest: int, oldest: int) -> Mapping[str, Sequence[int]]:
        """The slots from oldest to newest that each SLA should have and has not, ascending, by its key."""
        ...

    def store(self, measurements: Iterable[Measurement]) -> object:
        """All rows and their breaches in one transaction."""
        ...


class Calculator:
    """Computes slots that are final and not in the ledger yet.

    The components of an SLA are those that the answer of Prometheus names. `clock` returns epoch seconds.
    `catch_up_seconds` bounds how far back missing slots are looked for. `stored` is told of rows once they
    are in the ledger, also in a pass that fails later.
    """

    def __init__(
        self,
        definitions: Sequence[Definition],
        client: PrometheusClient,
        ledger: Ledger,
        grid: Grid,
        *,
        catch_up_seconds: int,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
        stored: Callable[[Sequence[Measurement]], None] = lambda _: None,
    ) -> None:
        self._definitions = [each for each in definitions if each.enabled]
        self._reader = Reader(client, grid)
        self._ledger = ledger
        self._grid = grid
        self._catch_up_seconds = catch_up_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._stored = stored
        self._refused: dict[str, str] = {}
        self._together = _SLOTS_TOGETHER

    def concerns(self) -> list[str]:
        """What could not be measured as it was meant, one line each; for people to look at."""
        return [f"SLA {key}: {why}" for key, why in self._refused.items()]

    def run_pass(self) -> PassResult:
        """Store every slot that is due, oldest first, so that breaches open and end in order.

        All slots are counted from raw samples in the same way. Those before the newest are marked late and
        stored some hours at a time, so that an interruption loses little. Raises PrometheusError; what was
        stored before it stays, the rest is due at the next pass.
        """
        newest = self._grid.newest_slot(self._clock())
        missing = self.missing(newest)
        due = sorted({slot for slots in missing.values() for slot in slots})
        rows: list[Measurement] = []
        count = late = requests = 0
        said = self._monotonic()
        for slots in self._batches(due):
            found, asked = self._read(slots, missing, newest)
            requests += asked
            self._ledger.store(found)
            self._stored(found)
            count += len(slots)
            late += sum(each.late for each in found)
            rows += found
            if self._monotonic() - said >= _PROGRESS_SECONDS:
                said = self._monotonic()
                _log.info("catching up slots=%d of=%d", count, len(due))
        return PassResult(tuple(rows), late=late, queries=requests)

    def missing(self, newest: int | None = None) -> dict[str, set[int]]:
        """The slots that are due, by SLA."""
        if newest is None:
            newest = self._grid.newest_slot(self._clock())
        oldest = newest - self._catch_up_seconds // self._grid.slot_seconds * self._grid.slot_seconds
        slots = self._ledger.missing_slots(newest, oldest)
        return {each.key: set(slots.get(each.key, ())) for each in self._definitions}

    def _batches(self, slots: Sequence[int]) -> Iterator[range]:
        """Neighbouring slots together, and fewer of them once they were too many for the engine."""
        step, position = self._grid.slot_seconds, 0
        while position < len(slots):
            end = position + 1
            while (
                end < len(slots) and end - position < self._together and slots[end] == slots[end - 1] + step
            ):
                end += 1
            yield range(slots[position], slots[end - 1] + step, step)
            position = end

    def _read(
        self, slots: range, missing: Mapping[str, set[int]], newest: int
    ) -> tuple[list[Measurement], int]:
        """The rows of some slots; halved when the engine refuses so many samples, down to one slot."""
        wanted = self._wanted([each for each in self._definitions if not missing[each.key].isdisjoint(slots)])
        try:
            return self._measure(wanted, slots, missing, newest)
        except PrometheusError as error:
            if not error.refused or len(slots) == 1:
                raise
            half = len(slots) // 2
            self._together = max(half, 1)
            _log.warning("slots=%d are too many at once, trying %d error=%s", len(slots), half, error)
        first, first_asked = self._read(slots[:half], missing, newest)
        second, second_asked = self._read(slots[half:], missing, newest)
        return first + second, first_asked + second_asked

    def _wanted(self, due: Sequence[Definition]) -> list[Definition]:
        """What must be measured for these: the SLAs themselves, and the members of composites."""
        keys = {each.key for each in due}
        members = [member for each in due for member in each.sli.members]
        keys.update(member.sla for member in members if member.sla is not None)
        categories = {member.category for member in members if member.category is not None}
        return [each for each in self._definitions if each.key in keys or each.category in categories]

    def _measure(
        self, wanted: Sequence[Definition], slots: range, missing: Mapping[str, set[int]], newest: int
    ) -> tuple[list[Measurement], int]:
        needs: dict[Need, None] = {}
        expressions: dict[Expression, None] = {}
        for each in wanted:
            needs.update(dict.fromkeys(each.sli.needs(each)))
            expressions.update(dict.fromkeys(each.sli.expressions(each, self._grid.slot_seconds)))
        window = self._reader.read(tuple(needs), tuple(expressions), slots)
        measured = [(each, self._figures(each, window)) for each in wanted if not each.sli.members]
        composites = [each for each in wanted if each.sli.members]
        categories = {each.key: each.category for each in wanted}
        rows: list[Measurement] = []
        for index, slot in enumerate(slots):
            of_slot = [
                row
                for definition, components in measured
                for row in self._rows(
                    definition,
                    slot,
                    {name: figures[index] for name, figures in components.items()},
                    late=slot < newest,
                    partial=window.partial,
                )
            ]
            scores = [
                row
                for each in composites
                for row in self._rows(
                    each,
                    slot,
                    {each.component: slot_score(each, of_slot, categories)[0]},
                    late=slot < newest,
                    partial=window.partial or not all(row.final for row in of_slot),
                )
            ]
            rows += [row for row in (*of_slot, *scores) if slot in missing[row.key]]
        return rows, self._reader.requests

    def _figures(self, definition: Definition, counts: Counts) -> Mapping[str, Sequence[Figures]]:
        """The figures of an SLA by component; without any series those of the SLA itself."""
        found = definition.sli.measure(definition, counts)
        if not found:
            needs = definition.sli.needs(definition)
            shares = counts.coverage(needs, WHOLE) if needs else [0.0] * len(counts.slots)
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
