"""The SLA dashboard: its first screen answers "are we well?", the rows below say why not."""

# ruff: noqa: FBT003 (the SDK's builders take their flags by position)

from __future__ import annotations

from sla_worker.conventions import MINIMUM_COVERAGE

from . import expressions as ql
from . import names, sdk
from .definitions import Sla
from .layout import Band, Section, place
from .panels import (
    BUDGET_STEPS,
    COMPLIANCE_STEPS,
    GREEN,
    MISSING,
    RED,
    YELLOW,
    Query,
    Text,
    gauge,
    graph,
    setting,
    share_bars,
    sla_graph,
    stat,
    states,
    threshold_setting,
)
from .sla_table import sla_table

TITLE = "SLA Monitoring & Compliance"
PLATFORM_UPTIME_PANEL_ID = 21
"""Fixed: the Grafana alert rule links to this panel."""


def sla_dashboard(slas: list[Sla]) -> sdk.dashboard_model.Dashboard:
    """The whole dashboard, thresholds and target lines from the definitions."""
    built = (
        sdk.dashboard.Dashboard(TITLE)
        .uid(names.SLA_DASHBOARD_UID)
        .description("Are the promises kept, what is broken now, and how much error budget is left.")
        .tags([names.DASHBOARD_TAG, "sla"])
        .timezone("browser")
        .readonly()
        .time("now-24h", "now")
        .refresh("30s")
        .tooltip(sdk.dashboard_model.DashboardCursorSync.CROSSHAIR)
        .annotations([grafana_annotations(), firing_alerts()])
        .links([other_dashboards()])
        .build()
    )
    built.panels = place(
        [
            Section(10, "Overview: are we well?", overview(slas)),
            Section(20, "Availability", availability(slas)),
            Section(30, "Performance", performance(slas)),
            Section(40, "Reliability", reliability(slas)),
            Section(50, "Quality of the measurement", measurement(slas), collapsed=True),
        ]
    )
    return built


def overview(slas: list[Sla]) -> list[Band]:
    """The first screen."""
    compliance = gauge(
        11,
        Text(
            "Overall compliance",
            "Share of the SLAs that keep their target over the last 24 hours, as in the daily report.",
            "SLAs whose good events / all events reach the objective, divided by the measured SLAs.",
            "below 99 %, look for the red rows of the table below and open the row of their category.",
            "No fresh data",
        ),
        [Query(ql.overall_compliance(), "Compliance", instant=True)],
        COMPLIANCE_STEPS,
    )
    breaches = stat(
        12,
        Text(
            "Active breaches",
            "SLA breaches that are open now, of every severity.",
            f"sum of `{names.BREACHES}`, which the sla-worker counts from its ledger.",
            "above 0, find the SLA in the table below; its runbook says what to do first.",
            "No fresh data",
        ),
        "none",
        [Query(ql.active_breaches(), "Active breaches", instant=True)],
        [(None, MISSING), (0, GREEN), (1, RED)],
    )
    age = stat(
        14,
        Text(
            "Last measurement",
            "How old the figures of this dashboard are. The sla-worker measures every five minutes.",
            f"`time() - {names.LAST_MEASURED}`. Hidden after {names.STALE_AFTER_SECONDS // 60} minutes.",
            "yellow or red: see whether the sla-worker and Prometheus run, and read the sla-worker's log.",
            "Never",
        ),
        "s",
        [Query(ql.measurement_age(), "Age", instant=True)],
        [
            (None, MISSING),
            (0, GREEN),
            (names.STALE_AFTER_SECONDS * 2 / 3, YELLOW),
            (names.STALE_AFTER_SECONDS, RED),
        ],
    ).decimals(0)
    budget = share_bars(
        17,
        Text(
            "Error budget remaining",
            "What is left of each SLA's error budget: 100 % untouched, 0 % used up, below that overspent.",
            "1 - bad share / allowed share, over the budget's period, from the ledger of the sla-worker.",
            "below 25 %, put risky changes off; at 0 %, only work that restores the SLA.",
            "No fresh data",
        ),
        [Query(ql.budget_remaining(), "{{sla}}", instant=True)],
        BUDGET_STEPS,
    )
    for sla in slas:
        budget = budget.override_by_name(sla.key, [setting("displayName", sla.name)])
    first = [(5, compliance), (4, breaches), (5, meeting_stat()), (3, age), (7, breach_trend())]
    return [Band(5, first), Band(7, [(16, sla_table(16, slas)), (8, budget)])]


def meeting_stat() -> sdk.stat.Panel:
    """Three numbers: SLAs that meet their target, that miss it, that could not be measured."""
    text = Text(
        "SLAs meeting target",
        "How many SLAs meet their target in the newest slot, how many miss it, how many had no data.",
        "count of SLAs by status: excellent and good meet the target, poor and critical miss it.",
        "for a missed one see the table below; for one without data see whether the metrics still come in.",
        "No fresh data",
    )
    queries = [
        Query(ql.slas_meeting(), "Met", instant=True),
        Query(ql.slas_missing(), "Missed", instant=True),
        Query(ql.slas_unmeasured(), "No data", instant=True),
    ]
    panel = stat(13, text, "none", queries, [(None, MISSING), (0, RED), (1, GREEN)])
    for name, color in (("Missed", RED), ("No data", YELLOW)):
        # No colour at zero: nothing missed says little while nothing was measured.
        steps = threshold_setting([(None, MISSING), (0, "transparent"), (1, color)])
        panel = panel.override_by_name(name, [steps])
    return panel


def breach_trend() -> sdk.timeseries.Panel:
    """Open breaches of the last day."""
    common = sdk.common_model
    text = Text(
        "Breach trend, 24 h",
        "Open breaches by severity over the last 24 hours. Stay below the dashed line, the first breach.",
        f"`max_over_time({names.BREACHES}[step])`, summed by severity.",
        "when it rises, compare the moment with the alert marks on the graphs below.",
    )
    panel = graph(
        15,
        text,
        "none",
        [Query(ql.breach_trend(), "{{severity}}")],
        [(None, GREEN), (1, RED)],
    )
    return (
        panel.time_from("24h")
        .min(0)
        .axis_soft_max(2)
        .decimals(0)
        .line_interpolation(common.LineInterpolation.STEP_AFTER)
        .legend(
            sdk.common.VizLegendOptions()
            .show_legend(True)
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .calcs(["max"])
        )
    )


def availability(slas: list[Sla]) -> list[Band]:
    """Is it up, and which worker is not."""
    uptime = ql.find(slas, "platform-uptime")
    uptime_text = Text(
        f"{uptime.name} (target {uptime.target_text})",
        "Share of the last five minutes in which the platform answered its scrapes.",
        "scrapes that succeeded / scrapes that were made, 5 minutes.",
        "below the dashed yellow line, see whether the application runs; the page Targets of "
        "Prometheus has the error of the scrape.",
    )
    workers_text = Text(
        "Health of each worker",
        "Each agent worker over time. A gap means that nothing was measured.",
        f"lowest `{names.WORKER_HEALTH}` of each step: 1 healthy, 0 down.",
        "for a worker that is down, follow the runbook WorkerUnhealthy.",
    )
    workers = states(
        22,
        workers_text,
        [Query(ql.worker_health(), "{{worker_name}}")],
        {"0": ("Down", RED), "1": ("Healthy", GREEN)},
    )
    panel = sla_graph(PLATFORM_UPTIME_PANEL_ID, uptime_text, uptime, [Query(ql.actual(uptime), "Uptime")])
    return [Band(8, [(12, panel), (12, workers)])]


def performance(slas: list[Sla]) -> list[Band]:
    """How fast, and under which traffic."""
    p95 = ql.find(slas, "api-response-time-p95")
    p95_text = Text(
        f"{p95.name} (target {p95.target_text})",
        "The time within which 95 of 100 requests were answered, over the last five minutes.",
        "95th percentile of `insa_agent_request_duration_seconds`. A percentile is never averaged.",
        "above the dashed red line, follow the runbook HighLatencyP95; compare with the traffic beside it.",
        "No traffic",
    )
    requests_text = Text(
        "Requests by result",
        "The traffic that the figures of this dashboard rest on.",
        f"`rate({names.REQUESTS}[$__rate_interval])`, summed by status.",
        "at zero every ratio here loses its meaning: see whether callers still reach the platform.",
    )
    requests = graph(
        32, requests_text, "reqps", [Query(ql.requests_by_status(), "{{status}}")], [(None, MISSING)]
    )
    for status, color in (("success", GREEN), ("timeout", YELLOW), ("error", RED)):
        fixed = {"mode": "fixed", "fixedColor": color}
        requests = requests.override_by_name(status, [setting("color", fixed)])
    return [
        Band(8, [(12, sla_graph(31, p95_text, p95, [Query(ql.actual(p95), "P95")])), (12, requests.min(0))])
    ]


def reliability(slas: list[Sla]) -> list[Band]:
    """How much goes wrong."""
    errors = ql.find(slas, "api-error-rate")
    text = Text(
        f"{errors.name} (target {errors.target_text})",
        "Share of the requests of the last five minutes that ended in an error.",
        "requests with status error / all requests, 5 minutes.",
        "above the dashed red line, follow the runbook HighErrorRate.",
        "No traffic",
    )
    return [Band(8, [(24, sla_graph(41, text, errors, [Query(ql.actual(errors), "Error rate")]))])]


def measurement(slas: list[Sla]) -> list[Band]:
    """How far the figures can be trusted."""
    text = Text(
        "Coverage by SLA",
        "How much of the last five minutes was measured. Unmeasured time is never counted as uptime.",
        "scrapes that were there / scrapes that were expected, 5 minutes.",
        f"below {MINIMUM_COVERAGE:.0%} an interval judges nothing: see whether Prometheus was down or the "
        "scrape fails (Status, Targets in Prometheus).",
    )
    panel = graph(
        51,
        text,
        "percentunit",
        [Query(ql.coverage(), "{{sla}}")],
        [(None, RED), (MINIMUM_COVERAGE, YELLOW), (0.99, GREEN)],
    )
    for sla in slas:
        panel = panel.override_by_name(sla.key, [setting("displayName", sla.name)])
    return [Band(8, [(24, panel.min(0).max(1))])]


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
    """A mark on every graph while an alert fires. Watchdog always fires and would cover everything."""
    return (
        sdk.dashboard.AnnotationQuery()
        .name("Firing alerts")
        .datasource(sdk.common_model.DataSourceRef(type_val="prometheus", uid=names.DATASOURCE_UID))
        .enable(True)
        .icon_color(RED)
        .expr('ALERTS{alertstate="firing", alertname!="Watchdog"}')
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
