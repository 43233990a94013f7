"""The worker's ledger beside the calculation by hand, row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isclose

from sla_worker.calculator import Calculator
from sla_worker.database import SLADatabase
from sla_worker.grid import Grid
from sla_worker.model import Definition
from sla_worker.prometheus import PrometheusClient
from truth.books import Figures, good_of
from truth.forms import Form
from truth.places import Place, read
from truth.policy import BREACHED, MET, OUT_OF_HOURS
from truth.scores import Kept, mean, score
from truth.world_counts import Truth

_PASSES = 50


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of the worker that is not what it should be."""

    key: str
    component: str
    slot: int
    what: str
    worker: float | None
    truth: float | None


@dataclass(frozen=True, slots=True)
class Span:
    """The slots of a ledger, from the first to the newest one that is due."""

    first: int
    newest: int
    slot_seconds: int
    scrape_seconds: int


def passes(definitions: Sequence[Definition], client: PrometheusClient, path: Place, span: Span) -> None:
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
    actual: float | None


def stored_rows(place: Place) -> list[StoredRow]:
    """All measurements in a ledger, read by SQL of its own."""
    [found] = read(
        place,
        [
            "SELECT key, c.name, slot, good_events, total_events, coverage, state, actual_value"
            " FROM sla_measurements JOIN sla_definitions d ON d.id = sla_id"
            " JOIN sla_components c ON c.id = component_id ORDER BY key, c.name, slot"
        ],
    )
    return [StoredRow(*each) for each in found]


def catch_up(
    truth: Truth, definitions: Sequence[Definition], client: PrometheusClient, path: Place
) -> list[StoredRow]:
    """The ledger of a worker that starts with an empty one when the world has passed."""
    slots = truth.slots
    span = Span(slots[0], slots[-1], truth.slot_seconds, truth.world.scrape_seconds)
    passes(definitions, client, path, span)
    return stored_rows(path)


@dataclass(frozen=True, slots=True)
class Row:
    """One row by hand; `actual` is that of a value or a score, None where it has none."""

    good: float
    total: float
    coverage: float
    state: int
    actual: float | None = None


def row_by_hand(truth: Truth, form: Form, component: str, slot: int, *, nan_is_kept: bool = True) -> Row:
    """What the ledger should hold of one slot of one component."""
    if form.members:
        return _score_by_hand(truth, form, slot)
    figures = truth.books.figures.get((form.key, component, slot), Figures())
    coverage, value = 0.0, truth.books.values.get((form.key, component, slot))
    if form.expression:
        there = (form.key, component, slot) in truth.books.values
        coverage = float(there and (value is not None or nan_is_kept))
    elif truth.books.known(form, slot):
        coverage = truth.books.share(form, component, slot).ratio(of_listed=form.kind == "uptime")
    actual = float(value) if isinstance(value, Fraction) else None
    return _judged(truth, form, slot, Row(good_of(form, figures), figures.total, coverage, 0, actual))


def _judged(truth: Truth, form: Form, slot: int, row: Row) -> Row:
    inside = form.policy.in_service(slot, truth.slot_seconds)
    state = form.policy.judged(row.good, row.total, row.coverage, in_service=inside)
    if row.coverage == 0 and state == BREACHED:
        return Row(0, 1, 0, state)  # no data, which the policy calls one bad event
    return Row(row.good, row.total, row.coverage, state, row.actual)


def _score_by_hand(truth: Truth, form: Form, slot: int) -> Row:
    found = score(form, truth.books.forms, lambda each: _kept(truth, each, slot))
    coverage = float(found.coverage)
    if found.ratio is None or coverage == 0:
        return _judged(truth, form, slot, Row(0, 0, coverage, 0))
    assert form.holds
    row = Row(float(form.holds(found.ratio)), 1, coverage, 0, float(found.ratio))
    return _judged(truth, form, slot, row)


def _kept(truth: Truth, form: Form, slot: int) -> Kept | None:
    """All components together; without labels of targets in `by` they share one coverage."""
    assert not {"job", "instance"} & set(form.by), f"{form.key} cannot be in a score that is made by hand"
    parts = truth.parts(form, slot) or [form.component]
    rows = [row_by_hand(truth, form, each, slot) for each in parts]
    if all(each.state == OUT_OF_HOURS for each in rows):
        return None
    judged = [each for each in rows if each.state in {MET, BREACHED}]
    return Kept(
        sum((Fraction(each.good) for each in judged), Fraction(0)),
        sum((Fraction(each.total) for each in judged), Fraction(0)),
        mean(Fraction(each.coverage) for each in rows),
    )


def differences(truth: Truth, rows: Iterable[StoredRow], *, nan_is_kept: bool = True) -> list[Difference]:
    """Everything in which the rows are not the truth; empty when all is right.

    `nan_is_kept`: the engine tells a value that is not a number from none at all. A component that has
    nothing to count in a slot may be there or not; a component with events must be.
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
        right = row_by_hand(truth, form, row.component, row.slot, nan_is_kept=nan_is_kept)
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
        if (form.expression or form.members) and not _same(row.actual, right.actual):
            found.append(Difference(*place, "actual", row.actual, right.actual))
    for key in forms:
        found += [Difference(key, "", slot, "rows", 0, 1) for slot in truth.slots if slot not in seen[key]]
    for (key, component, slot), figures in truth.books.figures.items():
        if slot in slots and figures.total and (key, component, slot) not in counted:
            found.append(Difference(key, component, slot, "total", 0, figures.total))
    return found


def _same(worker: float | None, by_hand: float | None) -> bool:
    """Equal but for the rounding of floating point: by hand it is calculated in fractions."""
    if worker is None or by_hand is None:
        return worker is by_hand
    return isclose(worker, by_hand, rel_tol=1e-9, abs_tol=1e-12)
