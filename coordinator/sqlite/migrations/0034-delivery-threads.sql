-- Deliveries wait for those of the same issue or pull request alone: one that fails holds up no other.
ALTER TABLE deliveries ADD COLUMN thread TEXT NOT NULL DEFAULT ''; -- its number; empty: of the repository as a whole
DROP INDEX deliveries_waiting;
CREATE INDEX deliveries_waiting ON deliveries (forge_id, repository_id, thread, id) WHERE next_at IS NOT NULL;
