"""The compliance of whole and begun months in the reporting timezone: the ledger's own, and by hand."""

from __future__ import annotations

import datetime
import zoneinfo
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from fractions import Fraction
from math import isclose

from sla_worker.database import SLADatabase
from sla_worker.grid import Grid
from truth.books import good_of
from truth.comparison import row_by_hand
from truth.forms import Form
from truth.places import Place
from truth.policy import BREACHED
from truth.scores import Kept, score
from truth.world_counts import Truth

Month = tuple[int, int]


def months(truth: Truth) -> Iterator[Month]:
    """The parts of the world that lie in one month of its timezone, as (start, end)."""
    zone = zoneinfo.ZoneInfo(truth.world.timezone)
    at, end = truth.slots[0] - truth.slot_seconds, truth.slots[-1]
    while at < end:
        local = datetime.datetime.fromtimestamp(at, zone)
        following = datetime.datetime(local.year + local.month // 12, local.month % 12 + 1, 1, tzinfo=zone)
        until = min(end, int(following.timestamp()))
        yield at, until
        at = until


Counted = Callable[[str, str, int, float, float], tuple[float, float] | None]
"""Good and total events that count, from SLA, component, slot and those that happened; None: none counts."""


def as_it_was(_key: str, _component: str, _slot: int, good: float, total: float) -> tuple[float, float]:
    """Everything counts."""
    return good, total


def events(truth: Truth, counted: Counted = as_it_was) -> Iterator[tuple[str, str, int, float, float]]:
    """What counts in each slot: SLA, component, slot, good and total events."""
    forms = {each.key: each for each in truth.books.forms}
    for (key, component, slot), figures in truth.books.figures.items():
        form = forms.get(key)
        if form is not None and form.policy.in_service(slot, truth.slot_seconds):
            more = counted(key, component, slot, good_of(form, figures), figures.total)
            if more is not None:
                yield key, component, slot, *more
    for form in (each for each in truth.books.forms if each.policy.no_data_is_bad):
        for slot in truth.slots:
            row = row_by_hand(truth, form, form.component, slot)
            if row.coverage == 0 and row.state == BREACHED:
                more = counted(form.key, form.component, slot, 0, 1)
                if more is not None:
                    yield form.key, form.component, slot, *more


def sums_by_hand(truth: Truth, month: Month) -> dict[tuple[str, str], tuple[float, float]]:
    """(good, total) over all slots that count, by SLA and component."""
    begin, end = month
    sums: dict[tuple[str, str], tuple[float, float]] = defaultdict(lambda: (0, 0))
    for key, component, slot, more_good, more in events(truth):
        if begin < slot <= end:
            good, total = sums[key, component]
            sums[key, component] = (good + more_good, total + more)
    return sums


def scores_by_hand(
    truth: Truth, sums: Mapping[tuple[str, str], tuple[float, float]]
) -> dict[str, Fraction | None]:
    """The score of each composite, from the sums of its members."""

    def kept(form: Form) -> Kept:
        own = [pair for (key, _), pair in sums.items() if key == form.key]
        good, total = (sum((Fraction(each[place]) for each in own), Fraction(0)) for place in (0, 1))
        return Kept(good, total, Fraction(0))

    forms = truth.books.forms
    return {each.key: score(each, forms, kept).ratio for each in forms if each.members}


def month_differences(truth: Truth, ledger: Place) -> list[tuple[str, str, Month, object, object]]:
    """(SLA, component, month, worker, by hand) where good and total events, or a score, are not the same."""
    grid = Grid(truth.slot_seconds, truth.world.scrape_seconds)
    with closing(
        SLADatabase(ledger, grid=grid, clock=lambda: truth.slots[-1] + grid.settle_seconds)
    ) as database:
        return _differences_of(truth, database)


def _differences_of(truth: Truth, database: SLADatabase) -> list[tuple[str, str, Month, object, object]]:
    found: list[tuple[str, str, Month, object, object]] = []
    keys = {each.key for each in truth.books.forms if not each.members}
    for begin, end in months(truth):
        shown = database.get_current_sla_status((end - begin) / 3600, end=end)
        worker = {(each.key, each.component): (each.good, each.total) for each in shown if each.key in keys}
        by_hand = sums_by_hand(truth, (begin, end))
        for place in sorted(worker.keys() | by_hand.keys()):
            has, right = worker.get(place, (0, 0)), by_hand.get(place, (0, 0))
            if has != right:
                found.append((*place, (begin, end), has, right))
        reached = {each.key: each.compliance_ratio for each in shown}
        for key, ratio in scores_by_hand(truth, by_hand).items():
            worker_ratio = reached[key]
            if (worker_ratio is None) != (ratio is None) or not isclose(
                worker_ratio or 0, ratio or 0, rel_tol=1e-9
            ):
                found.append((key, "", (begin, end), worker_ratio, ratio))
    return found
