"""Names that dashboards share: datasource, folders, metrics. Units: seconds, ratios from 0 to 1."""

from __future__ import annotations

from sla_worker import conventions

DATASOURCE_UID = "prometheus"
"""The provisioned datasource; fixed, so that a dashboard loads without a choice."""

SLA_DASHBOARD_UID = conventions.SLA_DASHBOARD_UID
DASHBOARD_TAG = "insa"
"""Every dashboard of the bundle carries it; the links between them are found by it."""

ALERT_FOLDER = "INSA SLA Alerts"
"""Alert rules must not share a folder with provisioned dashboards."""

# Metrics of the sla-worker (the ledger's figures).
COMPLIANCE = conventions.COMPLIANCE
OBJECTIVE = conventions.OBJECTIVE
ACTUAL = conventions.ACTUAL
COVERAGE = conventions.COVERAGE
STATUS = conventions.STATUS
BREACHES = conventions.BREACHES
BUDGET = conventions.BUDGET
LAST_MEASURED = conventions.LAST_PASS
SLOT_SECONDS = conventions.SLOT_SECONDS

# Metrics of a program that uses insa_instruments.
INSTRUMENTS = "insa_"
REQUESTS = "insa_agent_requests_total"
WORKER_HEALTH = "insa_worker_health_status"
