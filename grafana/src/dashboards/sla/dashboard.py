"""The SLA dashboard: its first screen answers "are we healthy?", the rows below say why not."""

# ruff: noqa: FBT003 (the SDK's builders take their flags by position)

from __future__ import annotations

from sla_worker.conventions import BUDGET_LOW, SCORE_GOOD, STALE_SLOTS

from .. import names, sdk
from ..definitions import Sla
from ..frame import Identity, dashboard
from ..layout import Band, Section
from ..panels import (
    BUDGET_STEPS,
    GREEN,
    MISSING,
    RED,
    SCORE_STEPS,
    YELLOW,
    Query,
    Text,
    gauge,
    graph,
    setting,
    share_bars,
    stat,
    threshold_setting,
)
from ..selectors import measurement_age
from . import expressions as ql
from .categories import category_sections, measurement_section
from .table import sla_table

IDENTITY = Identity(
    uid=names.SLA_DASHBOARD_UID,
    title="SLA Monitoring & Compliance",
    description="Which SLAs are met, what is broken now, and how much error budget is left.",
    tag="sla",
)


def sla_dashboard(slas: list[Sla]) -> sdk.dashboard_model.Dashboard:
    """The whole dashboard, thresholds and target lines from the definitions."""
    first = Section(10, "Overview: are we healthy?", overview(slas))
    return dashboard(IDENTITY, [], [first, *category_sections(slas), measurement_section(slas)])


def overview(slas: list[Sla]) -> list[Band]:
    """The first screen."""
    compliance = gauge(
        11,
        Text(
            "Overall compliance",
            "Share of the SLAs that keep their target over the last 24 hours, as in the daily report.",
            "SLAs whose good events / all events reach the objective, divided by the measured SLAs.",
            f"below {SCORE_GOOD:.0%}, look for the red rows of the table below and open the row of their "
            "category.",
            "No fresh data",
        ),
        [Query(ql.overall_compliance(), "Compliance", instant=True)],
        SCORE_STEPS,
    )
    breaches = stat(
        12,
        Text(
            "Active breaches",
            "SLA breaches that are open now, of every severity.",
            f"sum of `{names.BREACHES}`, which the sla-worker counts from its ledger.",
            "above 0, find the SLA in the table below; its runbook says what to do first.",
            "No fresh data",
        ),
        "none",
        [Query(ql.active_breaches(), "Active breaches", instant=True)],
        [(None, MISSING), (0, GREEN), (1, RED)],
    )
    age = stat(
        14,
        Text(
            "Last measurement",
            "How old the figures of this dashboard are, in slots: the sla-worker measures once a slot.",
            f"(`time() - {names.LAST_MEASURED}`) / `{names.SLOT_SECONDS}`. After {STALE_SLOTS} slots the "
            "figures are no longer shown.",
            "yellow or red: see whether the sla-worker and Prometheus run, and read the sla-worker's log.",
            "Never",
        ),
        "suffix: slots ago",
        [Query(measurement_age(), "Age", instant=True)],
        [(None, MISSING), (0, GREEN), (STALE_SLOTS - 1, YELLOW), (STALE_SLOTS, RED)],
    ).decimals(1)
    budget = share_bars(
        17,
        Text(
            "Error budget remaining",
            "What is left of each SLA's error budget: 100 % untouched, 0 % used up, below that overspent.",
            "1 - bad share / allowed share, over the budget's period, from the ledger of the sla-worker.",
            f"below {BUDGET_LOW:.0%}, put off risky changes; at 0 %, only do work that restores the SLA.",
            "No fresh data",
        ),
        [Query(ql.budget_remaining(), "{{sla}}", instant=True)],
        BUDGET_STEPS,
    )
    for sla in slas:
        budget = budget.override_by_name(sla.key, [setting("displayName", sla.name)])
    first = [(5, compliance), (4, breaches), (5, meeting_stat()), (3, age), (7, breach_trend())]
    return [Band(5, first), Band(7, [(16, sla_table(16, slas)), (8, budget)])]


def meeting_stat() -> sdk.stat.Panel:
    """Three numbers: SLAs that meet their target, that miss it, that could not be measured."""
    text = Text(
        "SLAs meeting target",
        "How many SLAs meet their target in the newest slot, how many miss it, how many had no data.",
        "count of SLAs by status: excellent and good meet the target, poor and critical miss it.",
        "for a missed one see the table below; for one without data see whether the metrics still come in.",
        "No fresh data",
    )
    queries = [
        Query(ql.slas_meeting(), "Met", instant=True),
        Query(ql.slas_missing(), "Missed", instant=True),
        Query(ql.slas_unmeasured(), "No data", instant=True),
    ]
    panel = stat(13, text, "none", queries, [(None, MISSING), (0, RED), (1, GREEN)])
    for name, color in (("Missed", RED), ("No data", YELLOW)):
        # No colour at zero: nothing missed says little while nothing was measured.
        steps = threshold_setting([(None, MISSING), (0, "transparent"), (1, color)])
        panel = panel.override_by_name(name, [steps])
    return panel


def breach_trend() -> sdk.timeseries.Panel:
    """Open breaches of the last day."""
    common = sdk.common_model
    text = Text(
        "Breach trend, 24 h",
        "Open breaches by severity over the last 24 hours. Stay below the dashed line, the first breach.",
        f"`max_over_time({names.BREACHES}[step])`, summed by severity.",
        "when it rises, compare the moment with the alert marks on the graphs below.",
    )
    panel = graph(
        15,
        text,
        "none",
        [Query(ql.breach_trend(), "{{severity}}")],
        [(None, GREEN), (1, RED)],
    )
    return (
        panel.time_from("24h")
        .min(0)
        .axis_soft_max(2)
        .decimals(0)
        .line_interpolation(common.LineInterpolation.STEP_AFTER)
        .legend(
            sdk.common.VizLegendOptions()
            .show_legend(True)
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .calcs(["max"])
        )
    )
