-- Time that does not count (maintenance) and figures that count instead of measured ones. What was measured stays as
-- it is: beside it stand, only where something else counts, rows of the same shape.

-- scope: the SLAs, categories and components it was given for, as JSON. start_at, end_at: as they were given.
-- rule: an RRULE by the wall clock of `zone`; NULL: once. ended_at: when it was ended before its time.
CREATE TABLE sla_exclusions (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    start_at INTEGER NOT NULL,
    end_at INTEGER NOT NULL,
    rule TEXT,
    zone TEXT,
    uid TEXT,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by TEXT,
    revoked_at INTEGER,
    revoked_by TEXT,
    revoke_reason TEXT
);

-- Each time that it covers, on borders of slots (of hours where only those are kept).
CREATE TABLE sla_exclusion_spans (
    exclusion_id INTEGER NOT NULL REFERENCES sla_exclusions (id),
    start_at INTEGER NOT NULL,
    end_at INTEGER NOT NULL,
    PRIMARY KEY (exclusion_id, start_at)
) WITHOUT ROWID;

-- The SLAs that it covers, each from a slot on: one that is defined later is covered from then on.
CREATE TABLE sla_exclusion_slas (
    exclusion_id INTEGER NOT NULL REFERENCES sla_exclusions (id),
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    since INTEGER NOT NULL,
    PRIMARY KEY (exclusion_id, sla_id)
) WITHOUT ROWID;

-- What counts instead of a row, an hour, a day of the same keys.
CREATE TABLE sla_adjusted_slots (
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    component_id INTEGER NOT NULL REFERENCES sla_components (id),
    slot INTEGER NOT NULL,
    good_events DOUBLE PRECISION NOT NULL,
    total_events DOUBLE PRECISION NOT NULL,
    coverage DOUBLE PRECISION NOT NULL,
    actual_value DOUBLE PRECISION,
    state INTEGER NOT NULL,
    status INTEGER NOT NULL,
    PRIMARY KEY (sla_id, component_id, slot)
) WITHOUT ROWID;

CREATE TABLE sla_adjusted_hours (
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    component_id INTEGER NOT NULL REFERENCES sla_components (id),
    hour_start INTEGER NOT NULL,
    good_events DOUBLE PRECISION NOT NULL,
    total_events DOUBLE PRECISION NOT NULL,
    covered_slots DOUBLE PRECISION NOT NULL,
    left_out INTEGER NOT NULL,
    PRIMARY KEY (sla_id, component_id, hour_start)
) WITHOUT ROWID;

CREATE TABLE sla_adjusted_days (
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    component_id INTEGER NOT NULL REFERENCES sla_components (id),
    day_start INTEGER NOT NULL,
    average_value DOUBLE PRECISION,
    minimum_value DOUBLE PRECISION,
    maximum_value DOUBLE PRECISION,
    breaches INTEGER NOT NULL,
    good_events DOUBLE PRECISION NOT NULL,
    total_events DOUBLE PRECISION NOT NULL,
    covered_slots DOUBLE PRECISION NOT NULL,
    left_out INTEGER NOT NULL,
    PRIMARY KEY (sla_id, component_id, day_start)
) WITHOUT ROWID;

-- A breach that is none because its time was excluded has no length; this is what it was.
CREATE TABLE sla_annulled_breaches (
    breach_id INTEGER PRIMARY KEY REFERENCES sla_breaches (id),
    start_at INTEGER NOT NULL,
    end_at INTEGER,
    worst_value DOUBLE PRECISION
);
