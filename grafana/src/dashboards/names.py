"""Names that dashboards share: datasource, folders, metrics. Units: seconds, ratios from 0 to 1."""

from __future__ import annotations

from sla_worker import conventions

DATASOURCE_UID, DATASOURCE_NAME = "prometheus", "Prometheus"
"""The provisioned datasource; its uid is fixed, so that a dashboard loads without a choice."""

DATASOURCE = "${datasource}"
"""What panels and annotations ask: the variable, which is the provisioned one until a person chooses."""

SLA_DASHBOARD_UID = conventions.SLA_DASHBOARD_UID
SLA_DETAIL_PANEL = conventions.SLA_DETAIL_PANEL
AGENTS_DASHBOARD_UID = "insa-agent-performance"
WORKERS_DASHBOARD_UID = "insa-worker-health"
ERRORS_DASHBOARD_UID = "insa-error-handling"
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
WINDOW_COMPLIANCE = conventions.WINDOW_COMPLIANCE
WINDOW_COVERAGE = conventions.WINDOW_COVERAGE
WINDOW_BUDGET = conventions.WINDOW_BUDGET
WINDOW_SLAS = conventions.WINDOW_SLAS
BURN_RATE = conventions.BURN_RATE
TARGET = conventions.TARGET
INFO = conventions.INFO
WEAKEST = conventions.WEAKEST
MONTH_BREACHES = conventions.MONTH_BREACHES
MONTH_BREACH_SECONDS = conventions.MONTH_BREACH_SECONDS
MONTH_BREACH_LONGEST = conventions.MONTH_BREACH_LONGEST
PASS_DURATION = conventions.PASS_DURATION
LATE_ROWS = conventions.LATE_ROWS
SLOTS_MISSING = conventions.SLOTS_MISSING
LAST_MEASURED = conventions.LAST_PASS
BREACH_START = conventions.BREACH_START
MAINTENANCE = conventions.MAINTENANCE
PAGES = conventions.PAGES
SLOT_SECONDS = conventions.SLOT_SECONDS
OWED = conventions.NOTIFICATIONS_OWED
DELIVERIES = conventions.NOTIFICATIONS
DEFINITIONS_INVALID = conventions.DEFINITIONS_INVALID
ROWS_AHEAD = conventions.ROWS_AHEAD
INCOMPLETE = conventions.INCOMPLETE

# Metrics of a program that uses insa_instruments.
INSTRUMENTS = "insa_"
REQUESTS = "insa_agent_requests_total"
WORKER_HEALTH = "insa_worker_health_status"
CACHE_HITS = "insa_cache_hits_total"
BREAKER_STATE = "insa_circuit_breaker_state"
