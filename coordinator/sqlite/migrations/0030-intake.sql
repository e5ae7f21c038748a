-- What forges have sent. It is handled in order, one repository at a time, and forgotten after a while.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- ascending: the order of arrival
  forge_id TEXT NOT NULL REFERENCES forges (id) ON DELETE CASCADE,
  delivery_id TEXT NOT NULL, -- the forge's id, the same when it is sent again
  body_hash TEXT NOT NULL, -- a replay under another id has the same signed body
  repository_id TEXT NOT NULL,
  event TEXT, -- JSON; null: handled
  received_at TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  next_at TEXT, -- when it is handled next; null: it was
  UNIQUE (forge_id, delivery_id),
  UNIQUE (forge_id, body_hash)
) STRICT;
CREATE INDEX deliveries_waiting ON deliveries (forge_id, repository_id, id) WHERE next_at IS NOT NULL;

-- What people and checks at a forge have asked for: each source, such as a comment, acts once.
CREATE TABLE forge_requests (
  forge_id TEXT NOT NULL REFERENCES forges (id) ON DELETE CASCADE,
  repository_id TEXT NOT NULL,
  source TEXT NOT NULL,
  number INTEGER NOT NULL, -- of the issue or pull request
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE, -- null: not a person of this server
  task_id TEXT REFERENCES tasks (id) ON DELETE SET NULL, -- null: it was refused, or the task was deleted
  created_at TEXT NOT NULL,
  PRIMARY KEY (forge_id, repository_id, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX forge_requests_by_thread ON forge_requests (forge_id, repository_id, number, user_id);
CREATE INDEX forge_requests_by_task ON forge_requests (task_id);
CREATE INDEX forge_requests_by_user ON forge_requests (user_id);

-- What Errand writes at forges: first stored here, then written, and written again when it changes.
CREATE TABLE forge_words (
  id TEXT PRIMARY KEY, -- also in the text, so that Errand knows its own words
  forge_id TEXT NOT NULL REFERENCES forges (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  task_id TEXT REFERENCES tasks (id) ON DELETE CASCADE, -- null: the request was refused
  project_id TEXT,
  kind TEXT NOT NULL, -- status: what becomes of a request; answer: to what was asked in a review
  repo_url TEXT NOT NULL,
  number INTEGER NOT NULL,
  reply_to TEXT, -- JSON: the comment on lines whose thread it belongs to
  resolves TEXT, -- the thread that it resolves
  body TEXT NOT NULL,
  begun INTEGER NOT NULL DEFAULT 0, -- whether it may be there without its id being known
  comment_id TEXT, -- the forge's id, once it is there
  tries INTEGER NOT NULL DEFAULT 0,
  next_at TEXT, -- when it is written next; null: it is written
  created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX forge_words_waiting ON forge_words (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX forge_words_by_task ON forge_words (task_id, kind);
CREATE INDEX forge_words_by_user ON forge_words (user_id);

-- How often a task went back to work by itself for its pull request.
CREATE TABLE follow_ups (
  task_id TEXT PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
  rounds INTEGER NOT NULL DEFAULT 0, -- since its person last agreed
  stopped INTEGER NOT NULL DEFAULT 0, -- its person does not want more
  waiting TEXT NOT NULL DEFAULT '[]' -- JSON: the texts that wait until the person agrees
) STRICT, WITHOUT ROWID;

-- What a task was told of its pull request and is to answer there. `n` is its number in the message to the task.
CREATE TABLE follow_up_items (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  n INTEGER NOT NULL,
  forge_id TEXT NOT NULL REFERENCES forges (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  comment TEXT, -- JSON: the comment on lines; null: a review as a whole, or checks
  message_id TEXT, -- null: it waits until the person agrees
  answered_at TEXT,
  PRIMARY KEY (task_id, n)
) STRICT, WITHOUT ROWID;

ALTER TABLE projects ADD COLUMN mentions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN follow_up INTEGER NOT NULL DEFAULT 0;
