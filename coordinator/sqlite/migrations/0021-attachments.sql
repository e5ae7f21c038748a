-- The uploads of people. The bytes are in a file of the data folder; a file without a row is garbage. An upload belongs
-- to nothing until it is sent: then to a task, and to a message unless it came with the prompt.
CREATE TABLE attachments (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  width INTEGER,
  height INTEGER,
  created_at TEXT NOT NULL, -- or when the message that it belonged to was withdrawn
  task_id TEXT REFERENCES tasks (id) ON DELETE CASCADE,
  message_id TEXT,
  PRIMARY KEY (user_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachments_by_task ON attachments (task_id, id) WHERE task_id IS NOT NULL;
CREATE INDEX attachments_unsent ON attachments (created_at) WHERE task_id IS NULL;
