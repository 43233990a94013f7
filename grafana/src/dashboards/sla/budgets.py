"""Error budgets: what is left, how fast it is used up, and how long it lasts."""

from __future__ import annotations

from sla_worker.conventions import BUDGET_LOW, BUDGET_SPENT, BURN_FAST, BURN_SLOW

from .. import names, sdk
from ..layout import Band, Section
from ..panels import BUDGET_STEPS, GREEN, MISSING, RED, YELLOW, Query, Step, Text, nothing_measured
from . import expressions as ql
from .kinds import bars, budget_bars, lines, long_enough

DAY, WEEK = 86_400, 7 * 86_400
BURN_STEPS: list[Step] = [(None, MISSING), (0, GREEN), (1, YELLOW), (BURN_SLOW, "orange"), (BURN_FAST, RED)]


def budgets() -> Section:
    """The row."""
    now = [(8, smallest()), (8, fastest()), (8, lasts())]
    over_time = [(12, burn_over_time()), (12, budget_over_time())]
    return Section(60, "Error budgets", [Band(10, now), Band(8, over_time)])


def smallest() -> sdk.bargauge.Panel:
    """What is left now."""
    text = Text(
        "Smallest error budgets",
        f"The {ql.SHOWN} SLAs with least error budget left over the chosen period: 100 % untouched, "
        "Exhausted used up or overspent.",
        "1 - bad share / allowed share, of the worst component, from the ledger of the sla-worker.",
        f"below {BUDGET_LOW:.0%}, put off risky changes; below {BUDGET_SPENT:.0%}, only do work that "
        "restores the SLA.",
        "No fresh data",
    )
    return budget_bars(17, text, [Query(ql.smallest_budgets(), "{{name}}", instant=True)], BUDGET_STEPS)


def fastest() -> sdk.bargauge.Panel:
    """How fast it is used up now."""
    text = Text(
        "Fastest burn rates, last hour",
        f"The {ql.SHOWN} SLAs whose error budget is used up fastest: at 1 it lasts exactly its period.",
        f"bad share / allowed share of the last hour, of the worst component (`{names.BURN_RATE}`).",
        f"from {BURN_SLOW:g} on stop what is harming it today, from {BURN_FAST:g} on at once: 2 % of a "
        "month's budget are gone in an hour.",
        "No fresh data",
    )
    queries = [Query(ql.fastest_burning(), "{{name}}", instant=True)]
    return bars(61, text, "suffix: x", queries, BURN_STEPS).max(BURN_FAST).decimals(1)


def lasts() -> sdk.bargauge.Panel:
    """When it will be gone."""
    text = Text(
        "Budget gone in",
        f"The {ql.SHOWN} SLAs whose error budget of 30 days is gone first if it goes on as in the last six "
        "hours. Those that have none left are not here.",
        "budget left * 30 days / burn rate of six hours.",
        "less than a day: act as on a breach; less than a week: find the cause before it is one.",
        "No fresh data",
    )
    queries = [Query(ql.budget_lasts(), "{{name}}", instant=True)]
    steps: list[Step] = [(None, MISSING), (0, RED), (DAY, YELLOW), (WEEK, GREEN)]
    panel = bars(62, text, "s", queries, steps).max(ql.FOUR_WEEKS).decimals(1)
    return panel.mappings([nothing_measured(text.no_value), long_enough()])


def burn_over_time() -> sdk.timeseries.Panel:
    """Since when."""
    text = Text(
        "Burn rate by category, one hour",
        "The fastest burn rate of each category. Stay below the lowest dashed line, at which the budget "
        f"lasts exactly its period; the upper ones, {BURN_SLOW:g} and {BURN_FAST:g}, page.",
        f"highest `{names.BURN_RATE}` of the last hour.",
        "when it rises, compare the moment with the alerts' marks, and open the row of that category.",
    )
    steps: list[Step] = [(None, GREEN), *BURN_STEPS[2:]]
    queries = [Query(ql.by_category("max", names.BURN_RATE, "1h"), "{{category}}")]
    return lines(63, text, "suffix: x", queries, steps).min(0).axis_soft_max(2).decimals(1)


def budget_over_time() -> sdk.timeseries.Panel:
    """Where it is going."""
    text = Text(
        "Smallest budget by category, 30 days",
        f"The smallest error budget of each category. The dashed lines are {BUDGET_LOW:.0%} and "
        f"{BUDGET_SPENT:.0%}; what is overspent ends at the lower edge.",
        f"lowest `{names.WINDOW_BUDGET}` of 30 days, not below 0.",
        "a steady fall means a steady cause, a step one incident: look for the marks at that moment.",
    )
    expr = f"clamp_min({ql.by_category('min', names.WINDOW_BUDGET, '30d')}, 0)"
    return lines(64, text, "percentunit", [Query(expr, "{{category}}")], BUDGET_STEPS).min(0).max(1)
