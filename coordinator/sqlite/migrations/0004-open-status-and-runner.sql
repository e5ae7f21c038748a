-- The statuses of tasks and attempts are listed only in protocol/task.ts, so that a new one needs no migration.
-- (`runner` never had such a list.) SQLite cannot drop a CHECK, so each table is copied into a new one that takes its
-- place.

-- `tasks` gets a rowid. Without one, every step of a search by id reads a whole row, with its prompt, plan and
-- result: with prompts of 2 KB a look-up took five times as long. Every callback does one, and so does the insert of
-- every event, for its foreign key.
CREATE TABLE tasks_new (
  id TEXT NOT NULL PRIMARY KEY,
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
  status TEXT NOT NULL,
  reason TEXT,
  detail TEXT,
  attempt INTEGER NOT NULL, -- the number of the newest attempt: callbacks of older ones are refused
  failures INTEGER NOT NULL, -- attempts lost since a person last asked for one
  cancel_reason TEXT, -- set while a cancel is under way
  queued_at TEXT NOT NULL,
  retry_at TEXT, -- it does not start before
  workspace TEXT, -- the folder's name, from the first attempt on; null again once the folder was given up
  waiting_for TEXT, -- JSON, what the worker last reported; the place in the queue is derived
  silence TEXT, -- JSON, what the task waits for while its worker is silent: shown in place of `waiting_for`
  plan TEXT NOT NULL, -- JSON array
  result TEXT, -- JSON
  pushed_branch TEXT, -- the branch, once it is known to be in the repository
  requests INTEGER NOT NULL DEFAULT 0,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  cache_write_tokens INTEGER NOT NULL DEFAULT 0,
  cache_read_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  cost_usd REAL NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT -- null again when an ended task goes on
) STRICT;

INSERT INTO tasks_new (
  id, user_id, project_id, repo_url, prompt, title, base_branch, branch, model, budget_usd, max_turns, priority, status, reason, detail, attempt,
  failures, cancel_reason, queued_at, retry_at, workspace, waiting_for, silence, plan, result, pushed_branch, requests, input_tokens,
  cache_write_tokens, cache_read_tokens, output_tokens, cost_usd, created_at, updated_at, started_at, ended_at
) SELECT
  id, user_id, project_id, repo_url, prompt, title, base_branch, branch, model, budget_usd, max_turns, priority, status, reason, detail, attempt,
  failures, cancel_reason, queued_at, retry_at, workspace, waiting_for, silence, plan, result, pushed_branch, requests, input_tokens,
  cache_write_tokens, cache_read_tokens, output_tokens, cost_usd, created_at, updated_at, started_at, ended_at
FROM tasks;

DROP TABLE tasks;
ALTER TABLE tasks_new RENAME TO tasks;

CREATE INDEX tasks_by_user ON tasks (user_id, id);
CREATE INDEX tasks_by_user_status ON tasks (user_id, status, id);
CREATE INDEX tasks_by_project ON tasks (project_id, id);
CREATE INDEX tasks_by_project_status ON tasks (project_id, status, id);
-- It holds every column that the queue's order needs, so that no row, with its long prompt, is read for it.
CREATE INDEX tasks_queued ON tasks (user_id, priority, queued_at, id, retry_at) WHERE status = 'queued';
CREATE INDEX tasks_with_workspace ON tasks (workspace) WHERE workspace IS NOT NULL;
CREATE INDEX tasks_active ON tasks (status) WHERE status IN ('starting', 'running', 'waiting');
CREATE INDEX tasks_ended ON tasks (ended_at, id) WHERE ended_at IS NOT NULL;

CREATE TABLE attempts_new (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  n INTEGER NOT NULL,
  status TEXT NOT NULL,
  reason TEXT,
  detail TEXT,
  runner TEXT NOT NULL,
  worker TEXT NOT NULL, -- the container's name, written before the container is made
  warm INTEGER NOT NULL,
  last_seq INTEGER NOT NULL, -- the `seq` of the newest stored event of this attempt
  result_at TEXT, -- when the worker's own result came; null: it has not come, or the attempt was given up
  started_at TEXT NOT NULL,
  ended_at TEXT,
  PRIMARY KEY (task_id, n)
) STRICT, WITHOUT ROWID;

INSERT INTO attempts_new (task_id, n, status, reason, detail, runner, worker, warm, last_seq, result_at, started_at, ended_at)
SELECT task_id, n, status, reason, detail, runner, worker, warm, last_seq, result_at, started_at, ended_at FROM attempts;

DROP TABLE attempts;
ALTER TABLE attempts_new RENAME TO attempts;
