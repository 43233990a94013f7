"""The row about backups and scans."""

from __future__ import annotations

from ..definitions import Sla
from ..layout import Section
from ..limits import first_of, scale, value, window
from ..panels import Text
from ..programs import OF_JOB
from ..tiles import lines, row

PROCESS = "{{instance}}"


def compliance_section(slas: list[Sla]) -> Section:
    """Whether what was promised beside the service itself is done."""
    recent = window("BackupFailed")
    failed = lines(
        81,
        Text(
            "Failed backups",
            f"Backups that failed within {recent}, at each moment.",
            "`increase(insa_backup_runs_total)` with result failure, over the window of the alert.",
            "a failure: see BackupFailed's runbook, and when the last backup succeeded.",
        ),
        "none",
        {PROCESS: f'increase(insa_backup_runs_total{{{OF_JOB}, result="failure"}}[{recent}])'},
        first_of("BackupFailed"),
    )
    age = lines(
        82,
        Text(
            "Time since the last good backup",
            "What would be lost if the database were lost now, in hours.",
            "`time()` - `insa_backup_last_success_timestamp_seconds`; no line before the first one.",
            "a line that only climbs: backups fail, or do not run.",
            "No backup yet",
        ),
        "h",
        {PROCESS: f"(time() - (insa_backup_last_success_timestamp_seconds{{{OF_JOB}}} > 0)) / 3600"},
        scale(slas, sla=value("insa_backup_last_success_timestamp_seconds")),
    )
    scanned = lines(
        83,
        Text(
            "Scan coverage",
            "Share of the components that the last security scan could check.",
            "`insa_scan_components_scanned` / `insa_scan_components`.",
            "below 100 %, read the scanner's log for what refused it (SecurityScanIncomplete's runbook).",
            "Nothing to scan",
        ),
        "percentunit",
        {PROCESS: (f"insa_scan_components_scanned{{{OF_JOB}}} / (insa_scan_components{{{OF_JOB}}} > 0)")},
        scale(slas, sla=value("insa_scan_components_scanned")),
    )
    return Section(80, "Backups and scans", [row(failed, age, scanned)], collapsed=True)
