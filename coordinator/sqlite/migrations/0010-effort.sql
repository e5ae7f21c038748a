-- How much the model thinks and writes: low, medium, high, xhigh or max; null: the server's default.
ALTER TABLE projects ADD COLUMN effort TEXT;
ALTER TABLE tasks ADD COLUMN effort TEXT NOT NULL DEFAULT 'medium';
