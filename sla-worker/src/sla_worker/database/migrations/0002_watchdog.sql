-- The dead man's switch: when the Watchdog, the alert that always fires, came last, and the times in which it did not.

CREATE TABLE watchdog (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    received_at INTEGER NOT NULL
);

-- started_at: the last Watchdog, or the start of the worker if that was later. last_received_at: NULL if none ever came.
CREATE TABLE watchdog_silences (
    id INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    last_received_at INTEGER,
    noticed_at INTEGER NOT NULL,
    ended_at INTEGER
);

CREATE INDEX watchdog_silences_active ON watchdog_silences (id) WHERE ended_at IS NULL;

ALTER TABLE sla_notifications ADD COLUMN silence_id INTEGER REFERENCES watchdog_silences (id);
