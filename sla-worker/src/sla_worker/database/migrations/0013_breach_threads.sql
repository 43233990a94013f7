-- Which breach is told in which thread of mails.

-- breach_id: the first breach of the thread. answers: the key of the mail that all others of the thread answer.
-- newest_id: the newest breach of the thread. breaches: how many beginnings were told.
-- told_at: when the last mail was owed. told_worst: the worst value then. told_end: the end that was told; NULL: it lasts.
-- mails: how many follow on the first one. renewals: how many of them only said that it lasts.
CREATE TABLE sla_breach_threads (
    breach_id INTEGER NOT NULL PRIMARY KEY REFERENCES sla_breaches (id) ON DELETE CASCADE,
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    component_id INTEGER NOT NULL REFERENCES sla_components (id),
    answers TEXT NOT NULL,
    newest_id INTEGER NOT NULL,
    breaches INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    told_worst DOUBLE PRECISION,
    told_end INTEGER,
    mails INTEGER NOT NULL,
    renewals INTEGER NOT NULL
);

CREATE INDEX sla_breach_threads_told ON sla_breach_threads (told_end);
CREATE INDEX sla_breach_threads_place ON sla_breach_threads (sla_id, component_id, breach_id);

-- What lasts now gets an end; what ended before nobody is told once more.
INSERT INTO sla_breach_threads
SELECT b.id, b.sla_id, b.component_id, n.notification_key, b.id, 1, n.created_at, b.worst_value, NULL, 0, 0
FROM sla_breaches b JOIN sla_notifications n ON n.breach_id = b.id AND n.type = 'breach'
WHERE b.ended_at IS NULL;
