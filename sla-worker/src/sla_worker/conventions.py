"""Names and limits that more than one place needs, each once; rules, dashboards and mails read them too."""

from __future__ import annotations

from typing import Final

# --- metrics of the sla-worker
LAST_PASS: Final = "sla_worker_last_pass_timestamp_seconds"  # noqa: S105 - a name of a metric
PASS_DURATION: Final = "sla_worker_pass_duration_seconds"  # noqa: S105 - likewise
PASSES: Final = "sla_worker_passes_total"
LEADER: Final = "sla_worker_leader"
DATABASE_UP: Final = "sla_worker_database_up"
SLOT_SECONDS: Final = "sla_worker_slot_seconds"
PAGES: Final = "sla_worker_pages_info"
INFO: Final = "sla_info"
TEAM: Final = "sla_team"
TARGET: Final = "sla_target_value"
COMPLIANCE: Final = "sla_compliance_ratio"
OBJECTIVE: Final = "sla_target_ratio"
ACTUAL: Final = "sla_actual"
COVERAGE: Final = "sla_coverage_ratio"
GOOD_EVENTS: Final = "sla_good_events_total"
TOTAL_EVENTS: Final = "sla_total_events_total"
STATUS: Final = "sla_status"
BREACHES: Final = "sla_active_breaches"
BREACH_START: Final = "sla_breach_start_timestamp_seconds"
BUDGET: Final = "sla_error_budget_remaining_ratio"
WINDOW_COMPLIANCE: Final = "sla_window_compliance_ratio"
WINDOW_COVERAGE: Final = "sla_window_coverage_ratio"
WINDOW_BUDGET: Final = "sla_window_error_budget_remaining_ratio"
WINDOW_SLAS: Final = "sla_window_slas"
BURN_RATE: Final = "sla_burn_rate"
SUSTAINED: Final = "sla_sustained_burn_rate"
BUDGET_LASTS: Final = "sla_budget_lasts_seconds"
WEAKEST: Final = "sla_weakest_member"
MONTH_BREACHES: Final = "sla_month_breaches"
MONTH_BREACH_SECONDS: Final = "sla_month_breach_seconds"
MONTH_BREACH_LONGEST: Final = "sla_month_longest_breach_seconds"
LATE_ROWS: Final = "sla_late_rows_total"
SLOTS_MISSING: Final = "sla_slots_missing"
INCOMPLETE: Final = "sla_incomplete_seconds"
MAINTENANCE: Final = "sla_maintenance_active"
ROWS_AHEAD: Final = "sla_rows_ahead"
DEFINITIONS_INVALID: Final = "sla_definitions_invalid"
NOTIFICATIONS: Final = "sla_notifications_total"
NOTIFICATIONS_OWED: Final = "sla_notifications_owed"
WATCHDOG_RECEIVED: Final = "sla_watchdog_last_received_timestamp_seconds"
WATCHDOG_OUTAGE: Final = "sla_watchdog_outage"
WEBHOOK_ALERTS: Final = "sla_webhook_alerts_total"
WEBHOOK_TRUNCATED: Final = "sla_webhook_alerts_truncated_total"

URL_SCHEMES: Final = ("postgresql://", "postgres://")
"""How the URL of a database begins; what begins otherwise is the path of a file."""

# --- label values
PLATFORM: Final = "platform"
"""The `team` of alerts that belong to no team; no team can be called that."""

DAILY_MAIL: Final = "daily"
WEEKLY_MAIL: Final = "weekly"
MONTHLY_MAIL: Final = "monthly"
MONTH_REVISED_MAIL: Final = "month_revised"
BREACH_MAIL: Final = "breach"
BREACH_AGAIN_MAIL: Final = "breach_again"
BREACH_LASTS_MAIL: Final = "breach_lasts"
BREACH_WORSE_MAIL: Final = "breach_worse"
BREACH_END_MAIL: Final = "breach_end"
CATCH_UP_MAIL: Final = "catch_up"
OUTAGE_MAIL: Final = "watchdog_outage"
OUTAGE_END_MAIL: Final = "watchdog_outage_end"
"""The kinds of mails, as the database and the metrics name them; delivery/kinds.py says what each is."""

SUCCESS: Final = "success"
FAILURE: Final = "failure"
GIVEN_UP: Final = "given_up"
RESULTS: Final = (SUCCESS, FAILURE)
DELIVERY_RESULTS: Final = (SUCCESS, FAILURE, GIVEN_UP)
ALERT_STATUSES: Final = ("firing", "resolved")

HOURS: Final = {"1h": 1, "6h": 6, "1d": 24, "3d": 72, "30d": 720}
DAY, THIRTY_DAYS, MONTH = "1d", "30d", "month"
WINDOWS: Final = (*HOURS, MONTH)
"""What figures are shown of; `month` is the calendar month so far, in the timezone of the reports."""

PERIODS: Final = (DAY, THIRTY_DAYS, MONTH)
"""Those of compliance, coverage and error budgets."""

BURN_WINDOWS: Final = ("1h", "6h", "1d", "3d")
"""Those of burn rates; over 30 days it is what is missing of the budget."""

ALERT_WINDOWS: Final = {"1h": 3600, "6h": 6 * 3600, "3d": 3 * 86400}
"""Those of the alerts on error budgets, in seconds; each goes with the last twelfth of it."""

STEADY: Final = "3d"
"""The one whose short window is so long that an outage in it may be over."""

BURN_SHORT_PART: Final = 12
"""A short window is so many times shorter than its long one."""

BUDGET_SOON_SECONDS: Final = 86400
"""A budget that is gone sooner, if it goes on like this, is an alert."""

LEAST, MOST = "least", "most"
"""The bounds of a sustained burn rate."""

BUDGET_SECONDS: Final = 30 * 86400
"""What the error budget of the alerts is of."""

MEASURED_RESULTS: Final = ("met", "missed", "unmeasured")
"""What an SLA can be over a window."""

WATCHDOG: Final = "Watchdog"
"""The alert that always fires, to show that alerts arrive."""

SLA_DASHBOARD_UID: Final = "insa-sla-monitoring"
SLA_DETAIL_PANEL: Final = 81
"""The dashboard of the SLAs, and its panel that shows one with all its components."""

# --- limits
MINIMUM_COVERAGE: Final = 0.9
"""The measured share below which a slot is partial, and a period gets no bare "pass"."""

STATUS_LIMITS: Final = (0.5, 1.0, 2.0)
"""Share of the allowance used: up to these excellent, good, poor; above the last critical."""

SCORE_GOOD: Final = 1.0
"""A score (SLAs that keep their target ÷ those measured) is green from here: all of them do."""

SCORE_POOR: Final = 0.95
"""A score is amber from here and red below; the service health score promises more than that."""

BUDGET_LOW: Final = 0.25
"""Share of the error budget left that is amber below this."""

WORST: Final = 5
"""So many incidents a weekly or monthly report names: those that burned most of their error budgets."""

BUDGET_SPENT: Final = 0.05
"""Share of the error budget left that is red below this."""

BURN_FAST, BURN_SLOW, BURN_EVEN, BURN_NOTHING = 14.4, 6.0, 1.0, 0.0
"""Burn rates that use up 2 % of a month's error budget in an hour, 5 % in six hours, 10 % in three days."""

STALE_SLOTS: Final = 3
"""So many slots without a pass, and what the worker shows no longer speaks of now."""

LAST_MOMENT: Final = 253_402_257_600
"""9999-12-31 12:00 UTC: the last day of all says that a window never ends; no clock shows a later one."""
