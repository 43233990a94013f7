"""The first screen: are we healthy, how fresh is what is shown, and every SLA, the worst first."""

# ruff: noqa: FBT003 (the SDK's builders take their flags by position)

from __future__ import annotations

from sla_worker.conventions import SCORE_GOOD, STALE_SLOTS

from .. import names, sdk
from ..definitions import Sla
from ..layout import Band, Section
from ..panels import (
    GREEN,
    MISSING,
    RED,
    SCORE_STEPS,
    YELLOW,
    Query,
    Step,
    Text,
    gauge,
    stat,
    threshold_setting,
)
from ..selectors import measurement_age
from . import expressions as ql
from .kinds import lines
from .table import sla_table

STALE = "No fresh data"


def overview(slas: list[Sla]) -> Section:
    """One line of figures, and the table over the whole width."""
    first = [(5, compliance()), (5, breaches()), (5, meeting()), (4, freshness()), (5, trend())]
    return Section(10, "Overview: are we healthy?", [Band(6, first), Band(16, [(24, sla_table(16, slas))])])


def compliance() -> sdk.gauge.Panel:
    """The overall figure, as in the reports."""
    text = Text(
        "Overall compliance",
        "Share of the SLAs that keep their target over the chosen period, as in the reports.",
        "SLAs of which every component's good events / all events reach the objective, divided by the SLAs "
        "that had any events.",
        f"below {SCORE_GOOD:.0%}, look for Fail in the table below; its name leads to its values.",
        STALE,
    )
    return gauge(11, text, [Query(ql.overall_compliance(), "Compliance", instant=True)], SCORE_STEPS)


def breaches() -> sdk.stat.Panel:
    """What is broken now."""
    text = Text(
        "Active breaches",
        "Breaches that last now. An SLA with several components can have several.",
        f"sum of `{names.BREACHES}`.",
        "at 1 or more, begin with the table's first rows and the mail about the breach.",
        STALE,
    )
    steps: list[Step] = [(None, MISSING), (0, GREEN), (1, RED)]
    return stat(12, text, "none", [Query(ql.active_breaches(), "Breaches", instant=True)], steps)


def meeting(
    panel_id: int = 13, title: str = "SLAs meeting target", window: str = "$window"
) -> sdk.stat.Panel:
    """Three numbers: SLAs that meet their target, that miss it, that could not be measured."""
    text = Text(
        title,
        "How many SLAs keep their target over the period, how many miss it, how many had no events.",
        "as in the reports: an SLA keeps it when all its components that had events do.",
        "for a missed one see the table; for one without events see whether its metrics come in.",
        STALE,
    )
    results = (("Met", "met"), ("Missed", "missed"), ("Unmeasured", "unmeasured"))
    queries = [Query(ql.slas(result, window), name, instant=True) for name, result in results]
    # "Met" has no colour: a green number would reassure while others miss theirs, or were not measured.
    panel = stat(panel_id, text, "none", queries, [(None, MISSING)])
    for name, color in (("Missed", RED), ("Unmeasured", YELLOW)):
        steps = threshold_setting([(None, MISSING), (1, color)])
        panel = panel.override_by_name(name, [steps])
    return panel


def freshness() -> sdk.stat.Panel:
    """How old the figures are."""
    text = Text(
        "Data freshness",
        "How long ago the sla-worker last measured all SLAs, in slots of its interval. The figures beside it "
        f"disappear at {STALE_SLOTS} slots: they would not speak of now any longer.",
        f"(now - `{names.LAST_MEASURED}`) / `{names.SLOT_SECONDS}`.",
        "yellow or red: see whether the sla-worker and Prometheus run, and read the sla-worker's log.",
        "Never",
    )
    steps: list[Step] = [(None, MISSING), (STALE_SLOTS - 1, YELLOW), (STALE_SLOTS, RED)]
    queries = [Query(measurement_age(), "Age", instant=True)]
    return stat(14, text, "suffix: slots", queries, steps).decimals(1)


def trend() -> sdk.timeseries.Panel:
    """Open breaches of the last day."""
    text = Text(
        "Breach trend, 24 h",
        "Open breaches over the last 24 hours: all, and the critical and high ones. Stay below the dashed "
        "line, the first breach.",
        f"`max_over_time({names.BREACHES}[step])`, summed.",
        "when it rises, compare the moment with the marks of breaches and alerts on the graphs below.",
    )
    queries = [Query(ql.breach_trend(), "All"), Query(ql.breach_trend("critical|high"), "Critical, high")]
    return (
        lines(15, text, "none", queries, [(None, GREEN), (1, RED)])
        .time_from("24h")
        .hide_time_override(True)
        .min(0)
        .axis_soft_max(2)
        .decimals(0)
        .line_interpolation(sdk.common_model.LineInterpolation.STEP_AFTER)
    )
