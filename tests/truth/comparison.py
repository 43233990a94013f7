"""The worker's ledger beside the calculation by hand, row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sla_worker.calculator import Calculator
from sla_worker.database import SLADatabase
from sla_worker.grid import Grid
from sla_worker.model import Definition, Measurement
from sla_worker.prometheus import PrometheusClient
from truth.books import Figures, good_of
from truth.world_counts import Truth

_PASSES = 50


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of the worker that is not what it should be."""

    key: str
    component: str
    slot: int
    what: str
    worker: float
    truth: float


@dataclass(frozen=True, slots=True)
class Span:
    """The slots of a ledger, from the first to the newest one that is due."""

    first: int
    newest: int
    slot_seconds: int
    scrape_seconds: int


def passes(
    definitions: Sequence[Definition], client: PrometheusClient, path: Path, span: Span
) -> list[Measurement]:
    """Passes of a worker whose ledger begins with the first slot, until nothing is missing."""
    grid = Grid(span.slot_seconds, span.scrape_seconds)
    database = SLADatabase(path, grid=grid, clock=lambda: span.first)
    calculator = Calculator(
        definitions,
        client,
        database,
        grid,
        catch_up_seconds=span.newest - span.first + span.slot_seconds,
        clock=lambda: span.newest + grid.settle_seconds,
    )
    rows: list[Measurement] = []
    try:
        database.sync_definitions(definitions)
        for _ in range(_PASSES):
            rows += calculator.run_pass().measurements
            if not any(calculator.missing().values()):
                return rows
        raise AssertionError(f"slots are still missing after {_PASSES} passes")
    finally:
        database.close()


def catch_up(
    truth: Truth, definitions: Sequence[Definition], client: PrometheusClient, path: Path
) -> list[Measurement]:
    """The rows of a worker that starts with an empty ledger when the world has passed."""
    slots = truth.slots
    span = Span(slots[0], slots[-1], truth.slot_seconds, truth.world.scrape_seconds)
    return passes(definitions, client, path, span)


def differences(truth: Truth, rows: Iterable[Measurement]) -> list[Difference]:
    """Everything in which the rows are not the truth; empty when all is right."""
    forms = {each.key: each for each in truth.books.forms}
    shares = {slot: truth.books.share(slot) for slot in truth.slots}
    found: list[Difference] = []
    seen: dict[str, set[int]] = defaultdict(set)
    counted: set[tuple[str, str, int]] = set()
    for row in rows:
        form = forms.get(row.key)
        if form is None:
            continue
        place = (row.key, row.component, row.slot)
        if place in counted:
            found.append(Difference(*place, "rows", 2, 1))
        counted.add(place)
        seen[row.key].add(row.slot)
        figures = truth.books.figures.get(place, Figures())
        coverage = shares[row.slot].ratio(of_listed=form.kind == "uptime")
        for what, worker, right in (
            ("good", row.good, good_of(form, figures)),
            ("total", row.total, figures.total),
            ("coverage", row.coverage, coverage),
        ):
            if worker != right and not (what == "coverage" and abs(worker - right) < 1e-9):
                found.append(Difference(*place, what, worker, right))
    for key in forms:
        found += [Difference(key, "", slot, "rows", 0, 1) for slot in truth.slots if slot not in seen[key]]
    for (key, component, slot), figures in truth.books.figures.items():
        if slot in shares and figures.total and (key, component, slot) not in counted:
            found.append(Difference(key, component, slot, "total", 0, figures.total))
    return found
