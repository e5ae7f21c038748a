-- The history is in the tokens of workers. A restored backup gets another one, since attempts' numbers are used again
-- in it.
INSERT INTO meta (key, value) SELECT 'history', value FROM meta WHERE key = 'instance';

-- What a task waits for while its worker is silent, as JSON. It is shown in place of `waiting_for`, the worker's last
-- report.
ALTER TABLE tasks ADD COLUMN silence TEXT;

-- Model requests in progress, with the most that each may cost: after a crash the next start charges for them.
CREATE TABLE open_requests (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: what is booked late is booked to its own request
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  model TEXT NOT NULL,
  -- The prompt: at most so much, until the answer begins and says how much it is.
  input_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  prompt_usd REAL NOT NULL,
  -- The answer: at most so much.
  max_tokens INTEGER NOT NULL,
  output_usd REAL NOT NULL,
  at TEXT NOT NULL -- when it went out; once the answer has begun, when it did
) STRICT;
CREATE INDEX open_requests_by_task ON open_requests (task_id);

-- For counting the keys of a user without reading the responses.
CREATE INDEX idempotency_keys_by_user ON idempotency_keys (user_id, created_at);
