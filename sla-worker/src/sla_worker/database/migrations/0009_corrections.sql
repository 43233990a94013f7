-- Figures that somebody says are right, beside those that were measured, which stay as they are: what counts instead
-- stands in sla_adjusted_slots, _hours and _days, as for time that does not count.

-- Of the slots that end in (start_at, end_at]. components: those it is left to, as JSON; []: all. kind: counts (each
-- slot has these good and total events), good, bad (all events that were measured are), excluded (they do not count).
CREATE TABLE sla_corrections (
    id INTEGER PRIMARY KEY,
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    components TEXT NOT NULL,
    start_at INTEGER NOT NULL,
    end_at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('counts', 'good', 'bad', 'excluded')),
    good_events DOUBLE PRECISION,
    total_events DOUBLE PRECISION,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    revoked_by TEXT,
    revoke_reason TEXT
);
CREATE INDEX sla_corrections_of_sla ON sla_corrections (sla_id);
