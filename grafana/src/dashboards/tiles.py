"""The panels of the dashboards about a program: one figure, or lines over time, each with its limits."""

# ruff: noqa: FBT003 (the SDK's builders take their flags by position)

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from . import sdk
from .layout import COLUMNS, Band
from .limits import Scale
from .panels import (
    GREEN,
    MISSING,
    Query,
    Step,
    Text,
    dress,
    graph,
    list_legend,
    setting,
    stat,
    threshold_setting,
    words,
)

NO_SCALE = Scale()
WIDEST = 1.0


def number(panel_id: int, text: Text, unit: str, expr: str, scale: Scale = NO_SCALE) -> sdk.stat.Panel:
    """The newest value of one figure, coloured by its limits."""
    scale = scale.shown_in(unit)
    panel = stat(
        panel_id,
        explained(text, scale, unit),
        unit,
        [Query(expr, text.title, instant=True)],
        scale.number_steps(),
    )
    if unit == "percentunit":
        return panel.min(0).max(1).decimals(2)
    return panel.decimals(0) if unit in {"none", "short"} else panel


def count_of_bad(panel_id: int, text: Text, expr: str, bad: str) -> sdk.stat.Panel:
    """How many are bad: green at 0, and from 1 on in the colour `bad`."""
    steps: list[Step] = [(None, MISSING), (0, GREEN), (1, bad)]
    return stat(panel_id, text, "none", [Query(expr, text.title, instant=True)], steps).decimals(0)


def lines(
    panel_id: int,
    text: Text,
    unit: str,
    queries: Mapping[str, str],
    scale: Scale = NO_SCALE,
) -> sdk.timeseries.Panel:
    """Lines over time, legend → expression, with a dashed line at each limit that is always in view."""
    scale = scale.shown_in(unit)
    panel = graph(
        panel_id,
        explained(text, scale, unit),
        unit,
        [Query(expr, legend) for legend, expr in queries.items()],
        scale.graph_steps(),
    )
    if unit == "percentunit":
        return share_axis(panel, scale)
    panel = panel.min(0)
    return panel.axis_soft_max(max(scale.values) * 1.2) if scale.values else panel


def share_axis(panel: sdk.timeseries.Panel, scale: Scale) -> sdk.timeseries.Panel:
    """The axis of a share: from the end that is good up to beyond the furthest limit, and with the data."""
    if not scale.values:
        return panel.min(0).max(1)
    if scale.low_is_bad:
        # Twice as far from 1 as the furthest limit is; a limit of 1 is no distance to go by.
        lowest = min(scale.values)
        below = max(1 - 2 * (1 - lowest), 0) if lowest < WIDEST else 0
        return panel.max(1).axis_soft_min(round(below, 6))
    return panel.min(0).axis_soft_max(round(min(max(scale.values) * 1.2, WIDEST), 6))


def colored(panel: sdk.timeseries.Panel, colors: Mapping[str, str]) -> sdk.timeseries.Panel:
    """Fixed colours for lines whose legend says what they mean: success, error."""
    for name, color in colors.items():
        fixed = {"mode": "fixed", "fixedColor": color}
        panel = panel.override_by_name(name, [setting("color", fixed)])
    return panel


def explained(text: Text, scale: Scale, unit: str) -> Text:
    """The text with a sentence on its limits."""
    words = scale.words(unit)
    if not words:
        return text
    return Text(
        title=text.title,
        meaning=text.meaning,
        formula=f"{text.formula} {words[:1].upper()}{words[1:]}.",
        action=text.action,
        no_value=text.no_value,
    )


@dataclasses.dataclass(frozen=True)
class Key:
    """The rows of a table: the values of a label, as long as the selected series are there."""

    label: str
    title: str
    selector: str

    def while_there(self, expr: str) -> str:
        """A rate outlives its series by its range, and would show a program that is gone."""
        return (
            f"({expr}) and on ({self.label}) count by ({self.label}) ({self.selector})"
            if "rate(" in expr
            else expr
        )


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table: a figure for each row, coloured by its limits."""

    title: str
    unit: str
    expr: str
    scale: Scale = NO_SCALE
    meanings: Mapping[str, tuple[str, str]] | None = None


def table(panel_id: int, text: Text, key: Key, columns: Sequence[Column]) -> sdk.table.Panel:
    """A row for each value of a label, a column for each figure."""
    label, title = key.label, key.title
    queries = [Query(key.while_there(column.expr), instant=True, table=True) for column in columns]
    panel = dress(sdk.table.Panel(), panel_id, text, unit="short", queries=queries, steps=[(None, MISSING)])
    fields = [f"Value #{chr(ord('A') + place)}" for place in range(len(columns))]
    for column in columns:
        settings = [setting("unit", column.unit), setting("decimals", decimals(column.unit))]
        scale = column.scale.shown_in(column.unit)
        if scale.limits or column.meanings:
            # The oldest Grafana knows this name only; newer ones turn it into their own on loading.
            settings.append(setting("custom.displayMode", "color-text"))
        if scale.limits:
            settings.append(threshold_setting(scale.number_steps()))
        if column.meanings:
            settings.append(setting("mappings", [words(column.meanings)]))
        panel = panel.override_by_name(column.title, settings)
    organize = {
        "excludeByName": {"Time": True},
        "indexByName": {name: place for place, name in enumerate([label, *fields])},
        "renameByName": {label: title, **dict(zip(fields, (c.title for c in columns), strict=True))},
    }
    transformation = sdk.dashboard_model.DataTransformerConfig
    return (
        panel.with_transformation(transformation(id_val="merge", options={}))
        .with_transformation(transformation(id_val="organize", options=organize))
        .sort_by([sdk.common.TableSortByFieldState().display_name(title).desc(False)])
    )


def decimals(unit: str) -> int:
    """How many decimals tell rows apart without noise."""
    return 0 if unit in {"none", "short"} else 2


HEIGHT = 8
TWO = 2


def row(*panels: sdk.timeseries.Panel | sdk.statetimeline.Panel) -> Band:
    """Panels side by side, as wide as one another, with the legend that their width leaves room for."""
    legend = beside() if len(panels) <= TWO else below()
    shown = [each.legend(legend) if isinstance(each, sdk.timeseries.Panel) else each for each in panels]
    return Band(HEIGHT, [(COLUMNS // len(panels), each) for each in shown])


def beside() -> sdk.common.VizLegendOptions:
    """A table at the right of a wide graph: the newest and the highest value of each line."""
    common = sdk.common_model
    return (
        sdk.common.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.RIGHT)
        .calcs(["lastNotNull", "max"])
    )


def below() -> sdk.common.VizLegendOptions:
    """A list below a narrow graph: the highest value of each line."""
    return list_legend().calcs(["max"])
