-- What an SLA was judged by, and from when on: a slot is judged by the version that was in force at its end, for ever.

-- A version judges the slots that end after valid_from, up to the next version's; the first one those before it too.
-- reason: file (the file of definitions), call (a program that uses the database), migrated (its beginning is not known).
-- enabled 0: the SLA was not in force. content: all that it was judged by, as JSON; NULL: not known, or without a file.
CREATE TABLE sla_versions (
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    version INTEGER NOT NULL CHECK (version > 0),
    valid_from INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('file', 'call', 'migrated')),
    category TEXT NOT NULL,
    comparison TEXT NOT NULL CHECK (comparison IN ('>=', '<=')),
    target_value DOUBLE PRECISION NOT NULL,
    unit TEXT NOT NULL,
    percentile DOUBLE PRECISION,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    details TEXT,
    content TEXT,
    content_hash TEXT,
    PRIMARY KEY (sla_id, version)
) WITHOUT ROWID;

INSERT INTO sla_versions (sla_id, version, valid_from, made_at, reason, category, comparison, target_value, unit,
                          percentile, enabled, details)
SELECT id, 1, 0, created_at, 'migrated', category, comparison, target_value, unit, percentile, enabled, details
FROM sla_definitions;
