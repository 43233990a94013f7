"""The SLA dashboard: its first screen answers "are we healthy?", the rows below say why not."""

from __future__ import annotations

from .. import names, sdk, variables
from ..definitions import Sla
from ..frame import Identity, dashboard
from .budgets import budgets
from .categories import category_sections, has_workers
from .detail import details, measurement
from .month import month
from .overview import overview

IDENTITY = Identity(
    uid=names.SLA_DASHBOARD_UID,
    title="SLA Monitoring & Compliance",
    description="Which SLAs are met, what is broken now, and how much error budget is left.",
    tag="sla",
)


def sla_dashboard(slas: list[Sla]) -> sdk.dashboard_model.Dashboard:
    """The whole dashboard, thresholds and target lines from the definitions."""
    chosen = [variables.window(), variables.category(), variables.sla()]
    sections = [
        overview(slas),
        budgets(),
        *category_sections(slas),
        month(slas),
        details(),
        measurement(),
    ]
    if has_workers(slas):
        chosen.append(variables.worker())
    return dashboard(IDENTITY, chosen, sections)
