"""The keys of a dashboard that every supported Grafana knows, from 9.4 to 13.

A key that 9.4 does not know does nothing there, so a panel would look different with each version. The lists
are what @grafana/schema 9.4 has, and what 9.4 reads beside it: options of panels, fields of the Prometheus
datasource.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .queries import panels


def words(text: str) -> frozenset[str]:
    """The words of a text, each once."""
    return frozenset(text.split())


DASHBOARD = words(
    "annotations description editable fiscalYearStartMonth graphTooltip links liveNow panels refresh"
    " schemaVersion style tags templating time timepicker timezone title uid weekStart"
)
SECOND_MODEL = words(
    "apiVersion kind spec metadata elements layout variables timeSettings cursorSync preload status"
)
"""Keys of the newer model of dashboards, which file provisioning refuses."""

OF_ONE_GRAFANA = words("id version __inputs __requires")
"""Keys that a single Grafana sets, or asks for at an import; a rule of their own refuses them."""

ROW = words("collapsed datasource gridPos id panels repeat title type")
PANEL = words(
    "datasource description fieldConfig gridPos hideTimeOverride id interval links maxDataPoints maxPerRow"
    " options pluginVersion repeat repeatDirection targets timeFrom timeShift title transformations"
    " transparent type"
)
FIELD = words(
    "color custom decimals description displayName filterable links mappings max min noValue thresholds unit"
)
TARGET = words(
    "datasource editorMode exemplar expr format hide instant interval intervalFactor legendFormat range refId"
)
VARIABLE = words(
    "allValue current datasource definition description hide includeAll label multi name options query"
    " refresh regex skipUrlSync sort type"
)
LINK = words("asDropdown icon includeVars keepTime tags targetBlank title tooltip type url")
ANNOTATION = words(
    "builtIn datasource enable expr hide iconColor name step tagKeys target textFormat titleFormat type"
    " useValueForTime"
)

LEGEND = words("asTable calcs displayMode isVisible placement showLegend sortBy sortDesc width")
TOOLTIP = words("mode sort")
REDUCED = words("calcs fields limit values")
NESTED = {"legend": LEGEND, "tooltip": TOOLTIP, "reduceOptions": REDUCED}
"""Options that are themselves objects of a fixed form, whatever the panel (a heatmap's are its own)."""

OPTIONS = {
    "bargauge": words(
        "displayMode minVizHeight minVizWidth orientation reduceOptions showUnfilled text valueMode"
    ),
    "gauge": words("orientation reduceOptions showThresholdLabels showThresholdMarkers text"),
    "heatmap": words(
        "calculate calculation cellGap cellRadius cellValues color exemplars filterValues legend rowsFrame"
        " showValue tooltip xAxis yAxis"
    ),
    "stat": words("colorMode graphMode justifyMode orientation reduceOptions text textMode"),
    "state-timeline": words("alignValue legend mergeValues rowHeight showValue timezone tooltip"),
    "status-history": words("colWidth legend rowHeight showValue timezone tooltip"),
    "table": words("frameIndex showHeader sortBy"),
    "text": words("code content mode"),
    "timeseries": words("legend timezone tooltip"),
}
"""Each type of panel that a dashboard may have, and its options."""

LINES = words("fillOpacity hideFrom lineWidth")
CUSTOM = {
    "heatmap": words("hideFrom scaleDistribution"),
    "state-timeline": LINES,
    "status-history": LINES,
    "table": words("align cellOptions displayMode filterable hidden inspect minWidth width"),
    "timeseries": LINES
    | words(
        "axisCenteredZero axisColorMode axisGridShow axisLabel axisPlacement axisSoftMax axisSoftMin"
        " axisWidth barAlignment barMaxWidth barWidthFactor drawStyle fillBelowTo fillColor gradientMode"
        " lineColor lineInterpolation lineStyle pointColor pointSize pointSymbol scaleDistribution showPoints"
        " spanNulls stacking thresholdsStyle transform"
    ),
}
"""The settings of fields that a type of panel has of its own; none for the others."""

TRANSFORMATIONS = words(
    "calculateField concatenate convertFieldType extractFields filterByValue filterFieldsByName"
    " filterByRefId groupBy joinByField labelsToFields limit merge organize partitionByValues"
    " prepareTimeSeries reduce renameByRegex rowsToFields seriesToRows sortBy"
)


def strip(dashboard: dict[str, Any]) -> None:
    """Takes away what the SDK adds and 9.4 does not know; newer Grafanas have a good default for each."""
    for items, known in (
        (dashboard["templating"].get("list", []), VARIABLE),
        (dashboard["links"], LINK),
        (dashboard["annotations"]["list"], ANNOTATION),
    ):
        for item in items:
            keep(item, known)
    for panel in panels(dashboard):
        keep(panel["options"], OPTIONS.get(panel["type"], frozenset()))


def keep(item: dict[str, Any], known: frozenset[str]) -> None:
    """Leaves the known keys alone in it."""
    for key in item.keys() - known:
        del item[key]


def unknown(dashboard: Mapping[str, Any]) -> Iterator[str]:
    """Every key that the oldest supported Grafana does not know, and every one of the newer model."""
    for key in sorted(SECOND_MODEL & dashboard.keys()):
        yield f"{key} belongs to the newer model of dashboards, which provisioning refuses: leave it out"
    yield from beyond("dashboard", dashboard, DASHBOARD | SECOND_MODEL | OF_ONE_GRAFANA)
    for name, items, known in (
        ("variable", dashboard.get("templating", {}).get("list", []), VARIABLE),
        ("link", dashboard.get("links", []), LINK),
        ("annotation", dashboard.get("annotations", {}).get("list", []), ANNOTATION),
    ):
        for item in items:
            yield from beyond(f"{name} {item.get('name') or item.get('title')!r}", item, known)
    for row in dashboard.get("panels", []):
        if row["type"] == "row":
            yield from beyond(f"row {row['title']!r}", row, ROW)
    for panel in panels(dashboard):
        yield from of_panel(panel)


def of_panel(panel: Mapping[str, Any]) -> Iterator[str]:
    """The panel's own keys, and those of its fields, overrides, targets, transformations and options."""
    where, kind = f"panel {panel['id']} {panel['title']!r}", panel["type"]
    if kind not in OPTIONS:
        yield f"{where}: type {kind!r} is not one of {', '.join(sorted(OPTIONS))}"
        return
    yield from beyond(where, panel, PANEL)
    options, fields = panel.get("options", {}), panel.get("fieldConfig", {})
    yield from beyond(f"{where}: options", options, OPTIONS[kind])
    for name, known in NESTED.items():
        if kind != "heatmap" and name in options:
            yield from beyond(f"{where}: options.{name}", options[name], known)
    defaults, custom = fields.get("defaults", {}), CUSTOM.get(kind, frozenset())
    yield from beyond(f"{where}: defaults", defaults, FIELD)
    yield from beyond(f"{where}: custom", defaults.get("custom", {}), custom)
    of_overrides = FIELD | {f"custom.{key}" for key in custom}
    for override in fields.get("overrides", []):
        yield from beyond(f"{where}: override", [each["id"] for each in override["properties"]], of_overrides)
    for target in panel.get("targets", []):
        yield from beyond(f"{where}: query {target.get('refId')}", target, TARGET)
    ids = [each["id"] for each in panel.get("transformations", [])]
    yield from beyond(f"{where}: transformation", ids, TRANSFORMATIONS)


def beyond(where: str, keys: Collection[str], known: frozenset[str]) -> Iterator[str]:
    """A line for each key that is not known."""
    for key in sorted(set(keys) - known):
        yield f"{where}: Grafana 9.4 does not know {key!r}: leave it out"
