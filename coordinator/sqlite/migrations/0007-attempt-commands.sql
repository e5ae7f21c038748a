-- The project's commands when the attempt began; null: it has none. A success needs them to have run. The attempts of
-- before have no such demand.
ALTER TABLE attempts ADD COLUMN setup_command TEXT;
ALTER TABLE attempts ADD COLUMN verify_command TEXT;
