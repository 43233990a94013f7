-- Months as they were frozen: what is stored here is never made again, only handed out.

-- A change of what counts in a month (an exclusion, a correction, slots measured again) makes the next revision.
-- start_at, end_at: the month in `zone`, whatever the timezone of the reports is later. reason: why there is this revision.
-- compliance: SLAs that kept their target ÷ SLAs measured. availability: mean compliance of the SLAs of that category.
-- document: all figures and what they rest on, as JSON. content: the same as text. touched: what has changed since, until
-- the figures were looked at again; NULL: nothing.
CREATE TABLE sla_monthly_reports (
    month TEXT NOT NULL,
    revision INTEGER NOT NULL CHECK (revision > 0),
    zone TEXT NOT NULL,
    start_at INTEGER NOT NULL,
    end_at INTEGER NOT NULL,
    frozen_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    compliance DOUBLE PRECISION,
    breaches INTEGER NOT NULL,
    availability DOUBLE PRECISION,
    worker_version TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    document TEXT NOT NULL,
    content TEXT NOT NULL,
    touched TEXT,
    PRIMARY KEY (month, revision)
) WITHOUT ROWID;
