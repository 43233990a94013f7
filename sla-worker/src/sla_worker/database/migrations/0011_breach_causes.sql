-- The alerts that fired when a breach began, as Prometheus has them: the likely cause.

-- started_at: the beginning that was asked for; when the breach has another by now, it is asked for again.
-- trouble: why it cannot be known; NULL: it is. tries: how often it was asked for.
-- total: how many alerts there were; alerts: the first of them as JSON.
CREATE TABLE sla_breach_causes (
    breach_id INTEGER NOT NULL PRIMARY KEY REFERENCES sla_breaches (id) ON DELETE CASCADE,
    started_at INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    trouble TEXT,
    total INTEGER NOT NULL,
    alerts TEXT NOT NULL
);

INSERT INTO sla_breach_causes (breach_id, started_at, asked_at, tries, trouble, total, alerts)
SELECT id, started_at, 0, 1000, 'it began before alerts were kept with breaches', 0, '[]' FROM sla_breaches;
