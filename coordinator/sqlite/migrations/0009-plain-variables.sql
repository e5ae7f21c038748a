-- A project's variables that are no secret: JSON, from name to value. Those of before stay secret, whatever they are;
-- env_names are the names of the secret ones.
ALTER TABLE projects ADD COLUMN env TEXT NOT NULL DEFAULT '{}';
