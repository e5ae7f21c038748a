-- The name of the workers' image that a project chose, and that an attempt had; null: the server's default.
ALTER TABLE projects ADD COLUMN image TEXT;
ALTER TABLE attempts ADD COLUMN image TEXT;
