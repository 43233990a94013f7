"""Where mails and pages lead: words and their addresses."""

from __future__ import annotations

from sla_worker.conventions import SLA_DASHBOARD_UID
from sla_worker.settings import Settings


def report_links(settings: Settings) -> dict[str, str]:
    """The links of a report."""
    return {
        "SLA dashboard": f"{settings.grafana_public_url}/d/{SLA_DASHBOARD_UID}",
        "Status page": f"{settings.worker_public_url}/",
        "Prometheus": f"{settings.prometheus_public_url}/",
    }


def page_links(settings: Settings) -> dict[str, str]:
    """The links of the status page."""
    links = {**report_links(settings), "Runbooks": "/runbooks/", "Metrics": "/metrics"}
    del links["Status page"]
    return links


def outage_links(settings: Settings) -> dict[str, str]:
    """The links of the mails about the Watchdog: what to look at first comes first."""
    return {
        "Runbook": f"{settings.worker_public_url}/runbooks/Watchdog",
        "Prometheus": f"{settings.prometheus_public_url}/alerts",
        "Alertmanager": f"{settings.alertmanager_public_url}/",
        "Status page": f"{settings.worker_public_url}/",
    }
