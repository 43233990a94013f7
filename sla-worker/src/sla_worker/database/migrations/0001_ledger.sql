-- The ledger of the first three SLAs. Times are epoch seconds, ratios 0 to 1.
-- PostgreSQL takes this text as well once the words WITHOUT ROWID are dropped.

CREATE TABLE ledger (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    slot_seconds INTEGER NOT NULL CHECK (slot_seconds > 0),
    checked_at INTEGER NOT NULL
);

CREATE TABLE sla_definitions (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    category TEXT NOT NULL,
    description TEXT NOT NULL,
    metric_name TEXT NOT NULL,
    component TEXT NOT NULL,
    comparison TEXT NOT NULL CHECK (comparison IN ('>=', '<=')),
    target_value DOUBLE PRECISION NOT NULL,
    unit TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low')),
    percentile DOUBLE PRECISION,
    from_file INTEGER NOT NULL CHECK (from_file IN (0, 1)),
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at INTEGER NOT NULL
);

CREATE TABLE sla_components (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- slot: the end of the slot. state: 0 met, 1 breached, 2 no traffic, 3 no data, 4 partial.
-- status: 0 excellent, 1 good, 2 poor, 3 critical, 4 no traffic, 5 no data, 6 partial.
CREATE TABLE sla_measurements (
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    component_id INTEGER NOT NULL REFERENCES sla_components (id),
    slot INTEGER NOT NULL,
    good_events DOUBLE PRECISION NOT NULL,
    total_events DOUBLE PRECISION NOT NULL,
    coverage DOUBLE PRECISION NOT NULL,
    actual_value DOUBLE PRECISION,
    target_value DOUBLE PRECISION NOT NULL,
    compliant INTEGER CHECK (compliant IN (0, 1)),
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
    status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 6),
    late INTEGER NOT NULL CHECK (late IN (0, 1)),
    PRIMARY KEY (sla_id, component_id, slot)
) WITHOUT ROWID;

CREATE TABLE sla_breaches (
    id INTEGER PRIMARY KEY,
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    component_id INTEGER NOT NULL REFERENCES sla_components (id),
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    target_value DOUBLE PRECISION NOT NULL,
    worst_value DOUBLE PRECISION,
    severity TEXT NOT NULL,
    UNIQUE (sla_id, component_id, started_at)
);

CREATE INDEX sla_breaches_active ON sla_breaches (sla_id, component_id) WHERE ended_at IS NULL;

CREATE TABLE sla_daily_summaries (
    day_start INTEGER NOT NULL,
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    component_id INTEGER NOT NULL REFERENCES sla_components (id),
    average_value DOUBLE PRECISION,
    minimum_value DOUBLE PRECISION,
    maximum_value DOUBLE PRECISION,
    good_events DOUBLE PRECISION NOT NULL,
    total_events DOUBLE PRECISION NOT NULL,
    covered_slots DOUBLE PRECISION NOT NULL,
    breaches INTEGER NOT NULL,
    PRIMARY KEY (sla_id, component_id, day_start)
) WITHOUT ROWID;

-- The outbox: a row is a mail that is owed until sent_at is set. notification_key makes it unique.
CREATE TABLE sla_notifications (
    id INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    notification_key TEXT NOT NULL UNIQUE,
    breach_id INTEGER REFERENCES sla_breaches (id),
    period_end INTEGER,
    recipients TEXT,
    created_at INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    sent_at INTEGER,
    success INTEGER CHECK (success IN (0, 1)),
    error TEXT
);

CREATE INDEX sla_notifications_due ON sla_notifications (next_attempt_at) WHERE sent_at IS NULL;

CREATE TABLE webhook_alerts (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status TEXT NOT NULL,
    alertname TEXT NOT NULL,
    receiver TEXT NOT NULL,
    labels TEXT NOT NULL,
    annotations TEXT NOT NULL,
    starts_at TEXT NOT NULL,
    ends_at TEXT NOT NULL,
    received_at INTEGER NOT NULL
);
