"""Kinds of panels that the SLA dashboard alone has."""

# ruff: noqa: FBT003 (the SDK's builders take their flags by position)

from __future__ import annotations

from collections.abc import Mapping

from .. import names, sdk
from ..panels import (
    RED,
    Query,
    Step,
    Text,
    by_threshold,
    dress,
    graph,
    list_legend,
    newest,
    nothing_measured,
    setting,
)
from .expressions import FOUR_WEEKS

EXHAUSTED = "Exhausted"

ALMOST_ALL, LESS_THAN_ALL = 0.999995, 1 - 1e-12
"""From here to there a share is shown as 100.000 % unless it is put in words."""


def exhausted() -> sdk.dashboard_model.RangeMap:
    """An error budget that is used up, by however much: -53025 % would say no more."""
    model = sdk.dashboard_model
    return model.RangeMap(
        model.DashboardRangeMapOptions(
            from_val=None, to=0, result=model.ValueMappingResult(text=EXHAUSTED, color=RED, index=1)
        )
    )


def almost_all() -> sdk.dashboard_model.RangeMap:
    """A share that three decimals would round up to 100 %, which it is not: one of 300,000 failed."""
    model = sdk.dashboard_model
    return model.RangeMap(
        model.DashboardRangeMapOptions(
            from_val=ALMOST_ALL, to=LESS_THAN_ALL, result=model.ValueMappingResult(text="> 99.999 %", index=1)
        )
    )


def long_enough() -> sdk.dashboard_model.RangeMap:
    """A time that is cut off at four weeks."""
    model = sdk.dashboard_model
    return model.RangeMap(
        model.DashboardRangeMapOptions(
            from_val=FOUR_WEEKS, to=None, result=model.ValueMappingResult(text="Over 4 weeks", index=1)
        )
    )


def bars(panel_id: int, text: Text, unit: str, queries: list[Query], steps: list[Step]) -> sdk.bargauge.Panel:
    """A bar each, the worst first, with their numbers."""
    common = sdk.common_model
    panel = dress(sdk.bargauge.Panel(), panel_id, text, unit=unit, queries=queries, steps=steps)
    return (
        panel.reduce_options(newest())
        .min(0)
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .value_mode(common.BarGaugeValueMode.COLOR)
        .show_unfilled(True)
        .color_scheme(by_threshold())
    )


def budget_bars(panel_id: int, text: Text, queries: list[Query], steps: list[Step]) -> sdk.bargauge.Panel:
    """Error budgets: one that is used up says so."""
    panel = bars(panel_id, text, "percentunit", queries, steps).max(1).decimals(1)
    return panel.mappings([nothing_measured(text.no_value), exhausted()])


def lines(
    panel_id: int,
    text: Text,
    unit: str,
    queries: list[Query],
    steps: list[Step],
) -> sdk.timeseries.Panel:
    """A graph whose legend is a list, which takes less room than a table."""
    return graph(panel_id, text, unit, queries, steps).legend(list_legend())


def history(panel_id: int, text: Text, queries: list[Query], steps: list[Step]) -> sdk.statushistory.Panel:
    """A cell for each series and step, coloured by its share."""
    common = sdk.common_model
    panel = dress(sdk.statushistory.Panel(), panel_id, text, unit="percentunit", queries=queries, steps=steps)
    return (
        panel.min(0)
        .max(1)
        .decimals(0)
        .show_value(common.VisibilityMode.NEVER)
        .row_height(0.9)
        .legend(list_legend().show_legend(False))
        .tooltip(
            sdk.common.VizTooltipOptions().mode(common.TooltipDisplayMode.SINGLE).sort(common.SortOrder.NONE)
        )
        .color_scheme(by_threshold())
    )


def rows(
    panel_id: int,
    text: Text,
    columns: Mapping[str, str],
    queries: list[str],
    *,
    sort: str | None = None,
) -> sdk.table.Panel:
    """A table of instant queries joined on their labels.

    `columns` gives fields their titles, from left to right; what it does not name is hidden. `sort` is the
    field by which rows ascend.
    """
    asked = [Query(expr, instant=True, table=True) for expr in queries]
    panel = dress(sdk.table.Panel(), panel_id, text, unit="short", queries=asked, steps=[(None, "text")])
    hidden = {"Time", *(field(position) for position in range(len(queries)))} - set(columns)
    panel = panel.with_transformation(transformation("merge", {}))
    if sort:
        by = {"fields": {}, "sort": [{"field": sort, "desc": False}]}
        panel = panel.with_transformation(transformation("sortBy", by))
    return panel.with_transformation(
        transformation(
            "organize",
            {
                "excludeByName": dict.fromkeys(sorted(hidden), True),
                "indexByName": {name: position for position, name in enumerate(columns)},
                "renameByName": dict(columns),
            },
        )
    )


def field(position: int) -> str:
    """The name that the datasource gives to the values of the query at that position."""
    return f"Value #{chr(ord('A') + position)}"


def transformation(name: str, options: Mapping[str, object]) -> sdk.dashboard_model.DataTransformerConfig:
    """A step that Grafana takes over the answers."""
    return sdk.dashboard_model.DataTransformerConfig(id_val=name, options=dict(options))


def sla_link(period: str = "${window}") -> sdk.dashboard_model.DynamicConfigValue:
    """From an SLA's name to its value and target over time, and to where its figures come from."""
    url = (
        f"/d/{names.SLA_DASHBOARD_UID}?viewPanel={DETAIL_PANEL}&var-sla=${{__value.raw}}"
        "&var-window=${window}&var-datasource=${datasource}&${__url_time_range}"
    )
    links = [
        {"title": "Value and target over time", "url": url},
        {
            "title": "Where its figures come from",
            "url": f"${{worker_url}}/explain?sla=${{__value.raw}}&period={period}",
            "targetBlank": True,
        },
    ]
    return setting("links", links)


DETAIL_PANEL = names.SLA_DETAIL_PANEL
"""The panel that shows one SLA, with all its components."""
