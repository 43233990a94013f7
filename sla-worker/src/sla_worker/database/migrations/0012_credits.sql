-- What customers are owed for frozen months: what the figures propose, and what people decide.

-- 1: the credits of this revision of the month were looked at, only the newest revision is.
ALTER TABLE sla_monthly_reports ADD COLUMN proposed INTEGER NOT NULL DEFAULT 0;

-- One proposal for an SLA and component of a month. Another revision with another credit adds one that supersedes it.
-- percent, below: decimals as text, percent of the month's price and of compliance. percent NULL: no figure, and why.
-- terms: yearly cap, least amount and the days to claim it in, as JSON. title: the SLA's name when it was proposed.
CREATE TABLE sla_credits (
    id INTEGER NOT NULL PRIMARY KEY,
    month TEXT NOT NULL,
    revision INTEGER NOT NULL,
    sla_id INTEGER NOT NULL REFERENCES sla_definitions (id),
    component TEXT NOT NULL,
    title TEXT NOT NULL,
    percent TEXT,
    below TEXT,
    why TEXT,
    compliance DOUBLE PRECISION,
    coverage DOUBLE PRECISION,
    terms TEXT NOT NULL,
    proposed_at INTEGER NOT NULL,
    supersedes INTEGER UNIQUE REFERENCES sla_credits (id),
    FOREIGN KEY (month, revision) REFERENCES sla_monthly_reports (month, revision)
);
CREATE INDEX sla_credits_month ON sla_credits (month, sla_id, component);

-- What was decided of a proposal. One that was revoked stays, and another one may follow.
CREATE TABLE sla_credit_decisions (
    id INTEGER NOT NULL PRIMARY KEY,
    credit_id INTEGER NOT NULL REFERENCES sla_credits (id),
    approved INTEGER NOT NULL CHECK (approved IN (0, 1)),
    percent TEXT NOT NULL,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    revoked_at INTEGER,
    revoked_by TEXT,
    revoke_reason TEXT
);
CREATE INDEX sla_credit_decisions_credit ON sla_credit_decisions (credit_id);
