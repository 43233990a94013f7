"""The collapsed rows at the end: each SLA with its components, and how far the figures can be trusted."""

from __future__ import annotations

from sla_worker.conventions import BUDGET_LOW, BURN_FAST, BURN_SLOW, MINIMUM_COVERAGE

from .. import names, sdk
from ..layout import Band, Section
from ..panels import BUDGET_STEPS, GREEN, MISSING, RED, YELLOW, Query, Step, Text, setting
from . import expressions as ql
from .kinds import DETAIL_PANEL, bars, lines

FULLY_MEASURED = 0.99
SLOW_PASS_SECONDS = 30
"""What a pass over all SLAs may take at most: a tenth of the time between two."""

SLOT = "5m"
"""How often figures of the ledger change, unless slots are set otherwise: a finer step shows no more."""

WINDOW_STEP = "15m"
"""How often figures of windows are drawn: each point reads every SLA as often as there are windows."""

UNITS = {
    "A": ('unit="ratio"', "percentunit"),
    "B": ('unit="seconds"', "s"),
    "C": ('unit!~"ratio|seconds"', "short"),
}
"""The queries by the unit of what they show."""


def details() -> Section:
    """One SLA, and then each of the chosen ones."""
    one = values(
        DETAIL_PANEL, "Value and target of the chosen SLAs", "{{sla}} {{component}}", "Target {{sla}}"
    )
    each = values(82, "$sla", "{{component}}", "Target")
    each = each.repeat("sla").repeat_direction("h").max_per_row(3)
    return Section(
        80,
        "Detail: each SLA with its components",
        [
            Band(12, [(24, one)]),
            Band(9, [(12, burn_by_window()), (12, budget_by_window())]),
            Band(10, [(24, each)]),
        ],
        collapsed=True,
    )


def values(number: int, title: str, legend: str, target: str) -> sdk.timeseries.Panel:
    """Actual values beside their targets, which are lines of their own: thresholds cannot differ by SLA."""
    text = Text(
        title,
        "The value of each slot and the dashed target, for every component. Choose SLAs at the top.",
        f"`{names.ACTUAL}` and `{names.TARGET}`, from the sla-worker's ledger, in the target's unit.",
        "where a line crosses its target, look for the marks of alerts, and follow their runbooks.",
    )
    queries = [Query(ql.detail(names.ACTUAL, unit), legend) for unit, _ in UNITS.values()]
    queries.append(Query(ql.targets(), target))
    panel = lines(number, text, "short", queries, [(None, MISSING)]).interval(SLOT)
    for position, (_, unit) in UNITS.items():
        panel = panel.override_by_query(position, [setting("unit", unit)])
    dashed = [
        setting("color", {"mode": "fixed", "fixedColor": RED}),
        setting("custom.lineStyle", {"fill": "dash", "dash": [10, 10]}),
        setting("custom.fillOpacity", 0),
    ]
    return panel.override_by_query("D", dashed)


def burn_by_window() -> sdk.timeseries.Panel:
    """A fast fire or a slow one."""
    text = Text(
        "Burn rate of the chosen SLAs, by window",
        "How fast the error budget was used up over each window, of the worst chosen SLA. Stay below the "
        f"lowest dashed line, 1: above it over 3d and 6h warns; from {BURN_SLOW:g} and {BURN_FAST:g} on it "
        "pages. Choose SLAs at the top.",
        f"`{names.BURN_RATE}`, bad share / allowed share of the window.",
        "a short window above the long ones: it has just begun; below them: it is over or gets better.",
    )
    steps: list[Step] = [(None, GREEN), (1, YELLOW), (BURN_SLOW, "orange"), (BURN_FAST, RED)]
    queries = [Query(ql.by_window("max", names.BURN_RATE), "{{window}}")]
    return (
        lines(83, text, "suffix: x", queries, steps).interval(WINDOW_STEP).min(0).axis_soft_max(2).decimals(1)
    )


def budget_by_window() -> sdk.timeseries.Panel:
    """What each period still allows."""
    text = Text(
        "Error budget of the chosen SLAs, by window",
        "What is left of the error budget of each window, of the worst chosen SLA; what is overspent ends at "
        "the lower edge. `month` is the calendar month so far. Choose SLAs at the top.",
        f"`{names.WINDOW_BUDGET}`, not below 0.",
        f"below {BUDGET_LOW:.0%} of 30 days or of the month, put off risky changes.",
    )
    expr = f"clamp_min({ql.by_window('min', names.WINDOW_BUDGET)}, 0)"
    panel = lines(84, text, "percentunit", [Query(expr, "{{window}}")], BUDGET_STEPS)
    return panel.interval(WINDOW_STEP).min(0).max(1)


def measurement() -> Section:
    """Coverage, and how the worker itself does."""
    coverage = [(12, coverage_over_time()), (12, lowest_coverage())]
    worker = [(12, passes()), (12, slots())]
    return Section(50, "Quality of the measurement", [Band(9, coverage), Band(8, worker)], collapsed=True)


def coverage_over_time() -> sdk.timeseries.Panel:
    """When something was not measured."""
    text = Text(
        "Coverage of the newest slot, by category",
        "How much of the newest slot was measured, of the worst SLA of each category. Unmeasured time is "
        "never counted as uptime.",
        "scrapes that were there / scrapes that were expected, over the newest slot.",
        f"below {MINIMUM_COVERAGE:.0%} a slot judges nothing: see whether Prometheus was down or the scrape "
        "fails (Status, Targets in Prometheus).",
    )
    steps: list[Step] = [(None, RED), (MINIMUM_COVERAGE, YELLOW), (FULLY_MEASURED, GREEN)]
    return lines(51, text, "percentunit", [Query(ql.coverage(), "{{category}}")], steps).min(0).max(1)


def lowest_coverage() -> sdk.bargauge.Panel:
    """What is not measured now."""
    text = Text(
        "Lowest coverage now",
        f"The {ql.SHOWN} SLAs of whose newest slot least was measured.",
        "scrapes that were there / scrapes that were expected, over the newest slot, worst component.",
        f"below {MINIMUM_COVERAGE:.0%}: see which target of that SLA does not answer its scrapes.",
        "No fresh data",
    )
    steps: list[Step] = [(None, MISSING), (0, RED), (MINIMUM_COVERAGE, YELLOW), (FULLY_MEASURED, GREEN)]
    queries = [Query(ql.lowest_coverage(), "{{name}}", instant=True)]
    return bars(52, text, "percentunit", queries, steps).max(1).decimals(1)


def passes() -> sdk.timeseries.Panel:
    """Whether measuring is fast enough."""
    text = Text(
        "Duration of a pass",
        f"How long measuring all SLAs takes. Stay below the dashed line, {SLOW_PASS_SECONDS} s.",
        f"`{names.PASS_DURATION}` over an hour: mean, and what 95 of 100 passes took at most.",
        "when it rises, see how long Prometheus takes for queries, and how large the ledger is.",
    )
    queries = [Query(ql.pass_seconds(), "Mean"), Query(ql.pass_seconds_p95(), "P95")]
    return lines(53, text, "s", queries, [(None, GREEN), (SLOW_PASS_SECONDS, RED)]).min(0)


def slots() -> sdk.timeseries.Panel:
    """What came late, and what is missing still."""
    text = Text(
        "Late rows and missing slots",
        "Rows of an hour that were stored after their slot was due, and slots that are due and not stored "
        "yet. Stay below the dashed line, the first one.",
        f"`increase({names.LATE_ROWS}[1h])` and `{names.SLOTS_MISSING}`.",
        "late rows come after an outage of the worker or Prometheus, and are complete; slots that stay "
        "missing mean that Prometheus does not answer, or refuses the query of an SLA: the sla-worker's "
        "/healthz and log say which (SLAMeasurementsMissing's runbook).",
    )
    queries = [Query(ql.late_rows(), "Late rows"), Query(ql.slots_missing(), "Missing slots")]
    return lines(54, text, "none", queries, [(None, GREEN), (1, YELLOW)]).min(0).axis_soft_max(2).decimals(0)
