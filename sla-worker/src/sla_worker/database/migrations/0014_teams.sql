-- Whose SLAs they are: definitions in several files, one a team.

-- file: the name of its file. receivers: JSON, mail addresses by kind. enabled 0: its file was removed.
CREATE TABLE sla_teams (
    name TEXT NOT NULL PRIMARY KEY,
    file TEXT NOT NULL,
    owner TEXT NOT NULL,
    receivers TEXT NOT NULL,
    enabled INTEGER NOT NULL
);

-- NULL: of the file of the platform.
ALTER TABLE sla_definitions ADD COLUMN team TEXT;

-- Whose report a mail is. NULL: the whole one.
ALTER TABLE sla_notifications ADD COLUMN team TEXT;
