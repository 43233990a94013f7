"""What every dashboard of the bundle has: marks of firing alerts, and links to the others."""

# ruff: noqa: FBT003 (the SDK's builders take their flags by position)

from __future__ import annotations

from sla_worker.conventions import WATCHDOG

from . import names, sdk
from .panels import RED


def grafana_annotations() -> sdk.dashboard.AnnotationQuery:
    """Grafana's own annotations, which every dashboard has."""
    return (
        sdk.dashboard.AnnotationQuery()
        .name("Annotations & Alerts")
        .built_in(1)
        .datasource(sdk.common_model.DataSourceRef(type_val="grafana", uid="-- Grafana --"))
        .enable(True)
        .hide(True)
        .icon_color("rgba(0, 211, 255, 1)")
        .type("dashboard")
    )


def firing_alerts() -> sdk.dashboard.AnnotationQuery:
    """A mark on every graph while an alert fires; the Watchdog always fires and would cover everything."""
    return (
        sdk.dashboard.AnnotationQuery()
        .name("Firing alerts")
        .datasource(sdk.common_model.DataSourceRef(type_val="prometheus", uid=names.DATASOURCE_UID))
        .enable(True)
        .icon_color(RED)
        .expr(f'ALERTS{{alertstate="firing", alertname!="{WATCHDOG}"}}')
        .step("60s")
        .title_format("{{alertname}}")
        .text_format("{{severity}} {{component}} {{worker_name}}")
        .tag_keys("severity,component")
        .use_value_for_time(False)
    )


def other_dashboards() -> sdk.dashboard.DashboardLink:
    """Links to the bundle's other dashboards, with the same time range and variables."""
    model = sdk.dashboard_model
    return (
        sdk.dashboard.DashboardLink("INSA dashboards")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags([names.DASHBOARD_TAG])
        .icon("external link")
        .as_dropdown(False)
        .keep_time(True)
        .include_vars(True)
        .target_blank(False)
    )
