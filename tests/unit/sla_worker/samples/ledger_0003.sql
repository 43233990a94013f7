BEGIN TRANSACTION;
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    slot_seconds INTEGER NOT NULL CHECK (slot_seconds > 0), trusted_until INTEGER, distrusted_until INTEGER);
INSERT INTO "ledger" VALUES(1,300,NULL,NULL);
CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL);
INSERT INTO "schema_migrations" VALUES(1,'0001_ledger.sql',1700000100);
INSERT INTO "schema_migrations" VALUES(2,'0002_watchdog.sql',1700000100);
INSERT INTO "schema_migrations" VALUES(3,'0003_deliveries.sql',1700000100);
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
INSERT INTO "sla_breaches" VALUES(1,1,1,1700000100,1700000400,0.999,0.5,'critical');
INSERT INTO "sla_breaches" VALUES(2,3,2,1700000400,1700001000,0.001,0.06,'critical');
INSERT INTO "sla_breaches" VALUES(3,2,1,1700001000,NULL,5.0,4.2,'high');
INSERT INTO "sla_breaches" VALUES(4,4,1,1700001300,NULL,50.0,60.0,'low');
CREATE TABLE sla_components (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
INSERT INTO "sla_components" VALUES(1,'all');
INSERT INTO "sla_components" VALUES(2,'crm');
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
INSERT INTO "sla_daily_summaries" VALUES(1699920000,1,1,0.9,0.5,1.0,90.0,100.0,5.0,1);
INSERT INTO "sla_daily_summaries" VALUES(1699920000,2,1,4.2,4.2,4.2,335.0,400.0,4.0,1);
INSERT INTO "sla_daily_summaries" VALUES(1699920000,3,2,0.022,0.0,0.06,4890.0,5000.0,5.0,1);
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
INSERT INTO "sla_definitions" VALUES(1,'platform-uptime','Platform Uptime','availability','The platform answers its scrapes. When it does not, no user is served.','up','all','>=',0.999,'ratio','critical',NULL,1,1,1700000100);
INSERT INTO "sla_definitions" VALUES(2,'api-response-time-p95','API Response Time P95','performance','95 of 100 agent requests end within 5 seconds. Slower ones are felt by users.','insa_agent_request_duration_seconds','all','<=',5.0,'seconds','high',0.95,1,1,1700000100);
INSERT INTO "sla_definitions" VALUES(3,'api-error-rate','API Error Rate','reliability','Agent requests that end in an error. Each one is an answer that a user did not get.','insa_agent_requests_total','all','<=',0.001,'ratio','critical',NULL,1,1,1700000100);
INSERT INTO "sla_definitions" VALUES(4,'queue','Queue','efficiency','','queue','all','<=',50.0,'tasks','low',NULL,0,1,1700001345);
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
INSERT INTO "sla_deliveries" VALUES(1,'on-call@example.com',1700001360,1,NULL,NULL,'450 later');
INSERT INTO "sla_deliveries" VALUES(1,'owner@example.com',1700001360,1,1700001345,'delivered',NULL);
INSERT INTO "sla_deliveries" VALUES(2,'owner@example.com',1700001360,1,1700001345,'delivered',NULL);
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
    late INTEGER NOT NULL CHECK (late IN (0, 1)), stored_at INTEGER,
    PRIMARY KEY (sla_id, component_id, slot)
) WITHOUT ROWID;
INSERT INTO "sla_measurements" VALUES(1,1,1700000100,20.0,20.0,1.0,1.0,0.999,1,0,0,0,1700000145);
INSERT INTO "sla_measurements" VALUES(1,1,1700000400,10.0,20.0,1.0,0.5,0.999,0,1,3,0,1700000445);
INSERT INTO "sla_measurements" VALUES(1,1,1700000700,20.0,20.0,1.0,1.0,0.999,1,0,0,0,1700000745);
INSERT INTO "sla_measurements" VALUES(1,1,1700001000,20.0,20.0,1.0,1.0,0.999,1,0,0,1,1700001045);
INSERT INTO "sla_measurements" VALUES(1,1,1700001300,20.0,20.0,1.0,1.0,0.999,1,0,0,0,1700001345);
INSERT INTO "sla_measurements" VALUES(2,1,1700000100,95.0,100.0,1.0,4.2,5.0,1,0,1,0,1700000145);
INSERT INTO "sla_measurements" VALUES(2,1,1700000400,95.0,100.0,1.0,4.2,5.0,1,0,1,0,1700000445);
INSERT INTO "sla_measurements" VALUES(2,1,1700000700,0.0,0.0,0.0,NULL,5.0,NULL,3,5,0,1700000745);
INSERT INTO "sla_measurements" VALUES(2,1,1700001000,95.0,100.0,1.0,4.2,5.0,1,0,1,0,1700001045);
INSERT INTO "sla_measurements" VALUES(2,1,1700001300,50.0,100.0,1.0,4.2,5.0,0,1,2,0,1700001345);
INSERT INTO "sla_measurements" VALUES(3,2,1700000100,1000.0,1000.0,1.0,0.0,0.001,1,0,0,0,1700000145);
INSERT INTO "sla_measurements" VALUES(3,2,1700000400,1000.0,1000.0,1.0,0.0,0.001,1,0,0,0,1700000445);
INSERT INTO "sla_measurements" VALUES(3,2,1700000700,950.0,1000.0,1.0,0.05,0.001,0,1,3,0,1700000745);
INSERT INTO "sla_measurements" VALUES(3,2,1700001000,940.0,1000.0,1.0,0.06,0.001,0,1,3,1,1700001045);
INSERT INTO "sla_measurements" VALUES(3,2,1700001300,1000.0,1000.0,1.0,0.0,0.001,1,0,0,0,1700001345);
INSERT INTO "sla_measurements" VALUES(4,1,1700001600,0.0,1.0,1.0,60.0,50.0,0,1,2,0,1700001345);
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
, outage_id INTEGER REFERENCES "watchdog_outages" (id), done_at INTEGER);
INSERT INTO "sla_notifications" VALUES(1,'breach','breach:1',1,NULL,NULL,1700000445,1700000445,0,NULL,0,'on-call@example.com: 450 later',NULL,NULL);
INSERT INTO "sla_notifications" VALUES(2,'breach','breach:2',2,NULL,'owner@example.com',1700000745,1700000745,0,1700001345,1,NULL,NULL,1700001345);
INSERT INTO "sla_notifications" VALUES(3,'breach','breach:3',3,NULL,NULL,1700001345,1700001345,0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "sla_notifications" VALUES(4,'watchdog_outage','watchdog_outage:1',NULL,NULL,NULL,1699999800,1699999800,0,NULL,NULL,NULL,1,NULL);
INSERT INTO "sla_notifications" VALUES(5,'watchdog_outage_end','watchdog_outage_end:1',NULL,NULL,NULL,1700000100,1700000100,0,NULL,NULL,NULL,1,NULL);
CREATE TABLE watchdog (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    received_at INTEGER NOT NULL
);
INSERT INTO "watchdog" VALUES(1,1700000100);
CREATE TABLE "watchdog_outages" (
    id INTEGER PRIMARY KEY,
    started_at INTEGER NOT NULL,
    last_received_at INTEGER,
    noticed_at INTEGER NOT NULL,
    ended_at INTEGER
);
INSERT INTO "watchdog_outages" VALUES(1,1699999200,NULL,1699999800,1700000100);
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
, size_bytes INTEGER NOT NULL DEFAULT 0);
INSERT INTO "webhook_alerts" VALUES(1,'f','firing','A','worker','{"alertname": "A"}','{"summary": "s"}','s','e',1700000100,50);
CREATE INDEX sla_breaches_active ON sla_breaches (sla_id, component_id) WHERE ended_at IS NULL;
CREATE INDEX watchdog_outages_active ON watchdog_outages (id) WHERE ended_at IS NULL;
CREATE INDEX sla_notifications_open ON sla_notifications (id) WHERE done_at IS NULL;
CREATE INDEX sla_deliveries_open ON sla_deliveries (notification_id) WHERE result IS NULL;
CREATE INDEX sla_deliveries_given_up ON sla_deliveries (notification_id) WHERE result = 'given up';
CREATE INDEX sla_breaches_started ON sla_breaches (started_at);
COMMIT;
