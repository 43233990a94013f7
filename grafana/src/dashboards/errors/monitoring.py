"""The row about the monitoring itself: whether anybody would notice a failure."""

from __future__ import annotations

import decimal

from sla_worker.conventions import STALE_SLOTS

from .. import names
from ..layout import Section
from ..limits import Limit, Scale, first_of
from ..panels import GREEN, RED, Query, Text, states
from ..selectors import measurement_age
from ..tiles import lines, row


def _slots(alert: str) -> Scale:
    """The limit of an alert that counts in slots."""
    return Scale(
        (Limit(decimal.Decimal(STALE_SLOTS), low_is_bad=False, alerting=True, source=f"alert {alert}"),)
    )


STALE, MISSING = _slots("SLAWorkerStale"), _slots("SLAMeasurementsMissing")
INCREASES = "1h"
"""The window of the counts: long enough that a single failure is seen on a day's graph."""


def monitoring_section() -> Section:
    """Targets, metrics, rules, notifications, configuration, the sla-worker."""
    targets = states(
        101,
        Text(
            "Targets",
            "When Prometheus could scrape each target and when not; a gap: the target was not configured.",
            "the lowest `up` of each step, by job and instance.",
            "down: see the target's error on the Targets page of Prometheus (TargetDown's runbook).",
            "No targets",
        ),
        [Query("min by (job, instance) (min_over_time(up[$__rate_interval]))", "{{job}} {{instance}}")],
        {"0": ("Down", RED), "1": ("Up", GREEN)},
    )
    vanished = lines(
        102,
        Text(
            "Targets that vanished",
            "Targets that were scraped within twelve hours and are no longer configured.",
            "count of `instance:up_vanished:bool`, by job.",
            "unless it was taken out on purpose, put the target back (TargetVanished's runbook).",
            "None",
        ),
        "none",
        {"{{job}}": "count by (job) (instance:up_vanished:bool) or 0 * count by (job) (up)"},
        first_of("TargetVanished"),
    )
    metrics = lines(
        103,
        Text(
            "Metrics that alerts need",
            "How many of the metrics that alerts need each target exports, by group of rules.",
            "count of the recorded `<group>:metrics_present:bool`, by target.",
            "a step down: a metric is gone and its alerts are blind (the runbook of <Group>MetricsAbsent).",
        ),
        "none",
        {
            "{{job}} {{instance}} {{group}}": (
                "count by (job, instance, group) (label_replace("
                '{__name__=~".+:metrics_present:bool"}, "group", "$1", "__name__", "(.+?):.+"))'
            )
        },
    )
    rules = lines(
        104,
        Text(
            "Failed rule evaluations",
            f"Evaluations of rules that failed within {INCREASES}, by group.",
            f"`increase(prometheus_rule_evaluation_failures_total[{INCREASES}])`, the five groups with the "
            "most.",
            "above 0 alerts of that group are blind (RuleEvaluationFailing's runbook).",
            "No rules",
        ),
        "none",
        {"{{rule_group}}": f"topk(5, increase(prometheus_rule_evaluation_failures_total[{INCREASES}]))"},
        first_of("RuleEvaluationFailing"),
    )
    notifications = lines(
        105,
        Text(
            "Failed notifications",
            f"Notifications that did not arrive within {INCREASES}, by the link of the chain.",
            "`increase` of the failures of Alertmanager, and of errors and drops between Prometheus and it.",
            "above 0 alerts do not arrive (NotificationsFailing's runbook).",
        ),
        "none",
        {
            "{{integration}}": (
                f"sum by (integration) (increase(alertmanager_notifications_failed_total[{INCREASES}]))"
            ),
            "errors to {{alertmanager}}": (
                f"sum by (alertmanager) (increase(prometheus_notifications_errors_total[{INCREASES}]))"
            ),
            "dropped by Prometheus": f"sum(increase(prometheus_notifications_dropped_total[{INCREASES}]))",
        },
        first_of("NotificationsFailing"),
    )
    discovery = lines(
        106,
        Text(
            "Failed discovery",
            f"Target files that could not be read and targets that are invalid, within {INCREASES}.",
            "`increase` of `prometheus_sd_file_read_errors_total` and `prometheus_target_sync_failed_total`, "
            "and `prometheus_sd_failed_configs`.",
            "above 0 some programs are not watched (TargetDiscoveryFailing's runbook).",
        ),
        "none",
        {
            "unreadable files": f"sum(increase(prometheus_sd_file_read_errors_total[{INCREASES}]))",
            "invalid targets": f"sum(increase(prometheus_target_sync_failed_total[{INCREASES}]))",
            "failed discoveries": "sum(prometheus_sd_failed_configs)",
        },
        first_of("TargetDiscoveryFailing"),
    )
    configuration = states(
        107,
        Text(
            "Configuration",
            "Whether the last change of the configuration was taken.",
            "`prometheus_config_last_reload_successful` and `alertmanager_config_last_reload_successful`.",
            "refused: the old one goes on, and a restart would fail (ConfigurationReloadFailed's runbook).",
        ),
        [
            Query("min by (job) (prometheus_config_last_reload_successful)", "{{job}}"),
            Query("min by (job) (alertmanager_config_last_reload_successful)", "{{job}}"),
        ],
        {"0": ("Refused", RED), "1": ("Taken", GREEN)},
    )
    alerts = lines(
        108,
        Text(
            "Alerts and silences",
            "Alerts that fire, by severity, the Watchdog (none) among them; and silences at work.",
            'count of `ALERTS` by severity; `alertmanager_silences` with state "active".',
            "without the line `none` alerting itself is broken; a silence may hide a critical alert "
            "(CriticalAlertMuted's runbook).",
        ),
        "none",
        {
            "{{severity}}": 'count by (severity) (ALERTS{alertstate="firing"})',
            "silences": 'sum(alertmanager_silences{state="active"})',
        },
    )
    reports = lines(
        109,
        Text(
            "Reports owed",
            f"Mails of the sla-worker that are not delivered yet, and those given up within {INCREASES}.",
            f"`{names.OWED}`, by type, and the increase of `{names.DELIVERIES}` with result given_up.",
            "a mail that stays owed: the mail server refuses it (ReportDeliveryFailing's runbook).",
        ),
        "none",
        {
            "{{type}} owed": f"sum by (type) ({names.OWED})",
            "given up": f'sum(increase({names.DELIVERIES}{{result="given_up"}}[{INCREASES}]))',
        },
        first_of("ReportDeliveryFailing"),
    )
    age = lines(
        110,
        Text(
            "Slots since the last measurement",
            "How old the figures of the SLAs are, in slots.",
            f"(`time()` - `{names.LAST_MEASURED}`) / `{names.SLOT_SECONDS}`.",
            "a line that climbs: the sla-worker or Prometheus is down (SLAWorkerStale's runbook).",
            "Never measured",
        ),
        "none",
        {"slots": f"max({measurement_age()})"},
        STALE,
    ).decimals(1)
    definitions = states(
        111,
        Text(
            "SLA definitions",
            "Whether the sla-worker can use each file of definitions, as it was when it started.",
            f"`{names.DEFINITIONS_INVALID}`, by file.",
            "refused: what the file said before goes on (SLADefinitionsInvalid's runbook).",
            "The sla-worker is not there",
        ),
        [Query(f"max by (file) ({names.DEFINITIONS_INVALID})", "{{file}}")],
        {"0": ("Used", GREEN), "1": ("Refused", RED)},
    )
    ahead = lines(
        112,
        Text(
            "Rows of the future",
            "Rows of the ledger whose slots have not come yet: a clock that ran ahead has stored them.",
            f"`{names.ROWS_AHEAD}`, the most that any worker tells.",
            "they count nowhere and are measured again; check the clock (SLALedgerAhead's runbook).",
            "Nobody tells",
        ),
        "none",
        {"rows": f"max({names.ROWS_AHEAD})"},
        first_of("SLALedgerAhead"),
    )
    incomplete = lines(
        113,
        Text(
            "Slots for which measurements lack",
            "For how many slots, one after the other, passes have left something out.",
            f"`{names.INCOMPLETE}` / `{names.SLOT_SECONDS}`; 0 after a pass that left out nothing.",
            "a line that climbs: Prometheus refuses an SLA's query, or answers in part "
            "(SLAMeasurementsMissing's runbook).",
            "Nobody tells",
        ),
        "none",
        {"slots": f"max({names.INCOMPLETE} / {names.SLOT_SECONDS})"},
        MISSING,
    ).decimals(1)
    return Section(
        100,
        "Monitoring itself",
        [
            row(targets, metrics),
            row(rules, vanished),
            row(notifications, discovery),
            row(configuration, alerts),
            row(reports, age),
            row(definitions, ahead),
            row(incomplete),
        ],
        collapsed=True,
    )
