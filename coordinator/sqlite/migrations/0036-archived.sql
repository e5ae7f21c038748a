-- When its person put an ended task away; null: it is in the list. It comes back once it goes on.
ALTER TABLE tasks ADD COLUMN archived_at TEXT;
CREATE INDEX tasks_kept ON tasks (user_id, id) WHERE archived_at IS NULL;
CREATE INDEX tasks_archived ON tasks (user_id, id) WHERE archived_at IS NOT NULL;
