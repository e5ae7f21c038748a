-- Whether a pull request conflicts with its base, as the forge has said last.
ALTER TABLE pulls ADD COLUMN conflicts INTEGER NOT NULL DEFAULT 0;
