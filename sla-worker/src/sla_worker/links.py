"""Where mails and pages lead: words and their addresses."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlencode

from sla_worker.conventions import SLA_DASHBOARD_UID, SLA_DETAIL_PANEL
from sla_worker.model import Breach
from sla_worker.settings import Settings

_AROUND_SECONDS = 3600  # so much before and after a breach is shown with it


def report_links(settings: Settings, team: str | None = None) -> dict[str, str]:
    """The links of a report, of a team's to its part of the page."""
    return {
        "SLA dashboard": f"{settings.grafana_public_url}/d/{SLA_DASHBOARD_UID}",
        "Status page": f"{settings.worker_public_url}/{f'?team={team}' if team else ''}",
        "Prometheus": _prometheus(settings),
    }


def breach_links(settings: Settings, breach: Breach) -> dict[str, str]:
    """The links of the mails about a breach: its SLA around that time, and how its figures came about."""
    until = "now" if breach.ended_at is None else (breach.ended_at + _AROUND_SECONDS) * 1000
    panel = {
        "viewPanel": SLA_DETAIL_PANEL,
        "var-sla": breach.key,
        "from": (breach.started_at - _AROUND_SECONDS) * 1000,
        "to": until,
    }
    day = f"{dt.datetime.fromtimestamp(breach.started_at, settings.timezone):%Y-%m-%d}"
    figures = urlencode({"sla": breach.key, "period": day})
    links = report_links(settings)
    return {
        "SLA dashboard": f"{links.pop('SLA dashboard')}?{urlencode(panel)}",
        "Where its figures come from": f"{settings.worker_public_url}/explain?{figures}",
        **links,
    }


def month_links(settings: Settings, month: str) -> dict[str, str]:
    """Where the figures of a frozen month are, and their evidence for download."""
    return {
        "Frozen month": f"{settings.worker_public_url}/months/{month}",
        "Evidence": f"{settings.worker_public_url}/evidence/{month}",
    }


def page_links(settings: Settings) -> dict[str, str]:
    """The links of the status page."""
    links = {**report_links(settings), "Runbooks": "/runbooks/", "Metrics": "/metrics"}
    del links["Status page"]
    return links


def runbook_links(settings: Settings) -> dict[str, str]:
    """The links of the runbooks: where to look while one is followed."""
    links = report_links(settings)
    del links["Status page"]
    return {**links, "Alertmanager": f"{settings.alertmanager_public_url}/"}


def addresses(settings: Settings) -> dict[str, str]:
    """Where people reach the pages, as the dashboards' links need them: without a slash at the end."""
    return {"worker": settings.worker_public_url, "prometheus": settings.prometheus_public_url}


def outage_links(settings: Settings) -> dict[str, str]:
    """The links of the mails about the Watchdog: what to look at first comes first."""
    return {
        "Runbook": f"{settings.worker_public_url}/runbooks/Watchdog",
        "Prometheus": _prometheus(settings),
        "Alertmanager": f"{settings.alertmanager_public_url}/",
        "Status page": f"{settings.worker_public_url}/",
    }


def _prometheus(settings: Settings) -> str:
    """Its first page: the others have other addresses in Debian's package (/classic/alerts)."""
    return f"{settings.prometheus_public_url}/"
