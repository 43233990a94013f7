"""One pass: which slots are due, one query for the newest, catch-up of those before it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from sla_worker import queries
from sla_worker.conventions import ACTUAL_VALUE, COVERAGE, GOOD_EVENTS, RULES_LABEL, TOTAL_EVENTS
from sla_worker.errors import NotSettledError, ScrapeIntervalError
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Definition, Figures, Measurement, PassResult
from sla_worker.prometheus import Answer, PrometheusClient, Series
from sla_worker.rules.recording import fingerprint
from sla_worker.scraping import Scraping
from sla_worker.service_hours import in_service

_log = logging.getLogger(__name__)
_NAMED = 5  # so many SLAs are named in one line
_SLOTS_A_RANGE = 288  # one day of slots in one range query keeps the answer small
_FIELDS = {GOOD_EVENTS: "good", TOTAL_EVENTS: "total", COVERAGE: "coverage", ACTUAL_VALUE: "actual"}

_Components = Mapping[str, Figures]  # the figures of one SLA in one slot, by component


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
        stored: Callable[[Sequence[Measurement]], None] = lambda _: None,
    ) -> None:
        self._definitions = definitions
        self._client = client
        self._ledger = ledger
        self._grid = grid
        self._catch_up_seconds = catch_up_seconds
        self._clock = clock
        self._stored = stored
        self._scraping = Scraping(client, grid)
        self._marks = {each.key: fingerprint(each, grid) for each in definitions}
        self._foreign: frozenset[str] = frozenset()

    @property
    def foreign(self) -> frozenset[str]:
        """The SLAs whose recorded figures other rules made, as of the last pass; they were not used."""
        return self._foreign

    def concerns(self) -> list[str]:
        """What keeps recorded figures from being used, or checked, one line each; for people to look at."""
        return [*self._scraping.concerns(), *([_stale(self._foreign)] if self._foreign else [])]

    def run_pass(self) -> PassResult:
        """Store every slot that is due, oldest first, so that breaches open and end in order.

        The newest slot comes from the recording rules. Slots before it come from range queries over the raw
        series and are marked late; they are stored a day at a time, so that an interruption loses little.
        Raises PrometheusError; what was stored before it stays, the rest is due at the next pass. An SLA that
        is scraped at another interval than the grid's is left out, and the others are stored before the
        ScrapeIntervalError.
        """
        newest = self._grid.newest_slot(self._clock())
        missing = self.missing(newest)
        behind = [each for each in self._definitions if missing.get(each.key)]
        if not behind:
            return PassResult((), late=0, queries=0)
        refused = self._scraping.refused(
            behind, newest, doubt=any(len(missing[each.key]) > 1 for each in behind)
        )
        wanted = [each for each in behind if each.key not in refused]
        result = self._measure(wanted, missing, newest, refused)
        if refused:
            more = f" ({len(refused) - 1} more SLAs likewise)" if len(refused) > 1 else ""
            raise ScrapeIntervalError(next(iter(refused.values())) + more)
        return result

    def missing(self, newest: int | None = None) -> dict[str, set[int]]:
        """The slots that are due, by SLA."""
        if newest is None:
            newest = self._grid.newest_slot(self._clock())
        oldest = newest - self._catch_up_seconds // self._grid.slot_seconds * self._grid.slot_seconds
        slots = self._ledger.missing_slots(newest, oldest)
        return {each.key: set(slots.get(each.key, ())) for each in self._definitions}

    def _measure(
        self,
        wanted: Sequence[Definition],
        missing: Mapping[str, set[int]],
        newest: int,
        refused: dict[str, str],
    ) -> PassResult:
        """Measure what is wanted; an SLA that turns out to be refused is added to `refused`."""
        stored: list[Measurement] = []
        asked = 0
        older = sorted({slot for each in wanted for slot in missing[each.key] if slot < newest})
        for batch in _runs(older, self._grid.slot_seconds):
            rows = self._late_rows(wanted, batch, missing)
            self._store(rows)
            stored += rows
            asked += 1
        due = [each for each in wanted if newest in missing[each.key]]
        late = len(stored)
        if due:
            rows, count = self._newest_rows(due, newest)
            if any(each.coverage < 1 for each in rows):  # scrapes are missing, or were never made
                refused.update(self._scraping.refused(due, newest, doubt=not late))
                rows = [each for each in rows if each.key not in refused]
            self._store(rows)
            stored += rows
            asked += count
        return PassResult(tuple(stored), late=late, queries=asked)

    def _store(self, rows: Sequence[Measurement]) -> None:
        self._ledger.store(rows)
        self._stored(rows)

    def _newest_rows(self, due: Sequence[Definition], slot: int) -> tuple[list[Measurement], int]:
        answer = self._client.query(queries.recorded_query(self._grid), self._grid.read_at(slot))
        self._check(answer, slot)
        figures = self._recorded(answer, slot)
        # A rule that was not evaluated for this slot, or gave nothing: ask the raw series themselves.
        unrecorded = [each for each in due if not _complete(figures.get(each.key))]
        asked = 1
        if unrecorded:
            expression = queries.direct_query(unrecorded, self._grid)
            answer = self._client.query(expression, self._grid.direct_at(slot))
            self._check(answer, slot)
            direct = _by_slot(answer, [slot], self._grid)
            figures.update({each.key: direct.get((slot, each.key), {}) for each in unrecorded})
            asked += 1
        return [row for each in due for row in self._rows(each, slot, figures.get(each.key))], asked

    def _late_rows(
        self, definitions: Sequence[Definition], slots: Sequence[int], missing: Mapping[str, set[int]]
    ) -> list[Measurement]:
        wanted = [each for each in definitions if missing[each.key] & set(slots)]
        start, end = self._grid.direct_at(slots[0]), self._grid.direct_at(slots[-1])
        expression = queries.direct_query(wanted, self._grid)
        answer = self._client.query_range(expression, start, end, self._grid.slot_seconds)
        self._check(answer, slots[-1])
        figures = _by_slot(answer, slots, self._grid)
        return [
            row
            for slot in slots
            for each in wanted
            if slot in missing[each.key]
            for row in self._rows(each, slot, figures.get((slot, each.key)), late=True)
        ]

    def _rows(
        self, definition: Definition, slot: int, components: _Components | None, *, late: bool = False
    ) -> Iterable[Measurement]:
        """A row for each component that was named; without any the SLA itself has no data."""
        inside = in_service(definition.policy.service_hours, slot, self._grid.slot_seconds)
        for component, figures in (components or {definition.component: Figures()}).items():
            yield evaluate(definition, slot, figures, component=component, in_service=inside, late=late)

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

    def _recorded(self, answer: Answer, slot: int) -> dict[str, _Components]:
        """The recorded figures of the slot, by SLA; those that other rules have made are left out."""
        gathered: dict[str, dict[str, dict[str, float]]] = {}
        foreign, own = set(), set()
        for series in answer.series:
            field = _FIELDS.get(series.labels.get("__name__", ""))
            key, component = _named(series)
            if field is None or key not in self._marks:
                continue
            for evaluated_at, value in series.samples:
                if not self._grid.belongs(evaluated_at, slot):
                    continue
                if series.labels.get(RULES_LABEL) != self._marks[key]:
                    foreign.add(key)
                    continue
                own.add(key)
                gathered.setdefault(key, {}).setdefault(component, {})[field] = value
        self._tell(frozenset(foreign - own))
        return {key: _figures(components) for key, components in gathered.items()}

    def _tell(self, foreign: frozenset[str]) -> None:
        if foreign and foreign != self._foreign:
            _log.warning("%s", _stale(foreign))
        self._foreign = foreign


def _stale(foreign: frozenset[str]) -> str:
    names = sorted(foreign)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (
        "the rules that Prometheus runs were made from other definitions or slots: what they recorded of"
        f" {', '.join(names[:_NAMED])}{more} is not used, the raw series are asked; run `make generate`, then"
        " `make restart`"
    )


def _named(series: Series) -> tuple[str, str]:
    return series.labels.get("sla", ""), series.labels.get("component", "")


def _figures(components: Mapping[str, Mapping[str, float]]) -> _Components:
    return {component: Figures(**fields) for component, fields in components.items()}


def _complete(components: _Components | None) -> bool:
    return bool(components) and all(
        None not in (each.good, each.total, each.coverage) for each in (components or {}).values()
    )


def _by_slot(answer: Answer, slots: Iterable[int], grid: Grid) -> dict[tuple[int, str], _Components]:
    """Figures of a direct query; a sample belongs to the slot whose `direct_at` is its time."""
    times = {round(grid.direct_at(slot) * 1000): slot for slot in slots}
    gathered: dict[tuple[int, str], dict[str, dict[str, float]]] = {}
    for series in answer.series:
        field = _FIELDS.get(series.labels.get(queries.FIGURE_LABEL, ""))
        key, component = _named(series)
        for time, value in series.samples:
            slot = times.get(round(time * 1000))
            if field and slot is not None:
                gathered.setdefault((slot, key), {}).setdefault(component, {})[field] = value
    return {at: _figures(components) for at, components in gathered.items()}


def _runs(slots: Sequence[int], slot_seconds: int) -> Iterable[list[int]]:
    """Consecutive slots together, at most a day of them."""
    run: list[int] = []
    for slot in slots:
        if run and (slot != run[-1] + slot_seconds or len(run) == _SLOTS_A_RANGE):
            yield run
            run = []
        run.append(slot)
    if run:
        yield run
