-- Where several workers share a ledger, one writes at a time. A writer that was cut off sees by the number of the term that
-- another one has written meanwhile.
CREATE TABLE writer (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    term INTEGER NOT NULL,
    name TEXT NOT NULL,
    since INTEGER NOT NULL
);

-- What Alertmanager sent to a worker that stands by, until the writer takes it over: the alerts as JSON, by a key that
-- needs no other row. put_at is the time of the database, for workers whose clocks differ.
CREATE TABLE webhook_inbox (
    id TEXT PRIMARY KEY,
    put_at INTEGER NOT NULL,
    truncated INTEGER NOT NULL,
    alerts TEXT NOT NULL
);
