-- What was really sent: the body of each mail, once for all who got the same, whatever its figures become later.

-- version: a mail that could not leave to everybody is made again, and may say something else by then; one that nobody
-- has got is replaced. recipients: how many have got this one. content: packed, see sent.py.
CREATE TABLE sla_sent_reports (
    notification_id INTEGER NOT NULL REFERENCES sla_notifications (id) ON DELETE CASCADE,
    version INTEGER NOT NULL CHECK (version > 0),
    made_at INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (notification_id, version)
);
