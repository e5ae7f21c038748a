-- Whose tokens workers bear: this server's, until a restored backup begins another history, in which attempts' numbers are used again.
INSERT INTO meta (key, value) SELECT 'history', value FROM meta WHERE key = 'instance';

-- What a task waits for while its worker is silent, as JSON: it stands before `waiting_for`, which is the worker's last word.
ALTER TABLE tasks ADD COLUMN silence TEXT;

-- The model requests that are under way, and what each may cost: what an earlier process was carrying when it died is booked at the next start.
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

-- So that the keys of a user are counted without a look at the answers.
CREATE INDEX idempotency_keys_by_user ON idempotency_keys (user_id, created_at);
