"""Places panels on Grafana's grid of 24 columns, row by row, without gaps."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol

from . import sdk
from .definitions import DashboardError

COLUMNS = 24


class Buildable(Protocol):
    """A panel builder of the SDK."""

    def build(self) -> Any: ...


@dataclasses.dataclass(frozen=True)
class Band:
    """Panels side by side: (width in columns, builder). A unit of height is about 38 pixels."""

    height: int
    panels: Sequence[tuple[int, Buildable]]


@dataclasses.dataclass(frozen=True)
class Section:
    """A titled row of the dashboard with its bands. A collapsed one loads its panels when it is opened.

    `repeat` names a variable: Grafana shows the row once for each of its chosen values.
    """

    panel_id: int
    title: str
    bands: list[Band]
    collapsed: bool = False
    repeat: str | None = None


PlacedPanel = sdk.dashboard_model.Panel | sdk.dashboard_model.RowPanel


def place(sections: list[Section]) -> list[PlacedPanel]:
    """All rows and panels with their places; DashboardError when a band does not fill the 24 columns."""
    placed: list[PlacedPanel] = []
    y = 0
    for section in sections:
        row = sdk.dashboard_model.RowPanel(
            title=section.title,
            id_val=section.panel_id,
            collapsed=section.collapsed,
            repeat=section.repeat,
            grid_pos=sdk.dashboard_model.GridPos(h=1, w=COLUMNS, x=0, y=y),
        )
        placed.append(row)
        panels, below = place_bands(section, y + 1)
        if section.collapsed:
            row.panels = panels
            y += 1  # only its title takes room
        else:
            placed.extend(panels)
            y = below
    return placed


def place_bands(section: Section, y: int) -> tuple[list[sdk.dashboard_model.Panel], int]:
    """The section's panels with their places, beginning at `y`, and the first free `y` below them."""
    panels: list[sdk.dashboard_model.Panel] = []
    for band in section.bands:
        width = sum(width for width, _ in band.panels)
        if width != COLUMNS:
            raise DashboardError(f"row {section.title!r}: a band is {width} columns wide, make it {COLUMNS}")
        x = 0
        for columns, builder in band.panels:
            panel: sdk.dashboard_model.Panel = builder.build()
            panel.grid_pos = sdk.dashboard_model.GridPos(h=band.height, w=columns, x=x, y=y)
            panels.append(panel)
            x += columns
        y += band.height
    return panels, y
