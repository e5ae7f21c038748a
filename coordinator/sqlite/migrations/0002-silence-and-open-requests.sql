-- What a task waits for while its worker is silent, as JSON: it stands before `waiting_for`, which is the worker's last word.
ALTER TABLE tasks ADD COLUMN silence TEXT;

-- The model requests that are under way: what an earlier process was carrying when it died is booked at the next start.
CREATE TABLE open_requests (
  id INTEGER PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL,
  max_tokens INTEGER NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX open_requests_by_task ON open_requests (task_id);
