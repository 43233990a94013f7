"""Which dashboards there are: a new one is one line here, and a folder with its code."""

from __future__ import annotations

from collections.abc import Callable

from . import sdk
from .definitions import Sla
from .sla.dashboard import sla_dashboard

DASHBOARDS: tuple[Callable[[list[Sla]], sdk.dashboard_model.Dashboard], ...] = (sla_dashboard,)
"""Each makes its dashboard from the SLAs that the definitions hold."""
