"""The rows of the SLA dashboard below its overview: one for each category that has any SLA.

Nothing here knows an SLA by its key: what the definitions hold is what the rows show.
"""

from __future__ import annotations

from typing import Any

from sla_worker.conventions import MINIMUM_COVERAGE
from sla_worker.model import CATEGORIES, UNDIVIDED

from .. import names, sdk
from ..definitions import NOTHING, Sla, by_category, plain
from ..layout import COLUMNS, Band, Section
from ..panels import GREEN, MISSING, RED, YELLOW, Query, Text, graph, setting, sla_graph, states
from . import expressions as ql

FULLY_MEASURED = 0.99
HEIGHT = 8

FORMULAS = {
    "uptime": "scrapes that succeeded / scrapes that were made",
    "events": "counted events / all events",
    "time": "samples that were good / all samples",
    "value": "the value of the expression at the end of the slot",
    "composite": "weighted mean of the members' compliance",
}
"""What the forms of an SLI measure; a latency is a percentile."""


def category_sections(slas: list[Sla]) -> list[Section]:
    """A row for each category: a graph for each SLA, then what explains it, two side by side."""
    return [
        Section(
            section_id(category),
            category.capitalize(),
            bands([sla_panel(panel_id(slas, sla), sla) for sla in members] + explanations(category, slas)),
        )
        for category, members in by_category(slas).items()
    ]


def section_id(category: str) -> int:
    """The id of a category's row; its panels have the next ones."""
    return 100 * (1 + CATEGORIES.index(category))


def panel_id(slas: list[Sla], sla: Sla) -> int:
    """The id of an SLA's graph: alerts link to it."""
    return section_id(sla.category) + 1 + by_category(slas)[sla.category].index(sla)


def bands(panels: list[Any]) -> list[Band]:
    """Panels two side by side; one that is left alone takes the whole width."""
    pairs = [panels[start : start + 2] for start in range(0, len(panels), 2)]
    return [Band(HEIGHT, [(COLUMNS // len(pair), panel) for panel in pair]) for pair in pairs]


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
    panel = sla_graph(number, text, sla, [Query(ql.actual(sla), "{{component}}")])
    return panel.override_by_name(UNDIVIDED, [setting("displayName", sla.name)])


def formula(sla: Sla) -> str:
    """How the SLA's value comes about."""
    if sla.kind not in FORMULAS:
        return f"percentile {plain((sla.percentile or NOTHING) * 100)} of `{sla.metric}`"
    return f"{FORMULAS[sla.kind]}, from `{sla.metric}`"


def explanations(category: str, slas: list[Sla]) -> list[Any]:
    """Panels that explain a category's figures, of programs that use insa_instruments; else none."""
    if not any(sla.metric.startswith(names.INSTRUMENTS) for sla in slas):
        return []
    panels = {"availability": worker_health, "performance": requests_by_result}
    return [panels[category]()] if category in panels else []


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


def requests_by_result() -> sdk.timeseries.Panel:
    """Under which traffic."""
    text = Text(
        "Requests by result",
        "The traffic behind the figures of this dashboard.",
        f"`rate({names.REQUESTS}[$__rate_interval])`, summed by status.",
        "at zero every ratio here loses its meaning: see whether callers still reach the platform.",
    )
    panel = graph(32, text, "reqps", [Query(ql.requests_by_status(), "{{status}}")], [(None, MISSING)])
    for status, color in (("success", GREEN), ("timeout", YELLOW), ("error", RED)):
        fixed = {"mode": "fixed", "fixedColor": color}
        panel = panel.override_by_name(status, [setting("color", fixed)])
    return panel.min(0)


def measurement_section(slas: list[Sla]) -> Section:
    """How far the figures can be trusted."""
    text = Text(
        "Coverage by SLA",
        "How much of the newest slot was measured. Unmeasured time is never counted as uptime.",
        "scrapes that were there / scrapes that were expected, over the newest slot.",
        f"below {MINIMUM_COVERAGE:.0%} a slot judges nothing: see whether Prometheus was down or the "
        "scrape fails (Status, Targets in Prometheus).",
    )
    panel = graph(
        51,
        text,
        "percentunit",
        [Query(ql.coverage(), "{{sla}}")],
        [(None, RED), (MINIMUM_COVERAGE, YELLOW), (FULLY_MEASURED, GREEN)],
    )
    for sla in slas:
        panel = panel.override_by_name(sla.key, [setting("displayName", sla.name)])
    return Section(
        50, "Quality of the measurement", [Band(HEIGHT, [(COLUMNS, panel.min(0).max(1))])], collapsed=True
    )
