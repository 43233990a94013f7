"""The queries of a pass, each one for all SLAs together."""

from __future__ import annotations

from collections.abc import Iterable

from sla_worker.conventions import ACTUAL_VALUE, COVERAGE, GOOD_EVENTS, TOTAL_EVENTS
from sla_worker.grid import Grid
from sla_worker.model import Definition
from sla_worker.promql import duration

FIGURE_LABEL = "figure"  # tells the figures of one direct query apart; holds the name of a recorded series


def recorded_query(grid: Grid) -> str:
    """All recorded figures with the times of their evaluation, to be asked at `Grid.read_at`.

    A range, since an instant vector would hide when its values were evaluated.
    """
    names = "|".join((GOOD_EVENTS, TOTAL_EVENTS, COVERAGE, ACTUAL_VALUE))
    return f'{{__name__=~"{names}"}}[{duration(grid.scrape_seconds)}]'


def direct_query(definitions: Iterable[Definition], grid: Grid) -> str:
    """The same figures from raw series, in one query, to be asked at `Grid.direct_at`."""
    return "\nor ".join(
        _labelled(expression, **{"sla": each.key, "component": each.component, FIGURE_LABEL: figure})
        for each in definitions
        for figure, expression in each.sli.figures(grid).items()
    )


def jobs_query(definitions: Iterable[Definition], grid: Grid) -> str:
    """The jobs that the samples of a slot came from, by SLA, to be asked at `Grid.direct_at`."""
    window, step = duration(grid.slot_seconds), duration(grid.scrape_seconds)
    return "\nor ".join(
        _labelled(
            f"group by (job) (count_over_time({each.sli.scraped}[{window}] offset {step}))", sla=each.key
        )
        for each in definitions
    )


def _labelled(expression: str, **labels: str) -> str:
    for name, value in labels.items():
        expression = f'label_replace({expression}, "{name}", "{value}", "", "")'
    return expression
