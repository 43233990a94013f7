-- Rows are not final because they were first: final 0 is read again while it can still change, and what a row said
-- before stands in the audit. state: 5 low traffic, 6 out of hours, 7 excluded; status: 7 to 9 likewise.

CREATE TABLE sla_measurements_new (
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    component_id INTEGER NOT NULL REFERENCES sla_components (id),
    slot INTEGER NOT NULL,
    good_events DOUBLE PRECISION NOT NULL,
    total_events DOUBLE PRECISION NOT NULL,
    coverage DOUBLE PRECISION NOT NULL,
    actual_value DOUBLE PRECISION,
    target_value DOUBLE PRECISION NOT NULL,
    compliant INTEGER CHECK (compliant IN (0, 1)),
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
    status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 9),
    late INTEGER NOT NULL CHECK (late IN (0, 1)),
    final INTEGER NOT NULL CHECK (final IN (0, 1)),
    stored_at INTEGER,
    PRIMARY KEY (sla_id, component_id, slot)
) WITHOUT ROWID;

INSERT INTO sla_measurements_new (sla_id, component_id, slot, good_events, total_events, coverage, actual_value,
                                  target_value, compliant, state, status, late, final, stored_at)
SELECT sla_id, component_id, slot, good_events, total_events, coverage, actual_value,
       target_value, compliant, state, status, late, 1, stored_at
FROM sla_measurements ORDER BY sla_id, component_id, slot;
DROP TABLE sla_measurements;
ALTER TABLE sla_measurements_new RENAME TO sla_measurements;
CREATE INDEX sla_measurements_provisional ON sla_measurements (slot) WHERE final = 0;

-- A row that was replaced or removed, and why: again (a clock that had jumped), reread, recompute, backfill.
CREATE TABLE sla_measurement_audit (
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    component_id INTEGER NOT NULL REFERENCES sla_components (id),
    slot INTEGER NOT NULL,
    good_events DOUBLE PRECISION NOT NULL,
    total_events DOUBLE PRECISION NOT NULL,
    coverage DOUBLE PRECISION NOT NULL,
    actual_value DOUBLE PRECISION,
    target_value DOUBLE PRECISION NOT NULL,
    state INTEGER NOT NULL,
    status INTEGER NOT NULL,
    late INTEGER NOT NULL,
    final INTEGER NOT NULL,
    stored_at INTEGER,
    replaced_at INTEGER NOT NULL,
    reason TEXT NOT NULL
);

CREATE INDEX sla_measurement_audit_row ON sla_measurement_audit (sla_id, component_id, slot);

-- Slots that are still missing before the newest one of an SLA, which is stored first: first_slot to last_slot.
CREATE TABLE sla_gaps (
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    first_slot INTEGER NOT NULL,
    last_slot INTEGER NOT NULL,
    PRIMARY KEY (sla_id, first_slot)
) WITHOUT ROWID;

-- details: form, labels, policy and members of a definition, as JSON. catch_up_id: the mail that reports a breach
-- of the past together with others.
ALTER TABLE sla_definitions ADD COLUMN details TEXT;
ALTER TABLE sla_breaches ADD COLUMN catch_up_id INTEGER REFERENCES sla_notifications (id);
CREATE INDEX sla_breaches_catch_up ON sla_breaches (catch_up_id) WHERE catch_up_id IS NOT NULL;
