-- Sums of whole hours and days, so that a month or a year is read from few rows and slots need not be kept for good.

-- Each pair of SLA and component that has rows, and its first slot, which outlives its row.
CREATE TABLE sla_series (
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    component_id INTEGER NOT NULL REFERENCES sla_components (id),
    first_slot INTEGER NOT NULL,
    PRIMARY KEY (sla_id, component_id)
) WITHOUT ROWID;

INSERT INTO sla_series (sla_id, component_id, first_slot)
SELECT sla_id, component_id, MIN(slot) FROM sla_measurements GROUP BY sla_id, component_id;

-- The slots that end in (hour_start, hour_start + 3600]. left_out: slots out of hours or excluded, which no sum holds.
CREATE TABLE sla_hours (
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    component_id INTEGER NOT NULL REFERENCES sla_components (id),
    hour_start INTEGER NOT NULL,
    good_events DOUBLE PRECISION NOT NULL,
    total_events DOUBLE PRECISION NOT NULL,
    covered_slots DOUBLE PRECISION NOT NULL,
    left_out INTEGER NOT NULL,
    PRIMARY KEY (sla_id, component_id, hour_start)
) WITHOUT ROWID;

-- The slots that end in (day_start, day_end], a day of the reporting timezone: 23, 24 or 25 hours.
ALTER TABLE sla_daily_summaries ADD COLUMN day_end INTEGER;
ALTER TABLE sla_daily_summaries ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
UPDATE sla_daily_summaries SET day_end = day_start + 86400;

-- zone: that of the days. hours_until, days_until: up to where all hours and days are summed up; NULL: none is yet.
-- slots_after, hours_after: slots and hours up to there were deleted; NULL: none was.
ALTER TABLE ledger ADD COLUMN zone TEXT;
ALTER TABLE ledger ADD COLUMN hours_until INTEGER;
ALTER TABLE ledger ADD COLUMN days_until INTEGER;
ALTER TABLE ledger ADD COLUMN slots_after INTEGER;
ALTER TABLE ledger ADD COLUMN hours_after INTEGER;
