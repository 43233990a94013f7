"""The table of all SLAs: target, actual, compliance, error budget, status."""

# ruff: noqa: FBT003 (the SDK's builders take their flags by position)

from __future__ import annotations

import dataclasses

from sla_worker.conventions import STATUS_LIMITS

from .. import names, sdk
from ..definitions import Sla
from ..panels import (
    BUDGET_STEPS,
    GREEN,
    MISSING,
    RED,
    YELLOW,
    Query,
    Text,
    dress,
    setting,
    threshold_setting,
    words,
)
from . import expressions as ql

# Shown beside their colour, so that the word alone is enough.
STATUSES: dict[str, tuple[str, str | None]] = {
    "excellent": ("Excellent", GREEN),
    "good": ("Good", GREEN),
    "poor": ("Poor", YELLOW),
    "critical": ("Critical", RED),
    "no_data": ("No data", MISSING),
    "no_traffic": ("No traffic", MISSING),
    "partial": ("Partly measured", MISSING),
    "low_traffic": ("Low traffic", MISSING),
    "out_of_hours": ("Out of hours", MISSING),
    "excluded": ("Excluded", MISSING),
}


@dataclasses.dataclass(frozen=True)
class ActualColumn:
    """A column of actual values. A column has one unit of Grafana, so SLAs of other units get another one."""

    title: str
    unit: str
    sla_units: tuple[str, ...]


def sla_table(panel_id: int, slas: list[Sla]) -> sdk.table.Panel:
    """A row for each SLA and component; the queries are joined on those two labels."""
    text = Text(
        "All SLAs",
        "Every SLA with its target, the newest actual value, compliance, error budget and status.",
        "from the sla-worker's ledger: compliance is the ratio of sums over the period, never a mean of "
        "ratios; the status goes by the share of the allowance that is used: up to {:g} excellent, "
        "{:g} good, {:g} poor.".format(*STATUS_LIMITS),
        "poor and critical: open the row of its category below. No data: see whether its metrics come in.",
        "-",
    )
    columns = actual_columns(slas)
    queries = [
        ql.table_targets(),
        ql.table_column(names.COMPLIANCE),
        ql.table_column(names.BUDGET),
        ql.table_statuses(),
        *(ql.table_column(names.ACTUAL, f'{{unit=~"{"|".join(column.sla_units)}"}}') for column in columns),
    ]
    titles = {
        "sla": "SLA",
        "component": "Component",
        "target": "Target",
        "status": "Status",
        field(1): "Compliance",
        field(2): "Budget left",
        **{field(4 + position): column.title for position, column in enumerate(columns)},
    }
    actuals = [field(4 + position) for position in range(len(columns))]
    rows = [Query(expr, instant=True, table=True) for expr in queries]
    panel = dress(sdk.table.Panel(), panel_id, text, unit="short", queries=rows, steps=[(None, MISSING)])
    return (
        overrides(panel, slas, columns)
        .with_transformation(join())
        .with_transformation(
            organize(titles, ["sla", "component", "target", *actuals, field(1), field(2), "status"])
        )
        .sort_by([sdk.common.TableSortByFieldState().display_name("SLA").desc(False)])
    )


def actual_columns(slas: list[Sla]) -> list[ActualColumn]:
    """The columns that the definitions' units need."""
    units = sorted({sla.unit for sla in slas})
    others = tuple(unit for unit in units if unit not in {"ratio", "seconds"})
    columns = [
        ActualColumn("Actual, share", "percentunit", ("ratio",)),
        ActualColumn("Actual, time", "s", ("seconds",)),
        ActualColumn("Actual, number", "short", others),
    ]
    return [column for column in columns if set(column.sla_units) & set(units)]


def field(position: int) -> str:
    """The name that the datasource gives to the values of the query at that position."""
    return f"Value #{chr(ord('A') + position)}"


def overrides(panel: sdk.table.Panel, slas: list[Sla], columns: list[ActualColumn]) -> sdk.table.Panel:
    """Units, colours and words of the columns."""
    names_of_slas = words({sla.key: (sla.name, None) for sla in slas})
    targets = words({sla.key: (sla.target_text, None) for sla in slas})
    panel = panel.override_by_name(
        "SLA", [setting("mappings", [names_of_slas]), setting("custom.minWidth", 170)]
    )
    panel = panel.override_by_name("Target", [setting("mappings", [targets])])
    panel = panel.override_by_name(
        "Status",
        # The oldest Grafana knows this name only; newer ones turn it into their own on loading.
        [setting("mappings", [words(STATUSES)]), setting("custom.displayMode", "color-background")],
    )
    percent = [setting("unit", "percentunit"), setting("decimals", 2)]
    # No colour: what is good depends on the target of each row, and the status beside it says so.
    panel = panel.override_by_name("Compliance", percent)
    coloured = [setting("custom.displayMode", "color-text"), threshold_setting(BUDGET_STEPS)]
    panel = panel.override_by_name("Budget left", [*percent, *coloured])
    for column in columns:
        panel = panel.override_by_name(column.title, [setting("unit", column.unit), setting("decimals", 3)])
    return panel


def join() -> sdk.dashboard_model.DataTransformerConfig:
    """One row for each SLA and component out of all queries."""
    return sdk.dashboard_model.DataTransformerConfig(id_val="merge", options={})


def organize(titles: dict[str, str], order: list[str]) -> sdk.dashboard_model.DataTransformerConfig:
    """Column titles and order; time and the values that only carry labels are hidden."""
    return sdk.dashboard_model.DataTransformerConfig(
        id_val="organize",
        options={
            "excludeByName": {"Time": True, field(0): True, field(3): True},
            "indexByName": {field: position for position, field in enumerate(order)},
            "renameByName": titles,
        },
    )
