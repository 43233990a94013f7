"""Which dashboards there are: a new one is one line here, and a folder with its code."""

from __future__ import annotations

from collections.abc import Callable

from . import sdk
from .agents.dashboard import agents_dashboard
from .definitions import Sla
from .errors.dashboard import errors_dashboard
from .sla.dashboard import sla_dashboard
from .workers.dashboard import workers_dashboard

DASHBOARDS: tuple[Callable[[list[Sla]], sdk.dashboard_model.Dashboard], ...] = (
    sla_dashboard,
    agents_dashboard,
    workers_dashboard,
    errors_dashboard,
)
"""Each makes its dashboard from the SLAs that the definitions hold."""
