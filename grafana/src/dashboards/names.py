"""Names that dashboards share: datasource, folders, metrics. Units: seconds, ratios from 0 to 1."""

from __future__ import annotations

DATASOURCE_UID = "prometheus"
"""The provisioned datasource; fixed, so that a dashboard loads without a choice."""

SLA_DASHBOARD_UID = "insa-sla-monitoring"
DASHBOARD_TAG = "insa"
"""Every dashboard of the bundle carries it; the links between them are found by it."""

ALERT_FOLDER = "INSA SLA Alerts"
"""Alert rules must not share a folder with provisioned dashboards."""

# Metrics of the sla-worker (the ledger's figures).
COMPLIANCE = "sla_compliance_ratio"
OBJECTIVE = "sla_target_ratio"
ACTUAL = "sla_actual"
STATUS = "sla_status"
BREACHES = "sla_active_breaches"
BUDGET = "sla_error_budget_remaining_ratio"
LAST_MEASURED = "sla_worker_last_pass_timestamp_seconds"

# Recording rules (the figures of the last five minutes, evaluated by Prometheus).
ACTUAL_5M = "sla:actual:value5m"
COVERAGE_5M = "sla:coverage:ratio5m"

# Metrics of the watched application.
REQUESTS = "insa_agent_requests_total"
WORKER_HEALTH = "insa_worker_health_status"

STALE_AFTER_SECONDS = 900
"""A pass older than this (three intervals of the worker) says nothing about now and is not shown."""
