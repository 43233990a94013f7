"""The worker's ledger beside the calculation by hand, row by row."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sla_worker.calculator import Calculator
from sla_worker.database import SLADatabase
from sla_worker.grid import Grid
from sla_worker.model import Definition
from sla_worker.prometheus import PrometheusClient
from truth.books import Figures, good_of
from truth.forms import Form
from truth.policy import BREACHED
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


def passes(definitions: Sequence[Definition], client: PrometheusClient, path: Path, span: Span) -> None:
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
    try:
        database.sync_definitions(definitions)
        for _ in range(_PASSES):
            calculator.run_pass()
            if not any(calculator.missing().values()):
                return
        raise AssertionError(f"slots are still missing after {_PASSES} passes")
    finally:
        database.close()


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as it stands in the ledger."""

    key: str
    component: str
    slot: int
    good: float
    total: float
    coverage: float
    state: int


def stored_rows(path: Path) -> list[StoredRow]:
    """All measurements in the file of a ledger, read by SQL of its own."""
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(
            "SELECT key, c.name, slot, good_events, total_events, coverage, state"
            " FROM sla_measurements JOIN sla_definitions d ON d.id = sla_id"
            " JOIN sla_components c ON c.id = component_id ORDER BY key, c.name, slot"
        )
        return [StoredRow(*each) for each in found]
    finally:
        connection.close()


def catch_up(
    truth: Truth, definitions: Sequence[Definition], client: PrometheusClient, path: Path
) -> list[StoredRow]:
    """The ledger of a worker that starts with an empty one when the world has passed."""
    slots = truth.slots
    span = Span(slots[0], slots[-1], truth.slot_seconds, truth.world.scrape_seconds)
    passes(definitions, client, path, span)
    return stored_rows(path)


@dataclass(frozen=True, slots=True)
class Row:
    """One row by hand."""

    good: float
    total: float
    coverage: float
    state: int


def row_by_hand(truth: Truth, form: Form, component: str, slot: int) -> Row:
    """What the ledger should hold of one slot of one component."""
    figures = truth.books.figures.get((form.key, component, slot), Figures())
    coverage = 0.0
    if truth.books.known(form, slot):
        coverage = truth.books.share(form, component, slot).ratio(of_listed=form.kind == "uptime")
    good, total = good_of(form, figures), figures.total
    state = form.policy.judged(
        good, total, coverage, in_service=form.policy.in_service(slot, truth.slot_seconds)
    )
    if coverage == 0 and state == BREACHED:
        return Row(0, 1, coverage, state)  # no data, which the policy calls one bad event
    return Row(good, total, coverage, state)


def differences(truth: Truth, rows: Iterable[StoredRow]) -> list[Difference]:
    """Everything in which the rows are not the truth; empty when all is right.

    A component that has nothing to count in a slot may be there or not; a component with events must be.
    """
    forms, slots = {each.key: each for each in truth.books.forms}, set(truth.slots)
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
        right = row_by_hand(truth, form, row.component, row.slot)
        found += [
            Difference(*place, what, worker, value)
            for what, worker, value in (
                ("good", row.good, right.good),
                ("total", row.total, right.total),
                ("coverage", round(row.coverage, 9), round(right.coverage, 9)),
                ("state", row.state, right.state),
            )
            if worker != value
        ]
    for key in forms:
        found += [Difference(key, "", slot, "rows", 0, 1) for slot in truth.slots if slot not in seen[key]]
    for (key, component, slot), figures in truth.books.figures.items():
        if slot in slots and figures.total and (key, component, slot) not in counted:
            found.append(Difference(key, component, slot, "total", 0, figures.total))
    return found
