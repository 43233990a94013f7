"""The statements that sum up slots into hours and days, and read the days."""

from __future__ import annotations

COUNTS = "m.state NOT IN (6, 7)"
"""A slot out of hours or excluded is in no sum."""

BY_SLOT = "/*ORDER BY m.slot*/"
BY_HOUR = "/*ORDER BY m.hour_start*/"
BY_DAY = "/*ORDER BY m.day_start*/"
"""In which order the figures of a series `m` are added, so that equal rows have equal sums to the last bit.

SQLite reads them in that order, in which they are kept. PostgreSQL reads them as they lie, or in several
processes, so it is told.
"""

_SUMS = f"""
       COALESCE(SUM(CASE WHEN {COUNTS} THEN m.good_events END {BY_SLOT}), 0),
       COALESCE(SUM(CASE WHEN {COUNTS} THEN m.total_events END {BY_SLOT}), 0),
       COALESCE(SUM(CASE WHEN {COUNTS} THEN m.coverage END {BY_SLOT}), 0),
       SUM(CASE WHEN {COUNTS} THEN 0 ELSE 1 END)"""
# Series by series, each by its key: nothing is sorted, and no row of another time is looked at.
_ROWS = """
FROM sla_series s CROSS JOIN sla_measurements m
WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot > ? AND m.slot <= ?"""
OF_PAIR = " AND s.sla_id = ? AND s.component_id = ?"
_HOUR_OF = "m.slot - 1 - (m.slot - 1 - ?) % 3600"

_HOURS = f"""
INSERT INTO sla_hours (sla_id, component_id, hour_start, good_events, total_events, covered_slots, left_out)
SELECT sla_id, component_id, CASE WHEN hour_start < ? THEN CAST(? AS BIGINT) ELSE hour_start END,
       good, total, covered, left_out FROM (
SELECT m.sla_id, m.component_id, MIN({_HOUR_OF}) AS hour_start, {{sums}}
{_ROWS}{{where}} GROUP BY m.sla_id, m.component_id, (m.slot - 1 - ?) / 3600) AS made
"""  # noqa: S608 - constants

_INTO_DAYS = """
INSERT INTO sla_daily_summaries (sla_id, component_id, day_start, day_end,
                                 average_value, minimum_value, maximum_value, breaches,
                                 good_events, total_events, covered_slots, left_out)"""
BREACHES_OF_DAY = """
       (SELECT COUNT(*) FROM sla_breaches b WHERE b.sla_id = m.sla_id AND b.component_id = m.component_id
        AND b.started_at < ? AND b.started_at >= ?
        AND (b.ended_at IS NULL OR (b.ended_at > ? AND b.ended_at > b.started_at)))"""
DAYS = f"""{_INTO_DAYS}
SELECT m.sla_id, m.component_id, CAST(? AS BIGINT), CAST(? AS BIGINT),
       AVG(CASE WHEN {COUNTS} THEN m.actual_value END {BY_SLOT}),
       MIN(CASE WHEN {COUNTS} THEN m.actual_value END), MAX(CASE WHEN {COUNTS} THEN m.actual_value END),
       {BREACHES_OF_DAY},{_SUMS}
{_ROWS}{{where}} GROUP BY m.sla_id, m.component_id
"""
# Of a day whose slots are gone, the mean, least and greatest value are too.
DAYS_OF_HOURS = f"""{_INTO_DAYS}
SELECT m.sla_id, m.component_id, CAST(? AS BIGINT), CAST(? AS BIGINT), NULL, NULL, NULL,{BREACHES_OF_DAY},
       SUM(m.good_events {BY_HOUR}), SUM(m.total_events {BY_HOUR}), SUM(m.covered_slots {BY_HOUR}),
       SUM(m.left_out)
FROM sla_series s CROSS JOIN sla_hours m
WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.hour_start >= ? AND m.hour_start < ?
{{where}} GROUP BY m.sla_id, m.component_id
"""  # noqa: S608 - constants
_AS_COUNTED = ",".join(
    f" CASE WHEN a.left_out IS NULL THEN s.{name} ELSE a.{name} END AS {name}"
    for name in (
        "average_value",
        "minimum_value",
        "maximum_value",
        "good_events",
        "total_events",
        "covered_slots",
        "breaches",
        "left_out",
    )
)
SUMMARY = f"""
SELECT d.name, s.sla_id, s.component_id, s.day_start, s.day_end,{_AS_COUNTED}
FROM sla_daily_summaries s JOIN sla_definitions d ON d.id = s.sla_id
LEFT JOIN sla_adjusted_days a
    ON a.sla_id = s.sla_id AND a.component_id = s.component_id AND a.day_start = s.day_start
WHERE s.day_start >= ? AND s.day_start < ? ORDER BY s.sla_id, s.component_id, s.day_start
"""  # noqa: S608 - names of columns
MARKS = "hours_until, days_until, slots_after, hours_after, days_after"


def hours_sql(where: str) -> str:
    """The statement that sums up hours, of all series or of those that `where` names."""
    sums = _SUMS.split(",\n")
    named = [
        f"{text} AS {name}" for text, name in zip(sums, ("good", "total", "covered", "left_out"), strict=True)
    ]
    return _HOURS.format(sums=",".join(named), where=where)
