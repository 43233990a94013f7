"""The rows of the SLA dashboard below its overview: one for each category that has any SLA.

Nothing here knows an SLA by its key: what the definitions hold is what the rows show.
"""

# ruff: noqa: FBT003 (the SDK's builders take their flags by position)

from __future__ import annotations

from typing import Any

from sla_worker.model import CATEGORIES, UNDIVIDED

from .. import names, sdk
from ..definitions import NOTHING, Sla, by_category, plain
from ..layout import COLUMNS, Band, Section
from ..panels import GREEN, RED, SCORE_STEPS, Query, Text, list_legend, setting, sla_graph, states, words
from . import expressions as ql
from .kinds import history, rows

HEIGHT = 8
UNMARKED = 3
"""So many graphs a category has of which no SLA is marked."""

LONGEST_TITLE = 42
"""Letters of a title that a third of the width shows."""

COLLAPSED = {"business", "compliance", "composite"}
"""Rows that are opened when somebody asks for them."""

FORMULAS = {
    "uptime": "scrapes that succeeded / scrapes that were made",
    "events": "counted events / all events",
    "time": "samples that were good / all samples",
    "value": "the value of the expression at the end of the slot",
    "composite": "weighted mean of the members' compliance",
}
"""What the forms of an SLI measure; a latency is a percentile."""


def category_sections(slas: list[Sla]) -> list[Section]:
    """A row for each category: the graphs of some of its SLAs, then what explains it."""
    return [
        Section(
            section_id(category),
            category.capitalize(),
            bands([sla_panel(panel_id(slas, sla), sla) for sla in shown(members)] + extras(category, slas)),
            collapsed=category in COLLAPSED,
        )
        for category, members in by_category(slas).items()
    ]


def shown(members: list[Sla]) -> list[Sla]:
    """The SLAs of a category that have a graph of their own: those marked so, else the first ones.

    All are in the table, and in the detail row.
    """
    return [sla for sla in members if sla.graph] or members[:UNMARKED]


def section_id(category: str) -> int:
    """The id of a category's row; its panels have the next ones."""
    return 100 * (1 + CATEGORIES.index(category))


def panel_id(slas: list[Sla], sla: Sla) -> int:
    """The id of an SLA's graph: alerts link to it."""
    return section_id(sla.category) + 1 + by_category(slas)[sla.category].index(sla)


def bands(panels: list[Any]) -> list[Band]:
    """Panels side by side: three, or two where that leaves none alone or a title needs the room.

    Those that are left fill the whole width.
    """
    wide = any(len(panel.build().title) > LONGEST_TITLE for panel in panels)
    in_a_row = 2 if wide or len(panels) in {2, 4} else 3
    groups = [panels[start : start + in_a_row] for start in range(0, len(panels), in_a_row)]
    return [Band(HEIGHT, [(COLUMNS // len(group), panel) for panel in group]) for group in groups]


def sla_panel(number: int, sla: Sla) -> sdk.timeseries.Panel:
    """The SLA's actual value beside its target, a line for each component."""
    side = "below" if sla.higher_is_better else "above"
    missed = "yellow" if sla.higher_is_better and sla.warning != sla.target else "green"
    line = missed if sla.higher_is_better else "red"
    text = Text(
        f"{sla.name} (target {sla.target_text})",
        sla.description,
        f"{formula(sla)}, over the newest slot. A percentile is never averaged.",
        f"{side} the dashed {line} line, look for alerts marked on the graph at that moment and follow "
        "their runbooks; then compare with the other graphs of this row.",
    )
    panel = sla_graph(number, text, sla, [Query(ql.actual(sla), "{{component}}")]).legend(list_legend())
    return panel.override_by_name(UNDIVIDED, [setting("displayName", sla.name)])


def formula(sla: Sla) -> str:
    """How the SLA's value comes about."""
    if sla.kind not in FORMULAS:
        return f"percentile {plain((sla.percentile or NOTHING) * 100)} of `{sla.metric}`"
    return f"{FORMULAS[sla.kind]}, from `{sla.metric}`"


def has_workers(slas: list[Sla]) -> bool:
    """Whether there is a panel about the workers of a program that uses insa_instruments."""
    return "availability" in by_category(slas) and any(
        sla.metric.startswith(names.INSTRUMENTS) for sla in slas
    )


def extras(category: str, slas: list[Sla]) -> list[Any]:
    """Panels that explain a category's figures; some need a program that uses insa_instruments."""
    panels = {
        "availability": [worker_health] if has_workers(slas) else [],
        "efficiency": [daily_compliance],
        "composite": [lambda: weakest(slas)],
    }
    return [make() for make in panels.get(category, [])]


def worker_health() -> Any:
    """Which worker is down."""
    text = Text(
        "Health of each worker",
        "Each agent worker over time. A gap means that nothing was measured.",
        f"lowest `{names.WORKER_HEALTH}` of each step: 1 healthy, 0 down.",
        "for a worker that is down, follow the runbook WorkerUnhealthy.",
    )
    return states(
        22,
        text,
        [Query(ql.worker_health(), "{{worker_name}}")],
        {"0": ("Down", RED), "1": ("Healthy", GREEN)},
    )


def daily_compliance() -> Any:
    """Which days went badly."""
    text = Text(
        "Compliance by category, 7 days",
        "Share of each category's SLAs that kept their target in the 24 hours up to each cell. An empty cell "
        "means that nothing was measured.",
        f"met / (met + missed), from `{names.WINDOW_SLAS}` of one day.",
        "find the first red cell, set the time range around it, and look for marks of alerts and breaches.",
    )
    panel = history(65, text, [Query(ql.daily_compliance(), "{{category}}")], SCORE_STEPS)
    return panel.time_from("7d").hide_time_override(True).interval("2h").max_data_points(84)


def weakest(slas: list[Sla]) -> Any:
    """Which member of a composite is lowest."""
    text = Text(
        "Weakest members of the scores",
        "The member of each composite whose compliance of the last 24 hours is lowest.",
        "the member SLA with the lowest compliance.",
        "restore that SLA, unless its weight in the score is small: then look for the next one in the table.",
        "None, or no fresh data",
    )
    people = [setting("mappings", [words({sla.key: (sla.name, None) for sla in slas})])]
    panel = rows(66, text, {"sla": "Score", "member": "Weakest member"}, [ql.weakest()])
    return panel.override_by_name("Score", people).override_by_name("Weakest member", people)
