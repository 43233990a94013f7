"""What every dashboard of the bundle has: settings, annotations, links to the others, and its rows."""

# ruff: noqa: FBT003 (the SDK's builders take their flags by position)

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sla_worker.conventions import WATCHDOG

from . import names, sdk, variables
from .layout import Section, place
from .panels import BLUE, RED, YELLOW


@dataclasses.dataclass(frozen=True)
class Identity:
    """What a dashboard is called; `description` is the question that it answers."""

    uid: str
    title: str
    description: str
    tag: str


def dashboard(
    identity: Identity, own_variables: Sequence[variables.Variable], sections: Sequence[Section]
) -> sdk.dashboard_model.Dashboard:
    """The dashboard; `own_variables` are those that its queries use, beside the datasource."""
    built = (
        sdk.dashboard.Dashboard(identity.title)
        .uid(identity.uid)
        .description(identity.description)
        .tags([names.DASHBOARD_TAG, identity.tag])
        .timezone("browser")
        .readonly()
        .time("now-24h", "now")
        .refresh("30s")
        .tooltip(sdk.dashboard_model.DashboardCursorSync.CROSSHAIR)
        .annotations([grafana_annotations(), firing_alerts(), breaches(), maintenance()])
        .links([other_dashboards(), *pages()])
        .build()
    )
    addresses = [variables.address("worker_url", "worker"), variables.address("prometheus_url", "prometheus")]
    built.templating = sdk.dashboard_model.DashboardDashboardTemplating(
        list_val=[variables.datasource(), *own_variables, *addresses]
    )
    built.panels = place(list(sections))
    return built


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
    """A mark on every graph while alerts fire: one for each severity, however many alerts that are.

    Each region is a coloured veil; thirty of them, one an alert, hide the graph. The Watchdog always fires
    and would cover everything.
    """
    firing = f'ALERTS{{alertstate="firing", alertname!="{WATCHDOG}"}}'
    return (
        _annotation("Firing alerts", RED)
        .expr(f"max by (severity) ({firing})")
        .title_format("Alerts firing: {{severity}}")
        .text_format("See the firing alerts in Alertmanager, or on the Alerts page of Prometheus.")
        .use_value_for_time(False)
    )


def breaches() -> sdk.dashboard.AnnotationQuery:
    """A line where each breach that still lasts began; a line, not a region, which would add to the alerts'.

    The value of the series is the moment, which Grafana wants in milliseconds.
    """
    return (
        _annotation("SLA breaches", YELLOW)
        .expr(f"max by (sla, severity) ({names.BREACH_START}) * 1000")
        .title_format("Breach began: {{sla}}")
        .text_format("severity {{severity}}")
        .use_value_for_time(True)
    )


def maintenance() -> sdk.dashboard.AnnotationQuery:
    """A mark while a maintenance window lasts; what fails then does not count for the SLAs it names."""
    return (
        _annotation("Maintenance", BLUE)
        .expr(f"max({names.MAINTENANCE})")
        .title_format("Maintenance window")
        .text_format("See its SLAs, author and reason with: make sla-maintenance")
        .use_value_for_time(False)
    )


def _annotation(name: str, color: str) -> sdk.dashboard.AnnotationQuery:
    return (
        sdk.dashboard.AnnotationQuery()
        .name(name)
        .datasource(sdk.common_model.DataSourceRef(type_val="prometheus", uid=names.DATASOURCE))
        .enable(True)
        .icon_color(color)
        .step("60s")
        .tag_keys("severity")
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


def pages() -> list[sdk.dashboard.DashboardLink]:
    """Links to pages outside of Grafana, whose addresses the sla-worker tells."""
    return [
        _page("Status page", "${worker_url}/", "What the SLAs are now, for everybody"),
        _page("Runbooks", "${worker_url}/runbooks/", "What to do about each alert"),
        _page("Prometheus", "${prometheus_url}/", "Queries, targets and alerts"),
    ]


def _page(title: str, url: str, tooltip: str) -> sdk.dashboard.DashboardLink:
    return (
        sdk.dashboard.DashboardLink(title)
        .type(sdk.dashboard_model.DashboardLinkType.LINK)
        .url(url)
        .tooltip(tooltip)
        .icon("external link")
        .as_dropdown(False)
        .keep_time(False)
        .include_vars(False)
        .target_blank(True)
    )
