-- A ledger that was copied to another place is not written to any more: two that live would send each mail twice.

-- moved_to: where it went, without a password. moved_at: when. NULL: it is the one that counts.
ALTER TABLE ledger ADD COLUMN moved_to TEXT;
ALTER TABLE ledger ADD COLUMN moved_at INTEGER;
