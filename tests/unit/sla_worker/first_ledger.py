"""A ledger as the first version made it, with a year of data: by its own migration, filled by SQL."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from pathlib import Path

START = 1_672_531_200  # 2023-01-01 00:00 UTC
SLOT = 300
SLOTS = 365 * 288
LAST = START + SLOTS * SLOT

MADE = """
CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL);
INSERT INTO schema_migrations VALUES (1, '0001_ledger.sql', 1672531200);
INSERT INTO ledger VALUES (1, 300, 1704067200);
INSERT INTO sla_definitions VALUES
  (1, 'platform-uptime', 'Platform Uptime', 'availability', '', 'up', 'all', '>=', 0.999, 'ratio', 'critical',
   NULL, 1, 1, 1672531200),
  (2, 'api-error-rate', 'API Error Rate', 'reliability', '', 'errors', 'crm', '<=', 0.001, 'ratio', 'high',
   NULL, 1, 1, 1672531200);
INSERT INTO sla_components VALUES (1, 'all'), (2, 'crm');
"""
# Each slot has 20 events; of every hundredth one 10 are bad (breached), and every 288th was not measured.
MEASURED = """
WITH RECURSIVE slots (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM slots WHERE n < {slots})
INSERT INTO sla_measurements
SELECT 1, 1, {start} + n * {slot}, CASE WHEN n % 288 = 0 THEN 0 WHEN n % 100 = 0 THEN 10 ELSE 20 END,
       CASE WHEN n % 288 = 0 THEN 0 ELSE 20 END, CASE WHEN n % 288 = 0 THEN 0 ELSE 1 END,
       CASE WHEN n % 288 = 0 THEN NULL WHEN n % 100 = 0 THEN 0.5 ELSE 1 END, 0.999,
       CASE WHEN n % 288 = 0 THEN NULL WHEN n % 100 = 0 THEN 0 ELSE 1 END,
       CASE WHEN n % 288 = 0 THEN 3 WHEN n % 100 = 0 THEN 1 ELSE 0 END,
       CASE WHEN n % 288 = 0 THEN 5 WHEN n % 100 = 0 THEN 3 ELSE 0 END, 0
FROM slots
"""
# A breach for each slot that was breached, and its mail; the summaries of all days; one alert.
FOLLOWED = """
INSERT INTO sla_breaches
SELECT ROW_NUMBER() OVER (ORDER BY slot), 1, 1, slot - 300, slot, 0.999, 0.5, 'critical'
FROM sla_measurements WHERE state = 1;
INSERT INTO sla_notifications
SELECT id, 'breach', 'breach:' || id, id, NULL, 'owner@example.com', started_at, started_at, 1, started_at, 1,
       NULL
FROM sla_breaches;
INSERT INTO sla_daily_summaries
SELECT (slot - 1) / 86400 * 86400, 1, 1, AVG(actual_value), MIN(actual_value), MAX(actual_value),
       SUM(good_events), SUM(total_events), SUM(coverage), SUM(state = 1)
FROM sla_measurements GROUP BY 1;
INSERT INTO webhook_alerts
VALUES (1, 'f', 'firing', 'HighErrorRate', 'default', '{}', '{}', '', '', 1704067200);
"""

ROWS = {
    "ledger": 1,
    "sla_breaches": 1037,  # 105,120 slots: 1,051 are a multiple of 100, of these 14 of 288 too (of 7,200)
    "sla_components": 2,
    "sla_daily_summaries": 365,
    "sla_definitions": 2,
    "sla_measurements": SLOTS,
    "sla_notifications": 1037,
    "webhook_alerts": 1,
}
TOTAL = 20.0 * (SLOTS - 365)
GOOD = TOTAL - 10 * 1037


def make(path: Path, slots: int = SLOTS) -> None:
    """Write the ledger, with the first so many slots of the year."""
    first = (files("sla_worker") / "database" / "migrations" / "0001_ledger.sql").read_text("utf-8")
    connection = sqlite3.connect(path)
    try:
        connection.executescript(first + MADE)
        connection.execute(MEASURED.format(slots=slots, start=START, slot=SLOT))
        connection.executescript(FOLLOWED)
    finally:
        connection.close()
