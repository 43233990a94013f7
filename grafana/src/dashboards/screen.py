"""What fits on the screen: titles in their panels, legends in theirs, states with their words.

Measured in Grafana 12.4 on a screen 1600 pixels wide with the menu open, which leaves 1268 pixels for the 24
columns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .queries import VARIABLE

# A panel of w columns is 45.2 w + 8 (w - 1) pixels wide; of h units 30 h + 8 (h - 1) high.
COLUMN, UNIT, GAP = 45.2, 30, 8

BESIDE_TITLE = 96
"""Pixels of a title's line that margins, the info icon and the menu take."""
TIME_BADGE, LINK_ICON = 130, 32
"""… and those that "Last 7 days" takes beside a panel with a time of its own, and the icon of links."""
LETTER = 7.5
"""Pixels of a letter of a title, on average; a panel of 4 columns shows 14 letters, or 11 and dots."""
LETTERS_OF_A_VARIABLE = 24
"""The longest name that a variable of a title stands for: Average Session Duration."""

HEADER_AND_MARGINS = 50
LEGEND_SHARE = 0.35
"""Of what is left of a panel below its title, a legend at the bottom gets so much."""
LIST_LINE, TABLE_LINE, TABLE_HEAD, LEGEND_MARGIN = 21.5, 23, 24, 8
ENTRY, LEGEND_LETTER, CALCULATION = 34, 6.5, 60
"""Pixels of a list's entry, of each of its letters, and of each figure behind its name."""
SERIES_BY_LABEL = 4
"""How many series a query stands for whose legend names a label: workers, severities, caches."""


def problems(panel: Mapping[str, Any]) -> Iterator[str]:
    """What Grafana would cut or hide of a panel."""
    yield from title_problems(panel)
    yield from legend_problems(panel)
    yield from mapping_problems(panel)


def width(columns: int) -> float:
    """Pixels of a panel of so many columns."""
    return columns * COLUMN + (columns - 1) * GAP


def height(units: int) -> int:
    """Pixels of a panel of so many units of height."""
    return units * UNIT + (units - 1) * GAP


def letters(panel: Mapping[str, Any]) -> int:
    """How long the title may be."""
    beside = BESIDE_TITLE
    if panel.get("timeFrom") and not panel.get("hideTimeOverride"):
        beside += TIME_BADGE
    if panel.get("links"):
        beside += LINK_ICON
    return max(0, math.floor((width(panel["gridPos"]["w"]) - beside) / LETTER))


def title_problems(panel: Mapping[str, Any]) -> Iterator[str]:
    """The title is not cut."""
    length = len(VARIABLE.sub("x" * LETTERS_OF_A_VARIABLE, panel["title"]))
    if length > (room := letters(panel)):
        yield (
            f"the title has {length} letters, and {panel['gridPos']['w']} columns show {room}: "
            "shorten it or widen the panel"
        )


def legend_problems(panel: Mapping[str, Any]) -> Iterator[str]:
    """Every entry of the legend is seen without scrolling."""
    legend = panel.get("options", {}).get("legend") or {}
    if not legend.get("showLegend") or "displayMode" not in legend:
        return
    entries = [entry for target in panel.get("targets", []) for entry in entries_of(target)]
    lines = len(entries) if legend["displayMode"] == "table" else list_lines(panel, entries)
    if lines > (room := legend_lines(panel)):
        yield (
            f"the legend needs {lines} lines, and a panel {panel['gridPos']['h']} units high shows {room}: "
            "make it higher, or put the legend to the right"
        )


def entries_of(target: Mapping[str, Any]) -> list[str]:
    """The legend's entries of a query: its fixed text, or one for each series that it may have."""
    legend = target.get("legendFormat") or "__auto"
    if legend != "__auto" and "{{" not in legend:
        return [legend]
    return [re.sub(r"\{\{[^}]*\}\}|__auto", "x" * 10, legend)] * SERIES_BY_LABEL


def list_lines(panel: Mapping[str, Any], entries: list[str]) -> int:
    """Lines of a legend that is a list: side by side at the bottom, below one another at the right."""
    legend = panel["options"]["legend"]
    if legend.get("placement") == "right":
        return len(entries)
    figures = len(legend.get("calcs") or []) * CALCULATION
    room = width(panel["gridPos"]["w"]) - 2 * LEGEND_MARGIN
    lines, taken = 1, 0.0
    for entry in entries:
        wide = ENTRY + len(entry) * LEGEND_LETTER + figures
        if taken and taken + wide > room:
            lines, taken = lines + 1, 0.0
        taken += wide
    return lines


def legend_lines(panel: Mapping[str, Any]) -> int:
    """How many lines of the legend are seen."""
    legend = panel["options"]["legend"]
    room = float(height(panel["gridPos"]["h"]) - HEADER_AND_MARGINS)
    if legend.get("placement") != "right":
        room = room * LEGEND_SHARE - LEGEND_MARGIN
    if legend["displayMode"] == "table":
        return math.floor((room - TABLE_HEAD) / TABLE_LINE)
    return math.floor(room / LIST_LINE)


def mapping_problems(panel: Mapping[str, Any]) -> Iterator[str]:
    """Values that were not measured read as noValue says, and states by their own words.

    A mapping for null wins over noValue. In a state timeline it paints gaps, and colours by thresholds bypass
    the mappings as soon as equal values are merged: the words become "1+".
    """
    defaults = panel["fieldConfig"]["defaults"]
    for mapping in defaults.get("mappings") or []:
        if mapping["type"] != "special" or "null" not in mapping["options"]["match"]:
            continue
        if panel["type"] == "state-timeline":
            yield "a mapping for null paints the gaps of a state timeline: leave it out"
        elif (text := mapping["options"]["result"].get("text")) != defaults.get("noValue"):
            yield f"a mapping shows null as {text!r}, so noValue {defaults.get('noValue')!r} is never seen"
    by_thresholds = (defaults.get("color") or {}).get("mode") == "thresholds"
    if panel["type"] == "state-timeline" and by_thresholds and panel["options"].get("mergeValues"):
        yield "merged states coloured by thresholds show ranges, not words: take a fixed colour or a palette"
