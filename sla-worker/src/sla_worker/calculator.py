"""One pass: which slots are due, one query for the newest, catch-up of those before it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from sla_worker import conventions, queries
from sla_worker.errors import NotSettledError
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Definition, Figures, Measurement, PassResult
from sla_worker.prometheus import Answer, PrometheusClient

_log = logging.getLogger(__name__)
_SLOTS_A_RANGE = 288  # one day of slots in one range query keeps the answer small
_FIELDS = {
    conventions.GOOD_EVENTS: "good",
    conventions.TOTAL_EVENTS: "total",
    conventions.COVERAGE: "coverage",
    conventions.ACTUAL_VALUE: "actual",
}

_Key = tuple[str, str]  # SLA key and component


class Ledger(Protocol):
    """What a pass needs of the database."""

    def missing_slots(self, newest: int, oldest: int) -> Mapping[str, Sequence[int]]:
        """The slots from oldest to newest that each SLA should have and has not, ascending, by its key."""
        ...

    def store(self, measurements: Iterable[Measurement]) -> None:
        """All rows and their breaches in one transaction."""
        ...


class Calculator:
    """Computes slots that are final and not in the ledger yet.

    `clock` returns epoch seconds. `catch_up_seconds` bounds how far back missing slots are looked for.
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
    ) -> None:
        self._definitions = definitions
        self._client = client
        self._ledger = ledger
        self._grid = grid
        self._catch_up_seconds = catch_up_seconds
        self._clock = clock

    def run_pass(self) -> PassResult:
        """Store every slot that is due, oldest first, so that breaches open and end in order.

        The newest slot comes from the recording rules. Slots before it come from range queries over the raw
        series and are marked late; they are stored a day at a time, so that an interruption loses little.
        Raises PrometheusError; what was stored before it stays, the rest is due at the next pass.
        """
        newest = self._grid.newest_slot(self._clock())
        missing = self.missing(newest)
        stored: list[Measurement] = []
        asked = 0
        older = sorted({slot for slots in missing.values() for slot in slots if slot < newest})
        for batch in _runs(older, self._grid.slot_seconds):
            rows = self._late_rows(batch, missing)
            self._ledger.store(rows)
            stored += rows
            asked += 1
        due = [each for each in self._definitions if newest in missing[each.key, each.component]]
        late = len(stored)
        if due:
            rows, count = self._newest_rows(due, newest)
            self._ledger.store(rows)
            stored += rows
            asked += count
        return PassResult(tuple(stored), late=late, missing=0, queries=asked)

    def missing(self, newest: int | None = None) -> dict[_Key, set[int]]:
        """The slots that are due, by SLA and component."""
        window = self._grid.slot_seconds
        if newest is None:
            newest = self._grid.newest_slot(self._clock())
        oldest = newest - self._catch_up_seconds // window * window
        slots = self._ledger.missing_slots(newest, oldest)
        return {_key(each): set(slots.get(each.key, ())) for each in self._definitions}

    def _newest_rows(self, due: Sequence[Definition], slot: int) -> tuple[list[Measurement], int]:
        answer = self._client.query(queries.recorded_query(self._grid), self._grid.read_at(slot))
        self._check(answer, slot)
        recorded = self._recorded(answer, slot)
        figures = {_key(each): recorded.get(_key(each)) for each in due}
        # A rule that was not evaluated for this slot, or gave nothing: ask the raw series themselves.
        unrecorded = [each for each in due if not _complete(figures[_key(each)])]
        asked = 1
        if unrecorded:
            expression = queries.direct_query(unrecorded, self._grid)
            answer = self._client.query(expression, self._grid.direct_at(slot))
            self._check(answer, slot)
            direct = _by_slot(answer, [slot], self._grid)
            figures.update({_key(each): direct.get((slot, _key(each))) for each in unrecorded})
            asked += 1
        return [evaluate(each, slot, figures[_key(each)] or Figures()) for each in due], asked

    def _late_rows(self, slots: Sequence[int], missing: dict[_Key, set[int]]) -> list[Measurement]:
        wanted = [each for each in self._definitions if missing[_key(each)] & set(slots)]
        start, end = self._grid.direct_at(slots[0]), self._grid.direct_at(slots[-1])
        expression = queries.direct_query(wanted, self._grid)
        answer = self._client.query_range(expression, start, end, self._grid.slot_seconds)
        self._check(answer, slots[-1])
        figures = _by_slot(answer, slots, self._grid)
        return [
            evaluate(each, slot, figures.get((slot, _key(each)), Figures()), late=True)
            for slot in slots
            for each in wanted
            if slot in missing[_key(each)]
        ]

    def _check(self, answer: Answer, slot: int) -> None:
        """Log what Prometheus warns of; refuse an answer given before the slot was final by its clock."""
        for warning in answer.warnings:
            _log.warning("prometheus warns message=%r", warning)
        final = self._grid.readable_at(slot)
        # The Date header has whole seconds, cut off.
        if answer.server_time is not None and answer.server_time + 1 < final:
            raise NotSettledError(
                f"the clock of Prometheus is {final - answer.server_time:.0f} s behind what slot {slot}"
                " needs; set the clocks of both machines, the slot is computed later"
            )

    def _recorded(self, answer: Answer, slot: int) -> dict[_Key, Figures]:
        values: dict[_Key, dict[str, float]] = {}
        for series in answer.series:
            field = _FIELDS.get(series.labels.get("__name__", ""))
            for evaluated_at, value in series.samples:
                if field and self._grid.belongs(evaluated_at, slot):
                    key = series.labels.get("sla", ""), series.labels.get("component", "")
                    values.setdefault(key, {})[field] = value
        return {key: Figures(**fields) for key, fields in values.items()}


def _key(definition: Definition) -> _Key:
    return definition.key, definition.component


def _complete(figures: Figures | None) -> bool:
    return figures is not None and None not in (figures.good, figures.total, figures.coverage)


def _by_slot(answer: Answer, slots: Iterable[int], grid: Grid) -> dict[tuple[int, _Key], Figures]:
    """Figures of a direct query; a sample belongs to the slot whose `direct_at` is its time."""
    times = {round(grid.direct_at(slot) * 1000): slot for slot in slots}
    values: dict[tuple[int, _Key], dict[str, float]] = {}
    for series in answer.series:
        field = _FIELDS.get(series.labels.get(queries.FIGURE_LABEL, ""))
        key = series.labels.get("sla", ""), series.labels.get("component", "")
        for time, value in series.samples:
            slot = times.get(round(time * 1000))
            if field and slot is not None:
                values.setdefault((slot, key), {})[field] = value
    return {at: Figures(**fields) for at, fields in values.items()}


def _runs(slots: Sequence[int], window: int) -> Iterable[list[int]]:
    """Consecutive slots together, at most a day of them."""
    run: list[int] = []
    for slot in slots:
        if run and (slot != run[-1] + window or len(run) == _SLOTS_A_RANGE):
            yield run
            run = []
        run.append(slot)
    if run:
        yield run
