-- Times are ISO 8601 in UTC with milliseconds, so they sort as text. Ids are those of protocol/ids.ts, so they sort
-- by age.

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The epoch names the history of the log. A restored backup gets another one, and clients drop their cursors.
INSERT INTO meta (key, value) VALUES ('epoch', lower(hex(randomblob(8)))), ('instance', lower(hex(randomblob(4))));

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
  created_at TEXT NOT NULL,
  served_at TEXT -- when a task of this user was last given a worker: whose turn it is in the queue
) STRICT, WITHOUT ROWID;

-- A family is one log-in. Only hashes of tokens are stored. `successor` is the next token, encrypted: a client that
-- lost the answer gets it again.
CREATE TABLE refresh_tokens (
  hash TEXT PRIMARY KEY,
  family TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  used_at TEXT,
  successor TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

-- Failed log-ins, by account and by address.
CREATE TABLE login_failures (
  key TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  blocked_until TEXT NOT NULL,
  last_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX login_failures_by_age ON login_failures (last_at);

-- The addresses that each account logged in from: failures from elsewhere do not block log-ins from these.
CREATE TABLE known_addresses (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  address TEXT NOT NULL,
  last_at TEXT NOT NULL,
  PRIMARY KEY (user_id, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE projects (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  repo_url TEXT NOT NULL,
  base_branch TEXT,
  setup_command TEXT,
  verify_command TEXT,
  model TEXT,
  budget_usd REAL,
  max_turns INTEGER,
  egress TEXT NOT NULL,
  egress_hosts TEXT NOT NULL, -- JSON array
  secrets TEXT, -- sealed JSON: git_token, git_username, env
  has_git_token INTEGER NOT NULL,
  env_names TEXT NOT NULL, -- JSON array
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX projects_by_user ON projects (user_id, id);

CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  project_id TEXT REFERENCES projects (id) ON DELETE SET NULL,
  repo_url TEXT NOT NULL,
  prompt TEXT NOT NULL,
  title TEXT NOT NULL,
  base_branch TEXT,
  branch TEXT NOT NULL, -- where the worker pushes to
  model TEXT NOT NULL,
  budget_usd REAL NOT NULL,
  max_turns INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'starting', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
  reason TEXT,
  detail TEXT,
  attempt INTEGER NOT NULL, -- the newest attempt's number; it fences
  failures INTEGER NOT NULL, -- attempts lost since a person last asked for one
  cancel_reason TEXT, -- set while a cancel is under way
  queued_at TEXT NOT NULL,
  retry_at TEXT, -- not before
  workspace TEXT, -- the folder's name, from the first attempt on; null again once the folder was given up
  waiting_for TEXT, -- JSON, what the worker last said; the queue's place is derived
  plan TEXT NOT NULL, -- JSON array
  result TEXT, -- JSON
  pushed_branch TEXT, -- what is known to be in the repository
  requests INTEGER NOT NULL DEFAULT 0,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  cache_write_tokens INTEGER NOT NULL DEFAULT 0,
  cache_read_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  cost_usd REAL NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX tasks_by_user ON tasks (user_id, id);
CREATE INDEX tasks_by_user_status ON tasks (user_id, status, id);
CREATE INDEX tasks_by_project ON tasks (project_id, id);
CREATE INDEX tasks_by_project_status ON tasks (project_id, status, id);
-- It holds every column that the queue's order needs, so that no row, with its long prompt, is read for it.
CREATE INDEX tasks_queued ON tasks (user_id, priority, queued_at, id, retry_at) WHERE status = 'queued';
CREATE INDEX tasks_with_workspace ON tasks (workspace) WHERE workspace IS NOT NULL;
CREATE INDEX tasks_active ON tasks (status) WHERE status IN ('starting', 'running', 'waiting');

CREATE TABLE attempts (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  n INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('starting', 'running', 'succeeded', 'failed', 'cancelled')),
  reason TEXT,
  detail TEXT,
  runner TEXT NOT NULL,
  worker TEXT NOT NULL, -- the container's name, written before the container is made
  warm INTEGER NOT NULL,
  last_seq INTEGER NOT NULL, -- the newest event of this attempt that is stored
  result_at TEXT, -- when its worker's own result came; null: it has not, or the attempt was given up
  started_at TEXT NOT NULL,
  ended_at TEXT,
  PRIMARY KEY (task_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- the clients' cursor: never used twice, even after deletions
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  seq INTEGER, -- the worker's number; null: the coordinator's own event
  type TEXT NOT NULL,
  at TEXT NOT NULL,
  body TEXT NOT NULL -- JSON, stored and sent on as it is
) STRICT;
CREATE UNIQUE INDEX events_by_seq ON events (task_id, attempt, seq) WHERE seq IS NOT NULL;
CREATE INDEX events_by_task ON events (task_id, id);
CREATE INDEX events_by_user ON events (user_id, id);

CREATE TABLE messages (
  id TEXT PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  text TEXT NOT NULL,
  created_at TEXT NOT NULL,
  taken_in_at TEXT -- when it entered the conversation
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_pending ON messages (task_id, id) WHERE taken_in_at IS NULL;

CREATE TABLE diffs (
  task_id TEXT PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
  diff TEXT NOT NULL,
  truncated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  request_hash TEXT NOT NULL, -- of the method, the path and the body
  status INTEGER NOT NULL,
  response TEXT NOT NULL, -- JSON
  created_at TEXT NOT NULL,
  PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
