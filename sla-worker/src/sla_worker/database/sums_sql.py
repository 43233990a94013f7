"""The statements that sum up each series over a part of a period, and read what its newest slot says."""

from __future__ import annotations

from sla_worker.database.adjustments import BESIDE, SUMS
from sla_worker.database.rollup_sql import BY_DAY, BY_HOUR, BY_SLOT, COUNTS

_MEASURED_SLOTS = f"""
       SUM(CASE WHEN {COUNTS} THEN m.good_events END {BY_SLOT}) AS good,
       SUM(CASE WHEN {COUNTS} THEN m.total_events END {BY_SLOT}) AS total,
       SUM(CASE WHEN {COUNTS} THEN m.coverage END {BY_SLOT}) AS covered,
       SUM(CASE WHEN {COUNTS} THEN 0 ELSE 1 END) AS left_out"""
_COLUMNS = (
    ("good_events", "good"),
    ("total_events", "total"),
    ("covered_slots", "covered"),
    ("left_out", "left_out"),
)


def _measured(order: str) -> str:
    return ", ".join(f"SUM(m.{column} {order}) AS {name}" for column, name in _COLUMNS)


def _counted(order: str) -> str:
    return ", ".join(f"SUM(COALESCE(a.{column}, m.{column}) {order}) AS {name}" for column, name in _COLUMNS)


def _summed(sums: str, table: str, where: str, beside: str = "") -> str:
    """By seeking: the tables are clustered on the series."""
    return f"""
SELECT s.sla_id, s.component_id, {sums}
FROM sla_series s CROSS JOIN {table} m {beside}
WHERE {_ALL} AND m.sla_id = s.sla_id AND m.component_id = s.component_id AND {where}
GROUP BY s.sla_id, s.component_id"""  # noqa: S608 - constants


def of_one(source: str) -> str:
    """The same of one series: the SLA's number and the component's come before the other values."""
    return source.replace(_ALL, "s.sla_id = ? AND s.component_id = ?", 1)


def _beside(table: str, key: str) -> str:
    return f"""
LEFT JOIN {table} a
    ON a.sla_id = m.sla_id AND a.component_id = m.component_id AND a.{key} = m.{key}"""


_ALL = "1 = 1"
_SLOTS = "m.slot > ? AND m.slot <= ? AND NOT (m.slot > ? AND m.slot <= ?)"
_HOURS = "m.hour_start >= ? AND m.hour_start < ? AND m.hour_start <= ?"
_DAYS = "m.day_start >= ? AND m.day_start < ? AND m.day_end <= ?"

AS_MEASURED: dict[str, str] = {
    "slots": _summed(_MEASURED_SLOTS, "sla_measurements", _SLOTS),
    "hours": _summed(_measured(BY_HOUR), "sla_hours", _HOURS),
    "days": _summed(_measured(BY_DAY), "sla_daily_summaries", _DAYS),
}
"""The sums of each series over one part of a period, by what it is read from."""

AS_COUNTED: dict[str, str] = {
    "slots": _summed(SUMS, "sla_measurements", _SLOTS, BESIDE),
    "hours": _summed(_counted(BY_HOUR), "sla_hours", _HOURS, _beside("sla_adjusted_hours", "hour_start")),
    "days": _summed(
        _counted(BY_DAY), "sla_daily_summaries", _DAYS, _beside("sla_adjusted_days", "day_start")
    ),
}
"""The same, with what counts instead of what was measured: for parts in which something does."""

TABLES: dict[str, tuple[str, ...]] = {
    "hours": ("sla_series", "sla_hours", "sla_adjusted_hours"),
    "days": ("sla_series", "sla_daily_summaries", "sla_adjusted_days"),
}
"""What the sums of hours and of days are made of."""

_ENDS = """
WITH ends AS MATERIALIZED (
    SELECT s.sla_id, s.component_id, s.first_slot,
           (SELECT MAX(m.slot) FROM sla_measurements m
            WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot <= ?
              AND NOT (m.slot > ? AND m.slot <= ?)) AS slot
    FROM sla_series s
)
SELECT e.sla_id, e.component_id, c.name AS component, e.first_slot, e.slot, {newest},
       EXISTS (SELECT 1 FROM sla_breaches b WHERE b.sla_id = e.sla_id AND b.component_id = e.component_id
               AND b.ended_at IS NULL AND b.started_at < ?) AS in_breach
FROM ends e
JOIN sla_components c ON c.id = e.component_id
ORDER BY e.sla_id, e.component_id
"""
"""Every series with its first slot, and what its newest one says."""


def _of_newest(column: str, table: str) -> str:
    """By its key, series by series: to join it PostgreSQL may read the whole table."""
    return f"""(SELECT n.{column} FROM {table} n
        WHERE n.sla_id = e.sla_id AND n.component_id = e.component_id AND n.slot = e.slot)"""  # noqa: S608


_ACTUAL, _STATUS = (_of_newest(each, "sla_measurements") for each in ("actual_value", "status"))
_STATE_INSTEAD, _ACTUAL_INSTEAD, _STATUS_INSTEAD = (
    _of_newest(each, "sla_adjusted_slots") for each in ("state", "actual_value", "status")
)
ENDS_AS_MEASURED = _ENDS.format(newest=f"{_ACTUAL} AS actual_value, {_STATUS} AS status")
ENDS_AS_COUNTED = _ENDS.format(
    newest=f"CASE WHEN {_STATE_INSTEAD} IS NULL THEN {_ACTUAL} ELSE {_ACTUAL_INSTEAD} END AS actual_value,"
    f" COALESCE({_STATUS_INSTEAD}, {_STATUS}) AS status"
)
