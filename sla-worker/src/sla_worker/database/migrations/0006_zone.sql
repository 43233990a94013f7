-- Up to here days are those of a former timezone; those after it are of `zone`. NULL: all days are.
ALTER TABLE ledger ADD COLUMN days_after INTEGER;
