-- A mail is delivered to each recipient by itself; a silence is called what it is, an outage of the Watchdog.

ALTER TABLE watchdog_silences RENAME TO watchdog_outages;
DROP INDEX watchdog_silences_active;
CREATE INDEX watchdog_outages_active ON watchdog_outages (id) WHERE ended_at IS NULL;

ALTER TABLE sla_notifications RENAME COLUMN silence_id TO outage_id;
UPDATE sla_notifications SET type = 'watchdog_outage', notification_key = 'watchdog_outage:' || outage_id
    WHERE type = 'silence';
UPDATE sla_notifications SET type = 'watchdog_outage_end', notification_key = 'watchdog_outage_end:' || outage_id
    WHERE type = 'silence_end';

-- done_at: none of its deliveries is open. sent_at: the last delivery that succeeded; NULL if all were given up.
ALTER TABLE sla_notifications ADD COLUMN done_at INTEGER;
UPDATE sla_notifications SET done_at = sent_at;
DROP INDEX sla_notifications_due;
CREATE INDEX sla_notifications_open ON sla_notifications (id) WHERE done_at IS NULL;

-- One recipient of one mail, made when the mail is first looked at. result NULL: still open.
CREATE TABLE sla_deliveries (
    notification_id INTEGER NOT NULL REFERENCES sla_notifications (id),
    recipient TEXT NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    closed_at INTEGER,
    result TEXT CHECK (result IN ('delivered', 'given up', 'withdrawn')),
    error TEXT,
    PRIMARY KEY (notification_id, recipient)
) WITHOUT ROWID;

CREATE INDEX sla_deliveries_open ON sla_deliveries (notification_id) WHERE result IS NULL;
CREATE INDEX sla_deliveries_given_up ON sla_deliveries (notification_id) WHERE result = 'given up';

-- stored_at: when the row was stored by the clock of that moment; NULL in rows of former versions. Rows of the slots
-- in (trusted_until, distrusted_until] were stored by a clock that ran ahead.
ALTER TABLE sla_measurements ADD COLUMN stored_at INTEGER;
ALTER TABLE ledger DROP COLUMN checked_at;
ALTER TABLE ledger ADD COLUMN trusted_until INTEGER;
ALTER TABLE ledger ADD COLUMN distrusted_until INTEGER;

CREATE INDEX sla_breaches_started ON sla_breaches (started_at);

ALTER TABLE webhook_alerts ADD COLUMN size_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE webhook_alerts SET size_bytes = LENGTH(labels) + LENGTH(annotations) + LENGTH(alertname) + LENGTH(receiver);
