"""The calendar month so far, in the timezone of the reports: its compliance, and where it was lost."""

from __future__ import annotations

from sla_worker.conventions import MONTH
from sla_worker.model import SEVERITIES

from .. import names, sdk
from ..definitions import Sla
from ..layout import Band, Section
from ..panels import (
    MISSING,
    RED,
    SCORE_STEPS,
    YELLOW,
    Query,
    Text,
    setting,
    share_bars,
    words,
)
from . import expressions as ql
from .kinds import field, rows, sla_link
from .overview import meeting


def month(slas: list[Sla]) -> Section:
    """The row."""
    panels = [(7, by_category()), (12, worst_breaches(slas)), (5, meeting(73, "SLAs met this month", MONTH))]
    return Section(70, "This month", [Band(9, panels)])


def by_category() -> sdk.bargauge.Panel:
    """Which category lost most."""
    text = Text(
        "Compliance by category",
        "Share of each category's SLAs that keep their target over the calendar month so far.",
        f"met / (met + missed), from `{names.WINDOW_SLAS}` of the month.",
        "for a category below 100 %, set the period above to This month: the table shows which SLAs fail.",
        "No fresh data",
    )
    return share_bars(
        71, text, [Query(ql.kept_by_category(MONTH), "{{category}}", instant=True)], SCORE_STEPS
    )


def worst_breaches(slas: list[Sla]) -> sdk.table.Panel:
    """Where the time went."""
    text = Text(
        "Top 5 breaches by time",
        "The five SLAs that were longest in breach this month, all their components together.",
        "what lies in the month of each breach in the ledger: how many, all together, and the longest.",
        "look for one cause behind breaches at the same time; the name leads to the SLA's values.",
        "No fresh data",
    )
    seconds, count, longest = map(field, range(3))
    columns = {
        "sla": "SLA",
        "severity": "Severity",
        count: "Breaches",
        seconds: "In breach",
        longest: "Longest",
    }
    queries = [
        ql.month_breaches(metric)
        for metric in (names.MONTH_BREACH_SECONDS, names.MONTH_BREACHES, names.MONTH_BREACH_LONGEST)
    ]
    panel = rows(72, text, columns, queries)
    panel = panel.override_by_name(
        "SLA",
        [
            setting("mappings", [words({sla.key: (sla.name, None) for sla in slas})]),
            setting("custom.minWidth", 200),
            sla_link("month"),
        ],
    )
    colours = dict(zip(SEVERITIES, (RED, RED, YELLOW, MISSING), strict=True))
    severities = words({each: (each.capitalize(), color) for each, color in colours.items()})
    panel = panel.override_by_name(
        "Severity", [setting("mappings", [severities]), setting("custom.displayMode", "color-text")]
    )
    for title in ("In breach", "Longest"):
        panel = panel.override_by_name(title, [setting("unit", "s"), setting("decimals", 1)])
    by_time = sdk.common.TableSortByFieldState().display_name("In breach").desc(True)  # noqa: FBT003 - builder
    return panel.sort_by([by_time])
