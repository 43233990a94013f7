"""The house style of panels: colours, thresholds, queries, and one function for each kind of panel.

Two rules hold everywhere. Missing telemetry never looks green: the lowest step of a value's thresholds is
never green, and each panel says what an empty answer means. And colour is never the only sign: a number or a
word stands beside it.
"""

# ruff: noqa: FBT003 (the SDK's builders take their flags by position)

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

from sla_worker.conventions import BUDGET_LOW, BUDGET_SPENT, SCORE_GOOD, SCORE_POOR

from . import names, sdk
from .definitions import ALL, NOTHING, Sla

GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"
MISSING = "text"
"""The theme's neutral colour, for what was not measured."""

DATASOURCE = sdk.common_model.DataSourceRef(type_val="prometheus", uid=names.DATASOURCE)

Step = tuple[float | None, str]
"""Where a colour begins; None is minus infinity and stands first."""

# A score is the share of the measured SLAs that keep their target; mails colour it by the same limits.
SCORE_STEPS: list[Step] = [(None, MISSING), (0, RED), (SCORE_POOR, YELLOW), (SCORE_GOOD, GREEN)]

# An overspent budget is below 0, so red has no lower end here.
BUDGET_STEPS: list[Step] = [(None, RED), (BUDGET_SPENT, YELLOW), (BUDGET_LOW, GREEN)]


@dataclasses.dataclass(frozen=True)
class Query:
    """One PromQL expression. `instant` asks for the newest value alone; `table` gives one row a series."""

    expr: str
    legend: str = ""
    instant: bool = False
    table: bool = False


@dataclasses.dataclass(frozen=True)
class Text:
    """The words of a panel; the description is shown on hover."""

    title: str
    meaning: str
    formula: str
    action: str
    no_value: str = "No data"

    @property
    def description(self) -> str:
        """Markdown: meaning, formula, what to do."""
        return f"{self.meaning}\n\n**Formula:** {self.formula}\n\n**What to do:** {self.action}"


class PanelBuilder(Protocol):
    """What every panel builder of the SDK has in common."""

    def id(self, id_val: int) -> Self: ...
    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def datasource(self, datasource: sdk.common_model.DataSourceRef) -> Self: ...
    def targets(self, targets: list[Any]) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def no_value(self, no_value: str) -> Self: ...
    def thresholds(self, thresholds: Any) -> Self: ...
    def mappings(self, mappings: list[sdk.dashboard_model.ValueMapping]) -> Self: ...


P = TypeVar("P", bound=PanelBuilder)


def dress(builder: P, panel_id: int, text: Text, *, unit: str, queries: list[Query], steps: list[Step]) -> P:
    """Sets what every panel has: identity, words, unit, datasource, queries and thresholds."""
    return (
        builder.id(panel_id)
        .title(text.title)
        .description(text.description)
        .datasource(DATASOURCE)
        .targets([target(chr(ord("A") + position), query) for position, query in enumerate(queries)])
        .unit(unit)
        .no_value(text.no_value)
        .thresholds(thresholds(steps))
        .mappings([nothing_measured(text.no_value)])
    )


def target(ref_id: str, query: Query) -> sdk.prometheus.Dataquery:
    """A query as the datasource takes it."""
    built = (
        sdk.prometheus.Dataquery()
        .ref_id(ref_id)
        .datasource(DATASOURCE)
        .expr(query.expr)
        .legend_format(query.legend or "__auto")
        .editor_mode(sdk.prometheus_model.QueryEditorMode.CODE)
    )
    if query.table:
        built = built.format(sdk.prometheus_model.PromQueryFormat.TABLE)
    return built.instant() if query.instant else built.range()


def thresholds(steps: list[Step]) -> sdk.dashboard.ThresholdsConfig:
    """Absolute thresholds in the panel's own unit."""
    model = sdk.dashboard_model
    return (
        sdk.dashboard.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=value, color=color) for value, color in steps])
    )


def threshold_setting(steps: list[Step]) -> sdk.dashboard_model.DynamicConfigValue:
    """Thresholds for some fields of a panel only."""
    return setting("thresholds", thresholds(steps).build())


def nothing_measured(text: str) -> sdk.dashboard_model.SpecialValueMap:
    """Shows null and NaN as words in a neutral colour, never as a number."""
    model = sdk.dashboard_model
    return model.SpecialValueMap(
        model.DashboardSpecialValueMapOptions(
            match=model.SpecialValueMatch.NULL_AND_NAN,
            result=model.ValueMappingResult(text=text, color=MISSING, index=0),
        )
    )


def words(meanings: Mapping[str, tuple[str, str | None]]) -> sdk.dashboard_model.ValueMap:
    """Values shown as words: value → (text, colour or None for the column's own)."""
    results = {
        value: sdk.dashboard_model.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(meanings.items(), start=1)
    }
    return sdk.dashboard_model.ValueMap(results)


def sla_steps(sla: Sla) -> list[Step]:
    """Green while a value is excellent, yellow up to the target, red once it is missed.

    A target that allows nothing (100 %, or 0) has no yellow.
    """
    target, warning = float(sla.target), float(sla.warning)
    yellow: list[Step] = [] if target == warning else [(target if sla.higher_is_better else warning, YELLOW)]
    if sla.higher_is_better:
        return [(None, RED), *yellow, (warning, GREEN)]
    return [(None, GREEN), *yellow, (target, RED)]


def newest() -> sdk.common.ReduceDataOptions:
    """The newest value; nothing when it is missing, as an older one would look current."""
    return sdk.common.ReduceDataOptions().calcs(["last"]).values(False).fields("")


def stat(panel_id: int, text: Text, unit: str, queries: list[Query], steps: list[Step]) -> sdk.stat.Panel:
    """A number on a background in the threshold's colour."""
    common = sdk.common_model
    panel = dress(sdk.stat.Panel(), panel_id, text, unit=unit, queries=queries, steps=steps)
    return (
        panel.reduce_options(newest())
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.BACKGROUND)
        .justify_mode(common.BigValueJustifyMode.AUTO)
        .text_mode(common.BigValueTextMode.AUTO)
        .orientation(common.VizOrientation.AUTO)
        .color_scheme(by_threshold())
    )


def gauge(panel_id: int, text: Text, queries: list[Query], steps: list[Step]) -> sdk.gauge.Panel:
    """A share from 0 to 1 on a dial."""
    panel = dress(sdk.gauge.Panel(), panel_id, text, unit="percentunit", queries=queries, steps=steps)
    return (
        panel.reduce_options(newest())
        .min(0)
        .max(1)
        .decimals(2)
        .show_threshold_markers(True)
        .show_threshold_labels(False)
        .color_scheme(by_threshold())
    )


def share_bars(panel_id: int, text: Text, queries: list[Query], steps: list[Step]) -> sdk.bargauge.Panel:
    """Shares from 0 to 1, a bar each, with their numbers."""
    common = sdk.common_model
    panel = dress(sdk.bargauge.Panel(), panel_id, text, unit="percentunit", queries=queries, steps=steps)
    return (
        panel.reduce_options(newest())
        .min(0)
        .max(1)
        .decimals(1)
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .value_mode(common.BarGaugeValueMode.COLOR)
        .show_unfilled(True)
        .color_scheme(by_threshold())
    )


def graph(
    panel_id: int, text: Text, unit: str, queries: list[Query], steps: list[Step]
) -> sdk.timeseries.Panel:
    """Lines over time, dashed lines where the thresholds are, gaps where nothing was measured."""
    common = sdk.common_model
    panel = dress(sdk.timeseries.Panel(), panel_id, text, unit=unit, queries=queries, steps=steps)
    return (
        panel.thresholds_style(
            sdk.common.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
        .draw_style(common.GraphDrawStyle.LINE)
        .line_interpolation(common.LineInterpolation.LINEAR)
        .line_width(1)
        .fill_opacity(10)
        .show_points(common.VisibilityMode.AUTO)
        .span_nulls(False)
        .legend(table_legend())
        .tooltip(
            sdk.common.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
        .color_scheme(sdk.dashboard.FieldColor().mode(sdk.dashboard_model.FieldColorModeId.PALETTE_CLASSIC))
    )


def sla_graph(panel_id: int, text: Text, sla: Sla, queries: list[Query]) -> sdk.timeseries.Panel:
    """A graph of an SLA's actual value with its target line, which is always visible.

    The axis covers at least five times the allowance of a share, or a fifth beyond any other target, and
    grows with the data.
    """
    unit = {"ratio": "percentunit", "seconds": "s"}.get(sla.unit, "short")
    panel = graph(panel_id, text, unit, queries, sla_steps(sla))
    if sla.unit != "ratio":
        return panel.min(0).axis_soft_max(float(sla.target * 6 / 5))
    if sla.higher_is_better:
        return panel.max(1).axis_soft_min(float(max(1 - (1 - sla.target) * 5, NOTHING)))
    return panel.min(0).axis_soft_max(float(min(sla.target * 5, ALL)))


def states(panel_id: int, text: Text, queries: list[Query], meanings: Mapping[str, tuple[str, str]]) -> Any:
    """A band for each series, coloured and named by its value; a gap where nothing was measured.

    The colours are those of the words: by thresholds, Grafana would write "1+" in a band of equal values.
    """
    common = sdk.common_model
    steps: list[Step] = [
        (None, MISSING),
        *((float(value), color) for value, (_, color) in sorted(meanings.items())),
    ]
    panel = dress(sdk.statetimeline.Panel(), panel_id, text, unit="short", queries=queries, steps=steps)
    return (
        panel.mappings([words(meanings)])
        .merge_values(True)
        .show_value(common.VisibilityMode.AUTO)
        .row_height(0.8)
        .legend(list_legend())
        .tooltip(
            sdk.common.VizTooltipOptions().mode(common.TooltipDisplayMode.SINGLE).sort(common.SortOrder.NONE)
        )
        .color_scheme(fixed_color(MISSING))
    )


def list_legend() -> sdk.common.VizLegendOptions:
    """The names side by side below the graph."""
    common = sdk.common_model
    return (
        sdk.common.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .calcs([])
    )


def table_legend() -> sdk.common.VizLegendOptions:
    """A table below the graph: newest, mean and highest value of each line."""
    common = sdk.common_model
    return (
        sdk.common.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "mean", "min", "max"])
    )


def by_threshold() -> sdk.dashboard.FieldColor:
    """Colours by the panel's thresholds."""
    return sdk.dashboard.FieldColor().mode(sdk.dashboard_model.FieldColorModeId.THRESHOLDS)


def fixed_color(color: str) -> sdk.dashboard.FieldColor:
    """One colour, unless a mapping gives another."""
    return sdk.dashboard.FieldColor().mode(sdk.dashboard_model.FieldColorModeId.FIXED).fixed_color(color)


def setting(name: str, value: object) -> sdk.dashboard_model.DynamicConfigValue:
    """One setting of an override."""
    return sdk.dashboard_model.DynamicConfigValue(id_val=name, value=value)
