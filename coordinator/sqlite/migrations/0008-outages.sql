-- Since when the attempts fail because a service cannot be reached; null: the last one did not.
ALTER TABLE tasks ADD COLUMN outage_since TEXT;
